//! Somebody else's connection to Oracle: the script that fills the SSD, or an administrator.

use std::sync::Once;

use csc_bridge_test_oci::client_folder;
use oracle::{Connection, InitParams};

/// Runs Oracle's SQL as this user, and commits. Semicolons stand at the ends of lines between statements; lines that begin with `--` are
/// comments.
pub fn run(user: &str, password: &str, address: &str, script: &str) {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        let mut params = InitParams::new();
        params.oracle_client_lib_dir(client_folder()).expect("a folder");
        params.init().expect("the client library");
    });
    let driver = Connection::connect(user, password, address).expect("a connection");
    let lines: Vec<&str> = script.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    for statement in lines.join("\n").split(";\n").map(|statement| statement.trim().trim_end_matches(';')) {
        if !statement.is_empty() {
            driver.execute(statement, &[]).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
    driver.commit().expect("a commit");
}
