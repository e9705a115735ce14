//! The commands as their users meet them: what they print, write and send.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::program::{Dfe, NOBODY, Place, STAGING, Working, by_child, get};

#[test]
fn the_first_configuration_works_as_it_stands() {
    let place = Place::empty();
    place.run(["init", "--cms", "sqlite"]).well();
    place.run(["generate", "--children", "300"]).well();
    let mut simulate = place.command(["simulate", "--listen", "127.0.0.1:0"]);
    let mut simulator = Working(simulate.stderr(Stdio::piped()).spawn().expect("the simulator starts"));
    let stderr = simulator.0.stderr.take().expect("its standard error");
    let said = BufReader::new(stderr).lines().next().expect("a line").expect("text");
    let addr = said.strip_prefix("the DfE end is simulated at http://").and_then(|rest| rest.split(';').next());
    let addr = addr.unwrap_or_else(|| panic!("{said}")).to_owned();
    place.reconfigure("127.0.0.1:8480", &addr);

    let run = place.run(["run", "--json"]).well().json();
    let sent = run["submitted"]["sent"].as_u64().expect("a number");
    assert!(sent > 200, "{run}");
    let held = get(addr.parse().expect("an address"), "/_simulator/children/845");
    assert_eq!(held.lines().count() as u64, sent);
    let status = place.run(["status", "--json"]).well().json();
    assert_eq!(status["states"]["sent"], sent);
    assert_eq!(status["last_run"]["command"], "run");
    assert_eq!(status["last_run"]["exit_code"], 0);
}

#[test]
fn init_writes_every_cms_and_overwrites_nothing() {
    for cms in ["sqlite", "systemc", "mosaic", "eclipse", "azeus"] {
        let place = Place::empty();
        place.run(["init", "--cms", cms, "-o", "mine.toml"]).well();
        let text = place.read("mine.toml");
        assert!(text.contains(&format!("cms       = \"{cms}\"")), "{text}");
        let again = place.run(["init", "--cms", cms, "-o", "mine.toml"]);
        again.fails(2, &["mine.toml is there already"]);
        assert_eq!(place.read("mine.toml"), text);
    }
    let place = Place::empty();
    place.run(["init", "--cms", "paper"]).fails(2, &["there is no starter configuration for \"paper\""]);
    assert!(!place.path("csc-bridge.toml").exists());
}

#[test]
fn the_demo_converges_in_three_runs() {
    let place = Place::empty();
    let demo = place.run(["demo", "--children", "300", "--json"]).well().json();
    has_common_keys(&demo, "demo", 0);
    assert_eq!(demo["children"], 300);
    assert_eq!(demo["converged"], true);
    assert_eq!(demo["differences"], 0);
    let runs = demo["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 3);
    for run in runs {
        has_keys(run, &["staged", "submitted", "seconds"]);
    }
    assert!(runs[0]["submitted"]["sent"].as_u64() > runs[1]["submitted"]["sent"].as_u64());
    assert!(runs[1]["submitted"]["sent"].as_u64() > Some(0));
    assert_eq!(runs[2]["submitted"]["requests"], 0);
    assert_eq!(fs::read_dir(place.path(".")).expect("the folder").count(), 0, "the demo leaves nothing behind");
}

#[test]
fn a_run_after_changes_sends_only_what_changed() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 300);
    place.play(["run"]).well();
    let before = dfe.children();
    place.play(["mutate", "--percent", "10"]).well();
    let changing = by_child(&place.play(["payload"]).well().stdout);
    assert!(changing.len() > 3 && changing.len() < before.len() / 2, "{} change", changing.len());

    let records = dfe.stats().records;
    let run = place.play(["run", "--json"]).well().json();
    assert_eq!(dfe.stats().records - records, changing.len() as u64);
    assert_eq!(run["submitted"]["sent"], changing.len());
    assert_eq!(dfe.stats().repeated, 0, "something was sent that DfE held already");
    let after = dfe.children();
    for (child, document) in &after {
        let expected = changing.get(child).or(before.get(child));
        assert_eq!(Some(document), expected, "{child}");
    }
    place.converged(&dfe);
}

