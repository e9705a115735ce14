//! `sdms-sync`, ahead of a run.

use std::process::{Command, Output};

use csc_bridge_plugin_sdk::tokio;
use serde_json::json;

use crate::server::Fault;
use crate::support::{Place, names, read};

fn sync(place: &Place, words: &[&str]) -> Output {
    let config = format!(
        "cms = \"sqlite\"\n[source]\nadapter = \"sdms-source\"\nschema = \"\"\nchunk = 7\nendpoint = \"{}\"\nids = \"ids.csv\"\n\
         min_interval = \"0s\"\nmax_attempts = 1\n",
        place.sdms.endpoint()
    );
    place.write("csc-bridge.toml", &config);
    Command::new(env!("CARGO_BIN_EXE_sdms-sync")).args(words).current_dir(place.path("")).output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn what_was_synced_ahead_is_read_without_a_request() {
    let place = Place::with(&["A1", "B2", "C3"]);
    let (code, out, err) = said(&sync(&place, &[]));
    assert_eq!((code, out.as_str()), (Some(0), "3 synced, 0 errors\n"), "{err}");
    assert_eq!(place.sdms.asked().len(), 3);
    assert_eq!(names(&read(&place.plugin(json!({})).unwrap()).await.unwrap()).len(), 3);
    assert!(place.sdms.asked().is_empty());
}

#[test]
fn errors_are_counted_and_told_by_their_lines() {
    let place = Place::with(&["A1", "B2", "C3"]);
    place.sdms.remove("B2");
    place.write("other.csv", "id\r\nA1\r\nnot an id\r\nB2\r\nC3\r\n");
    let (code, out, err) = said(&sync(&place, &["--file=other.csv", "-t", "student"]));
    assert_eq!((code, out.as_str()), (Some(3), "2 synced, 2 errors\n"), "{err}");
    assert!(err.contains("line 3 of the list: this is no id"), "{err}");
    assert!(err.contains("line 4 of the list: the system has no record of this id"), "{err}");
    assert!(!err.contains("B2"), "an id is told: {err}");
}

#[test]
fn a_sync_that_could_not_go_on_fails_and_does_so_when_it_is_started_again() {
    let place = Place::with(&["A1", "B2", "C3", "D4", "E5"]);
    place.sdms.answer_only(Some(2));
    let (code, out, err) = said(&sync(&place, &[]));
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("error: the system failed on several records in a row\n  what to do: "), "{err}");
    place.sdms.answer_only(None);
    place.sdms.asked();
    assert_eq!(said(&sync(&place, &[])).1, "5 synced, 0 errors\n");
    assert_eq!(place.sdms.asked(), ["C3", "D4", "E5"]);
}

#[test]
fn killed_in_the_middle_it_goes_on_where_it_was() {
    let place = Place::with(&["A1", "B2", "C3", "D4", "E5"]);
    place.sdms.fault("D4", &[Fault::Slow(std::time::Duration::from_secs(3600))]);
    sync(&place, &["--help"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_sdms-sync")).current_dir(place.path("")).spawn().unwrap();
    while place.sdms.count() < 4 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.sdms.asked(), ["A1", "B2", "C3", "D4"]);
    assert_eq!(said(&sync(&place, &[])).1, "5 synced, 0 errors\n");
    assert_eq!(place.sdms.asked(), ["D4", "E5"]);
}

#[test]
fn staff_and_schools_have_an_address_a_mapping_and_a_position_of_their_own() {
    let place = Place::with(&["SCH001"]);
    place.write("sdms-school.toml", "[fields]\n\"name\" = \"/name\"\n");
    assert_eq!(said(&sync(&place, &["--type", "school"])).1, "1 synced, 0 errors\n");
    let kept = std::fs::read_to_string(place.path("sdms-school.position")).unwrap();
    assert!(kept.contains("name of SCH001") && !place.path("sdms-student.position").exists(), "{kept}");
    assert_eq!(said(&sync(&place, &["--type", "teacher"])).0, Some(2));
}

#[test]
fn usage_is_said_and_faults_of_it_are_two() {
    let place = Place::with(&["A1"]);
    let (code, out, _) = said(&sync(&place, &["--help"]));
    assert!(code == Some(0) && out.starts_with("sdms-sync ["), "{out}");
    for words in [&["--type"][..], &["--all"], &["-c", "nowhere.toml"]] {
        let (code, _, err) = said(&sync(&place, words));
        assert!(code == Some(2) && err.starts_with("error: "), "{words:?}: {err}");
    }
}
