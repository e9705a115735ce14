//! The server that the other tests rely on.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use csc_bridge_test_postgres::{Options, Server, shared};

#[test]
fn each_database_is_its_own_and_outlives_a_restart() {
    let Some(server) = Server::with(Options { durable: true, ..Options::default() }) else { return };
    let (one, two) = (server.database(), server.database());
    server.psql(&one, "CREATE TABLE t (id text); INSERT INTO t VALUES ('1'), ('2')");
    assert!(server.try_psql(&two, "SELECT * FROM t").is_err());
    server.restart();
    assert_eq!(server.psql(&one, "SELECT id FROM t ORDER BY id"), "1\n2");
    server.stop();
    assert!(server.try_psql(&one, "SELECT 1").is_err());
    server.start_again();
    assert_eq!(server.kill_backends(&one), 0);
    let folder = server.socket().to_owned();
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn the_shared_server_is_one() {
    let (Some(one), Some(two)) = (shared(), shared()) else { return };
    assert_eq!(one.port(), two.port());
    assert_eq!(one.psql("postgres", "SHOW server_encoding"), "UTF8");
    assert!(one.url("x").starts_with("postgres://"));
}

/// What the process does that the test below kills.
#[test]
#[ignore = "run by the test below, which kills it"]
fn waits_to_be_killed() {
    let Some(server) = shared() else { return };
    println!("\nfolder={}", server.socket().display());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_test_leaves_no_server_behind() {
    if Server::start().is_none() {
        return;
    }
    let mut killed = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "waits_to_be_killed", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(killed.stdout.take().unwrap());
    let folder = std::io::BufRead::lines(output)
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("folder=").map(str::to_owned))
        .unwrap();
    assert!(Path::new(&folder).exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let begun = Instant::now();
    while Path::new(&folder).exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{folder} is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
}