#[test]
fn payload_prints_what_would_be_sent_or_all_or_one_child() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    let all = by_child(&place.play(["payload", "--all"]).well().stdout);
    let new = by_child(&place.play(["payload"]).well().stdout);
    assert_eq!(all, new, "at first every child is to be sent");
    place.play(["run"]).well();
    assert_eq!(place.play(["payload"]).well().stdout, "", "nothing would change");
    assert_eq!(by_child(&place.play(["payload", "--all"]).well().stdout), all);

    let (child, document) = all.iter().next().expect("a child");
    let one = place.play(["payload", "--child", child]).well();
    assert!(one.stdout.lines().count() > 5, "it is laid out for reading");
    assert_eq!(&serde_json::from_str::<Value>(&one.stdout).expect("JSON"), document);
    let unknown = place.play(["payload", "--child", "nobody-1"]);
    unknown.fails(1, &["there is no document for that child"]);
    assert_eq!(unknown.stdout, "");
    let report = place.play(["payload", "--json"]).well().json();
    has_common_keys(&report, "payload", 0);
    has_keys(&report, &["documents", "findings"]);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let place = Place::filled(NOBODY, 300);
    for flag in ["--all", "--findings"] {
        let mut payload = place.command(["payload", flag]);
        let spawned = payload.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut payload = spawned.expect("the program starts");
        drop(payload.stdout.take());
        let output = payload.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(0), "{flag}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn quiet_says_nothing() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    for command in ["stage", "submit", "run", "mutate"] {
        let ended = place.play([command, "-q"]).well();
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""), "{command}");
    }
    place.reconfigure("max_attempts    = 2", "max_attempt = 2");
    let ended = place.play(["run", "-q"]);
    ended.fails(2, &["max_attempt"]);
    assert_eq!(ended.stderr.lines().count(), 2, "errors are said: {}", ended.stderr);
}

#[test]
fn json_is_one_object_with_the_keys_that_were_promised() {
    const STAGED: &[&str] = &["window", "rows", "staged", "findings", "guards"];
    const SUBMITTED: &[&str] = &["submitted", "recovered", "refusals", "stopped"];
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    let stage = place.play(["stage", "--json"]).well();
    let submit = place.play(["submit", "--json"]).well();
    let run = place.play(["run", "--json"]).well();
    let status = place.run(["status", "--json"]).well();
    for (ended, command) in [(&stage, "stage"), (&submit, "submit"), (&run, "run"), (&status, "status")] {
        assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
        has_common_keys(&ended.json(), command, 0);
    }
    for ended in [&stage, &run] {
        let report = ended.json();
        has_keys(&report, STAGED);
        has_keys(&report["window"], &["start", "end"]);
        let counts = "cohort new updated unchanged gone left returned refreshed withdrawn written";
        has_keys(&report["staged"], &counts.split(' ').collect::<Vec<_>>());
        assert!(report["rows"]["ssd_person"].is_u64(), "{report}");
        for finding in report["findings"].as_array().expect("findings") {
            has_keys(finding, &["rule", "severity", "count", "example"]);
            let example = finding["example"].as_str();
            assert!(example.is_none_or(|child| child.starts_with("child-")), "{finding}");
        }
        assert_eq!(report["window"]["end"], "2026-11-20");
    }
    for ended in [&submit, &run] {
        let report = ended.json();
        has_keys(&report, SUBMITTED);
        let counts = "sent refused failed unknown purged full partial left_pending batches requests retries";
        has_keys(&report["submitted"], &counts.split(' ').collect::<Vec<_>>());
        has_keys(&report["recovered"], &["unsure"]);
        assert!(report["stopped"].is_null());
    }
    let status = status.json();
    has_keys(&status, &["states", "oldest_pending", "refusals", "last_run", "open_intents"]);
    has_keys(&status["states"], &["pending", "sent", "error", "withdrawn", "unsure", "deleted", "left"]);
    has_keys(&status["last_run"], &["run_id", "command", "at", "exit_code"]);
    assert_eq!(status["last_run"]["run_id"], run.json()["run_id"]);
}

#[test]
fn a_dry_run_writes_nothing_and_sends_nothing() {
    let api = crate::api::Api::always(200, "[]");
    let place = Place::filled(api.addr(), 120);
    let files = |place: &Place| -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(place.path(".")).expect("the folder").map(|entry| entry.expect("an entry").path());
        let entries = entries.filter(|path| path.is_file());
        entries.map(|path| (path.display().to_string(), fs::read(&path).expect("a file"))).collect()
    };
    let before = files(&place);
    let dry = |command: &str| {
        let report = place.play([command, "--dry-run", "--json"]).well().json();
        assert_eq!(report["dry_run"], true);
        report
    };
    assert!(dry("stage")["staged"]["new"].as_u64() > Some(50));
    assert_eq!(dry("submit")["submitted"]["left_pending"], 0);
    assert!(dry("run")["staged"]["new"].as_u64() > Some(50));
    assert!(files(&place) == before, "a file of the folder was written");
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'ssd_api%'"), 0);

    place.play(["stage"]).well();
    place.play(["mutate", "--percent", "20"]).well();
    // What SQLite still keeps in its write-ahead log goes into the file now, and not when the next program closes it.
    place.database().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    let before = files(&place);
    assert!(dry("run")["staged"]["updated"].as_u64() > Some(0));
    assert!(dry("submit")["submitted"]["left_pending"].as_u64() > Some(50));
    assert!(files(&place) == before, "a file of the folder was written");
    assert!(api.requests().is_empty(), "something was sent");
}

