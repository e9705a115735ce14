//! How fast `submit` sends: records a second with 1, 2 and 8 batches in flight, beside what the latency of the DfE end alone allows.
//!
//! `cargo bench --bench submit`, or `CSC_BRIDGE_CHILDREN=20000 cargo bench --bench submit` for a shorter look. Everything is as shipped:
//! the release program as processes of its own, SQLite on this disk with its durability, the simulator with 50 ms for each batch and
//! without validation.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const DAY: &str = "2026-11-19";
const LATENCY: f64 = 0.05;
const BATCH: f64 = 100.0;

/// A process that ends with its owner.
struct Simulator(Child);

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_csc-bridge"));
    command.current_dir(folder).args(args).stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

fn run(folder: &Path, args: &[&str]) -> serde_json::Value {
    let output = program(folder, args).output().expect("the program starts");
    assert!(output.status.success(), "{args:?} ended with {}", output.status);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}

/// Starts the simulator; returns it and its address.
fn simulate(folder: &Path) -> (Simulator, String) {
    let mut command = program(folder, &["simulate", "--listen", "127.0.0.1:0", "--latency", "50ms", "--no-validate"]);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the simulator starts");
    let mut line = String::new();
    BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut line).expect("its address");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(';').next()).expect("an address");
    (Simulator(child), address.to_owned())
}

fn configure(folder: &Path, address: &str, concurrency: u32) {
    let text = format!(
        "cms = \"sqlite\"\nla_code = \"845\"\nstate_dir = \"state\"\n[source]\ndatabase = \"cohort.db\"\nschema = \"\"\n\
         [sink]\nendpoint = \"http://{address}\"\ntoken_endpoint = \"http://{address}/token\"\nscope = \"s\"\n\
         client_id = {{ file = \"secret\" }}\nclient_secret = {{ file = \"secret\" }}\nsupplier_key = {{ file = \"secret\" }}\n\
         concurrency = {concurrency}\n"
    );
    std::fs::write(folder.join("csc-bridge.toml"), text).expect("a configuration");
}

fn main() {
    let children = std::env::var("CSC_BRIDGE_CHILDREN").unwrap_or_else(|_| "213000".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    std::fs::write(folder.join("secret"), "a-secret\n").expect("a secret");
    let (_simulator, address) = simulate(folder);
    configure(folder, &address, 1);
    run(folder, &["generate", "--quiet", "--children", &children]);
    run(folder, &["stage", "--quiet", "--run-date", DAY]);
    std::fs::rename(folder.join("cohort.db"), folder.join("staged.db")).expect("a staged database");
    println!("in flight | records | seconds | records/s | ceiling | of it");
    for concurrency in [1, 2, 8] {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("cohort.db{ending}")));
        }
        std::fs::copy(folder.join("staged.db"), folder.join("cohort.db")).expect("a copy");
        // Or the disk would still be writing the copy while the first batches wait for it.
        File::open(folder.join("cohort.db")).and_then(|file| file.sync_all()).expect("the copy is on the disk");
        configure(folder, &address, concurrency);
        let report = run(folder, &["submit", "--quiet", "--json", "--run-date", DAY]);
        let sent = report["submitted"]["sent"].as_f64().expect("a count");
        let seconds = report["seconds"].as_f64().expect("seconds");
        let (speed, ceiling) = (sent / seconds, f64::from(concurrency) * BATCH / LATENCY);
        println!("{concurrency:9} | {sent:7} | {seconds:7.1} | {speed:9.0} | {ceiling:7.0} | {:.2}", speed / ceiling);
    }
}
