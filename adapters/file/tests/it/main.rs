//! The file sink as the program uses it: configured in TOML, asked to send.

mod conformance;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::config::Config;
use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_core::sink::{Record, Sink, Then};
use csc_bridge_file::FileSink;

fn sink(home: &Path, keys: &str) -> Result<Arc<dyn Sink>> {
    let text = format!(
        "cms = \"sqlite\"\nla_code = \"845\"\nstate_dir = \"state\"\n[source]\ndatabase = \"x.db\"\n[sink]\nadapter = \"file\"\n{keys}\n"
    );
    let config = Config::parse(&home.join("csc-bridge.toml"), &text)?;
    FileSink.sink(&config.sink.options, &config.la_code)
}

fn records<'a>(documents: &[&'a str]) -> Vec<Record<'a>> {
    documents.iter().map(|document| Record { person_id: "1", document }).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_batch_becomes_one_file_with_a_json_array_and_a_receipt_for_each_record() {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir(home.path().join("out")).expect("a folder");
    let sink = sink(home.path(), "folder = \"out\"").expect("a sink");
    let receipts = sink.send(&records(&[r#"{"a":"é"}"#, r#"{"b":1}"#])).await.expect("written");

    let [name] = names(&home.path().join("out")).try_into().expect("one file");
    assert!(
        name.starts_with("batch-20")
            && name.ends_with(".json")
            && name.len() == "batch-20251120T101112.123Z-.json".len() + 36,
        "{name}"
    );
    assert_eq!(fs::read_to_string(home.path().join("out").join(&name)).expect("text"), r#"[{"a":"é"},{"b":1}]"#);
    let ids: Vec<&str> = receipts.iter().map(|receipt| receipt.id.as_str()).collect();
    assert_eq!(ids, [format!("{name}#0"), format!("{name}#1")]);
    let time = receipts[0].received_at.as_deref().expect("a time");
    assert_eq!((time.len(), &time[10..11]), ("2025-11-20 10:11:12.123".len(), " "));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().expect("a folder");
    let sink = sink(home.path(), "folder = \".\"").expect("a sink");
    sink.send(&records(&["{}"])).await.expect("written");
    let [name] = names(home.path()).try_into().expect("one file");
    let mode = fs::metadata(home.path().join(name)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_folder_that_went_away_ends_the_run_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a folder");
    let out = home.path().join("out");
    fs::create_dir(&out).expect("a folder");
    let sink = sink(home.path(), "folder = \"out\"").expect("a sink");
    fs::remove_dir(&out).expect("gone");
    let error = sink.send(&records(&[r#"{"name":"Ann"}"#])).await.expect_err("no folder");
    assert_eq!((error.error.kind(), error.then.clone(), error.detail.as_deref()), (Kind::Io, Then::GiveUp, None));
    assert!(!format!("{error:?}").contains("Ann"));
    assert!(names(home.path()).is_empty());
}

#[test]
fn the_folder_must_be_there() {
    let home = tempfile::tempdir().expect("a folder");
    let error = sink(home.path(), "folder = \"out\"").err().expect("no folder");
    assert_eq!(error.kind(), Kind::Io);
    fs::write(home.path().join("out"), "").expect("a file");
    assert_eq!(sink(home.path(), "folder = \"out\"").err().expect("a file").kind(), Kind::Io);
}

#[test]
fn keys_of_other_sinks_and_empty_limits_are_refused() {
    let home = tempfile::tempdir().expect("a folder");
    for keys in [
        "folder = \".\"\nendpoint = \"https://x/\"",
        "folder = \".\"\nmax_records = 0",
        "folder = \".\"\nmax_bytes = 0",
        "",
    ] {
        assert_eq!(sink(home.path(), keys).err().expect(keys).kind(), Kind::Config, "{keys}");
    }
}

#[test]
fn limits_are_the_apis_unless_told_and_everything_stays_here() {
    let home = tempfile::tempdir().expect("a folder");
    let limits = sink(home.path(), "folder = \".\"").expect("a sink").limits();
    assert_eq!((limits.max_records, limits.max_bytes), (100, 4_000_000));
    let told = sink(home.path(), "folder = \".\"\nmax_records = 7\nmax_bytes = 9").expect("a sink");
    assert_eq!((told.limits().max_records, told.limits().max_bytes), (7, 9));
}
