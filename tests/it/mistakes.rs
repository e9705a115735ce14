//! Mistakes in the configuration or on the command line: code 2, one message, what to do, and where it stands. Nothing is touched.

use crate::program::{Dfe, NOBODY, Place, STAGING};

/// Commands that read the configuration.
const COMMANDS: [&str; 7] = ["stage", "submit", "run", "payload", "status", "generate", "mutate"];

/// Makes a mistake in the configuration: every command that meets it says so, and nothing is written.
fn mistaken(from: &str, to: &str, words: &[&str]) {
    let place = Place::new(NOBODY);
    place.reconfigure(from, to);
    for command in COMMANDS {
        place.run([command]).fails(2, words);
    }
    assert!(!place.path("cohort.db").exists(), "a database was made");
}

/// The same for a mistake in the sink's keys or secrets, which `status` does not read.
fn mistaken_sink(from: &str, to: &str, words: &[&str]) {
    let place = Place::new(NOBODY);
    place.reconfigure(from, to);
    for command in COMMANDS.into_iter().filter(|command| *command != "status") {
        place.run([command]).fails(2, words);
    }
    assert!(!place.path("cohort.db").exists(), "a database was made");
}

/// Not even the state folder: the configuration comes first.
fn nothing_was_made(place: &Place) {
    for file in ["cohort.db", "state"] {
        assert!(!place.path(file).exists(), "{file} was made");
    }
}

#[test]
fn without_a_configuration_there_is_nothing_to_do() {
    let place = Place::empty();
    for command in COMMANDS {
        place.run([command]).fails(2, &["there is no csc-bridge.toml here or beside the program"]);
        place.run([command, "-c", "other.toml"]).fails(2, &["the configuration other.toml cannot be read"]);
    }
    nothing_was_made(&place);
}

#[test]
fn broken_toml_is_shown_with_file_line_and_column() {
    mistaken("la_code   = \"845\"", "la_code   = \"845", &["csc-bridge.toml, line 2, column "]);
    mistaken("[source]", "[source", &["csc-bridge.toml, line 5, column "]);
}