#[test]
fn the_anon_twin_keeps_its_own_rows() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    let run = place.play(["run", "--anon", "--json"]).well().json();
    let cohort = run["staged"]["cohort"].as_i64().expect("a number");
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING}_anon WHERE submission_status = 'sent'")), cohort);
    let main = format!("SELECT COUNT(*) FROM sqlite_schema WHERE name = '{STAGING}'");
    assert_eq!(place.number(&main), 0, "the staging table itself was touched");
    assert_eq!(place.run(["status", "--anon", "--json"]).well().json()["states"]["sent"], cohort);
    place.run(["status"]).fails(1, &["there is no staging table yet"]);

    let twin = place.table(&format!("{STAGING}_anon"));
    let run = place.play(["run", "--json"]).well().json();
    assert_eq!(run["staged"]["new"], cohort, "the twin's rows are no concern of the staging table");
    assert!(place.table(&format!("{STAGING}_anon")) == twin);
}

#[test]
fn another_run_date_is_for_a_sink_on_this_machine_only() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    let report = place.run(["stage", "--json", "--run-date", "2026-02-03"]).well().json();
    assert_eq!(report["run_date"], "2026-02-03");
    assert_eq!(report["window"]["start"], "2023-04-01", "in January to March the window starts three years back");
    assert_eq!(report["window"]["end"], "2026-02-04");
    place.reconfigure(&format!("endpoint        = \"http://{}\"", dfe.addr()), "endpoint = \"https://dfe.invalid/1\"");
    for command in ["stage", "submit", "run", "payload"] {
        place.run([command, "--run-date", "2026-02-03"]).fails(2, &["--run-date is only for a sink on this machine"]);
    }
    for command in ["generate", "mutate"] {
        place.run([command]).fails(2, &["made-up children", "sends to a real address"]);
    }
    assert_eq!(dfe.stats().requests, 0);
}

#[test]
fn no_command_is_no_run() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    let log = place.state_files();
    let ended = place.run::<&str>([]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("Usage: csc-bridge"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert_eq!(dfe.stats().requests, 0);
    assert!(place.state_files() == log, "something was logged");
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'ssd_api%'"), 0);
}

#[test]
fn generate_fills_an_empty_ssd_only() {
    let place = Place::filled(NOBODY, 20);
    let before = place.table("ssd_person");
    place.play(["generate", "--children", "20"]).fails(1, &["the source has children already"]);
    assert!(place.table("ssd_person") == before);
}

#[test]
fn the_file_sink_writes_the_batches_that_dfe_would_get() {
    let place = Place::filled(NOBODY, 300);
    let text = place.read("csc-bridge.toml");
    let (kept, _) = text.split_once("[sink]").expect("a sink");
    place.write("csc-bridge.toml", &format!("{kept}[sink]\nadapter = \"file\"\nfolder = \"out\"\n"));
    place.play(["run"]).fails(1, &["folder", "out", "is not there"]);
    fs::create_dir(place.path("out")).expect("a folder");
    let run = place.play(["run", "--json"]).well().json();

    let mut written = BTreeMap::new();
    let mut batches = 0;
    for entry in fs::read_dir(place.path("out")).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.starts_with("batch-") && name.ends_with(".json"), "{name}");
        let batch: Vec<Value> = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("a list");
        assert!(!batch.is_empty() && batch.len() <= 100, "{name} has {} records", batch.len());
        batches += 1;
        for document in batch {
            written.insert(document["la_child_id"].as_str().expect("an id").to_owned(), document);
        }
    }
    assert_eq!(run["submitted"]["batches"], batches);
    assert_eq!(run["submitted"]["sent"], written.len());
    assert_eq!(written, place.documents());
}

#[test]
fn the_log_is_written_and_that_of_an_earlier_day_put_aside() {
    let place = Place::filled(NOBODY, 20);
    let log = place.path("state/log/csc-bridge.log");
    let text = place.read("state/log/csc-bridge.log");
    assert!(text.contains("started") && text.contains("ended") && text.contains("generate"), "{text}");
    let day = Duration::from_secs(86_400);
    let aged = |path: &std::path::Path, days: u32| {
        let file = fs::OpenOptions::new().append(true).open(path).expect("the log");
        file.set_modified(SystemTime::now() - day * days).expect("an earlier day");
    };
    aged(&log, 3);
    let old = place.path("state/log/csc-bridge.2020-01-01.log");
    fs::write(&old, "old\n").expect("a file");
    aged(&old, 31);
    place.run(["stage"]).well();

    assert!(!old.exists(), "a file older than keep_days was kept");
    let mut names: Vec<String> = fs::read_dir(place.path("state/log"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[1], "csc-bridge.log");
    assert_eq!(place.read(&format!("state/log/{}", names[0])), text, "the earlier day's log was put aside whole");
    assert!(!place.read("state/log/csc-bridge.log").contains("generate"), "the new log begins anew");
}

fn has_common_keys(report: &Value, command: &str, code: i32) {
    has_keys(report, &["command", "run_id", "run_date", "dry_run", "exit_code", "seconds"]);
    assert_eq!(report["command"], command);
    assert_eq!(report["exit_code"], code, "{report}");
    assert!(report.get("error").is_none(), "{report}");
}

fn has_keys(value: &Value, keys: &[&str]) {
    let missing: Vec<&&str> = keys.iter().filter(|key| value.get(**key).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} are not in {value}");
}