#[test]
fn an_unknown_key_or_section_is_refused_where_it_stands() {
    mistaken("state_dir = \"state\"", "state_dirs = \"state\"", &["csc-bridge.toml, line 3, column 1", "state_dirs"]);
    mistaken("schema       = \"\"", "schemas = \"\"", &["csc-bridge.toml, line 8, column 1", "schemas"]);
    mistaken_sink("max_attempts    = 2", "max_attempt = 2", &["csc-bridge.toml, line 19, column 1", "max_attempt"]);
    mistaken("[source]", "[sources]", &["csc-bridge.toml, line 5, column ", "sources"]);
    mistaken("[sink]", "[gards]\n\n[sink]", &["this version of csc-bridge has no section [gards]"]);
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_where_it_stands() {
    mistaken("la_code   = \"845\"", "la_code = 845", &["csc-bridge.toml, line 2, column "]);
    mistaken("la_code   = \"845\"", "la_code = \"84\"", &["la_code is not three digits"]);
    mistaken_sink("\"5s\"", "\"soon\"", &["csc-bridge.toml, line 18, column "]);
    mistaken_sink("\"5s\"", "5", &["csc-bridge.toml, line 18, column "]);
}

#[test]
fn an_unknown_adapter_is_refused() {
    mistaken_sink("\"sqlite\"\ndatabase", "\"paper\"\ndatabase", &["there is no database adapter \"paper\""]);
    mistaken_sink("[sink]", "[sink]\nadapter = \"pigeon\"", &["there is no sink adapter \"pigeon\""]);
}

#[test]
fn an_unknown_cms_is_refused() {
    mistaken("cms       = \"sqlite\"", "cms = \"paper\"", &["there is no CMS profile \"paper\""]);
    mistaken("cms       = \"sqlite\"", "cms = \"./paper.toml\"", &["paper.toml", "cannot be read"]);
}

#[test]
fn a_table_that_the_ssd_does_not_have_is_refused() {
    let names = "[source.names.ssd_paper]\ntable = \"paper\"\n\n[sink]";
    mistaken("[sink]", names, &["the SSD has no table ssd_paper"]);
}

#[test]
fn a_secret_that_is_not_there_is_named_but_never_shown() {
    let secret = "client_secret   = { file = \"secret\" }";
    for (to, words) in [
        (
            "client_secret = { env = \"CSC_BRIDGE_NO_SUCH_VARIABLE\" }",
            ["client_secret", "the environment variable CSC_BRIDGE_NO_SUCH_VARIABLE is not set"],
        ),
        ("client_secret = { file = \"no-such-file\" }", ["client_secret", "no-such-file cannot be read"]),
        ("client_secret = { file = \"empty\" }", ["client_secret", "the secret is empty"]),
    ] {
        let place = Place::filled(NOBODY, 20);
        place.write("empty", " \n");
        place.reconfigure(secret, to);
        place.play(["stage"]).well();
        let before = place.table(STAGING);
        for command in ["submit", "run"] {
            place.play([command]).fails(2, &words);
        }
        assert!(place.table(STAGING) == before);
        // Who only looks at documents needs no secret.
        assert!(place.play(["payload", "--all"]).well().stdout.lines().count() > 10);
        place.run(["status"]).well();
    }
}

#[test]
fn a_secret_written_into_the_configuration_is_refused_and_not_repeated() {
    let place = Place::new(NOBODY);
    place.reconfigure("client_secret   = { file = \"secret\" }", "client_secret = \"Pa55word\"");
    for command in ["stage", "run"] {
        let ended = place.run([command, "-vv"]);
        ended.fails(2, &["csc-bridge.toml, line 16, column "]);
        assert!(!ended.stderr.contains("Pa55word"), "{}", ended.stderr);
    }
    assert!(place.state_files().iter().all(|(_, text)| !text.contains("Pa55word")));
}

#[test]
fn an_address_that_is_not_encrypted_is_refused() {
    mistaken_sink("http://127.0.0.1:9\"\ntoken", "http://dfe.invalid/1\"\ntoken", &["plain http would send"]);
    mistaken_sink("http://127.0.0.1:9/token", "http://dfe.invalid/token", &["plain http would send"]);
}

#[test]
fn a_wrong_command_line_is_refused_with_2() {
    let place = Place::new(NOBODY);
    for line in [
        &["walk"][..],
        &["stage", "--run-date", "yesterday"],
        &["run", "--log-level", "loud"],
        &["payload", "--child", "1", "--all"],
        &["stage", "--quiet", "--verbose"],
        &["init"],
        &["generate", "--children", "many"],
        &["simulate", "--listen", "here"],
    ] {
        let ended = place.run(line);
        assert_eq!(ended.code, Some(2), "{line:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("error: "), "{line:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{line:?}");
    }
    nothing_was_made(&place);
}

#[test]
fn the_json_object_tells_of_a_failure_too() {
    let place = Place::new(NOBODY);
    let ended = place.run(["stage", "-c", "other.toml", "--json"]);
    let message = ended.fails(2, &["other.toml"]).to_owned();
    let report = ended.json();
    assert_eq!(report["exit_code"], 2);
    assert_eq!(report["command"], "stage");
    assert_eq!(report["error"]["kind"], "Config");
    assert_eq!(format!("error: {}", report["error"]["message"].as_str().expect("a message")), message);
    assert!(report["error"]["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{report}");
}

#[test]
fn a_mistake_made_later_loses_nothing() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.play(["stage"]).well();
    let before = place.table(STAGING);
    place.reconfigure("max_attempts    = 2", "max_attempts = \"two\"");
    for command in ["stage", "submit", "run"] {
        place.play([command]).fails(2, &["csc-bridge.toml, line 19"]);
    }
    assert!(place.table(STAGING) == before);
    assert_eq!(dfe.stats().requests, 0);
    place.configure(dfe.addr());
    place.play(["run"]).well();
    place.converged(&dfe);
}
