//! An author's first day: `plugin new` writes a crate that builds, passes the conformance suite on a toy, and is a plugin like any other.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Dfe, Ended, Place};

/// This repository: where the plugin's dependencies come from.
fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder into which these tests were built. What a plugin shares with this repository is then there already.
fn target() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_csc-bridge"));
    built.ancestors().nth(2).expect("the program lies in target/debug").to_owned()
}

/// Cargo's settings for all that is below the place: no network, and this repository's profile, by which what is built already fits.
const CARGO: &str = r#"
net.offline = true

[profile.dev]
debug = "line-tables-only"

[profile.dev.package]
digest = { opt-level = 3 }
hmac = { opt-level = 3 }
sha2 = { opt-level = 3 }
"#;

/// A program in a plugin's folder that runs cargo, or cargo itself.
fn building(folder: &Path, program: &str) -> Command {
    let mut building = Command::new(program);
    // What cargo says of the crate of these tests is not for another's.
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST"))
    {
        building.env_remove(name);
    }
    building.current_dir(folder).env("CARGO_TARGET_DIR", target());
    building
}

/// A plugin as it comes from the command, beside this repository's lock.
fn new(place: &Place, name: &str) -> PathBuf {
    let made = place.run(["plugin", "new", name, "--sdk", &sources().display().to_string(), "--json"]).well();
    assert_eq!(made.json()["folder"], name);
    std::fs::create_dir_all(place.path(".cargo")).expect("a folder");
    place.write(".cargo/config.toml", CARGO);
    std::fs::copy(sources().join("Cargo.lock"), place.path(name).join("Cargo.lock")).expect("the lock is copied");
    place.path(name)
}

fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files(&path),
            false => vec![(path.clone(), std::fs::read_to_string(&path).expect("text"))],
        }
    };
    let mut all: Vec<_> = std::fs::read_dir(folder).expect("a folder").flat_map(read).collect();
    all.sort();
    all
}

/// Two tables of the SSD, as the toy keeps them.
fn write_toy(place: &Place) {
    let toy = json!({
        "ssd_person": { "columns": ["pers_person_id", "pers_sex", "pers_dob"], "rows": [["A", "F", "2015-06-01"], ["B", null, "2016-02-29"]] },
        "ssd_cin_episodes": {
            "columns": ["cine_referral_id", "cine_person_id", "cine_referral_date"],
            "rows": [["E1", " A", "2026-01-10"], ["E2", "B", "2026-02-10"], ["E3", "nobody", "2026-02-10"]],
        },
    });
    place.write("toy.json", &toy.to_string());
}

/// A profile of an SSD that has nothing but those columns.
fn write_profile(place: &Place) {
    let definition = include_str!("../../config/payload/dfe-csc-0.9.toml").parse::<toml::Table>().expect("TOML");
    let mut profile = "name = \"toy\"\nadapter = \"sqlite\"\n".to_owned();
    for (table, about) in definition["tables"].as_table().expect("tables") {
        let there = match table.as_str() {
            "ssd_person" => ["pers_person_id", "pers_sex", "pers_dob"],
            "ssd_cin_episodes" => ["cine_referral_id", "cine_person_id", "cine_referral_date"],
            _ => {
                profile.push_str(&format!("[tables.{table}]\nmissing = true\n"));
                continue;
            }
        };
        let columns = about["columns"].as_table().expect("columns").keys();
        let missing: Vec<&String> = columns.filter(|column| !there.contains(&column.as_str())).collect();
        profile.push_str(&format!("[tables.{table}]\nmissing_columns = {missing:?}\n"));
    }
    place.write("toy.toml", &profile);
}

#[test]
fn a_new_plugin_builds_and_passes_the_conformance_suite_and_sends_its_toy() {
    let dfe = Dfe::start();
    let place = Place::new(dfe.addr());
    let folder = new(&place, "care-director");

    let tested = Ended::of(building(&folder, env!("CARGO")).arg("test")).well();
    let tables: Vec<&str> = tested.stdout.lines().filter(|line| line.ends_with("not applicable")).collect();
    println!("{}", tested.stdout);
    assert_eq!(tables.len(), 2, "in process and isolated: {}", tested.stdout);
    for (table, way) in tables.iter().zip(["care-director, in process", "care-director, isolated"]) {
        assert!(tested.stdout.contains(way), "{}", tested.stdout);
        let [passed, failed, _] = table
            .split(", ")
            .map(|part| part.split(' ').next().and_then(|n| n.parse().ok()))
            .collect::<Vec<Option<u32>>>()[..]
        else {
            panic!("{table}")
        };
        assert!(passed > Some(40) && failed == Some(0), "{way}: {table}");
    }
    let formatted = Ended::of(building(&folder, env!("CARGO")).args(["fmt", "--check"]));
    assert_eq!(formatted.code, Some(0), "{}", formatted.stdout);

    // A release, and a night with it.
    Ended::of(building(&folder, "./release.sh").env("PROFILE", "dev")).well();
    std::fs::rename(folder.join("release"), place.path("plugins")).expect("the release is put into the plugin folder");
    write_toy(&place);
    write_profile(&place);
    place.reconfigure("cms       = \"sqlite\"", "cms       = \"toy.toml\"");
    place.reconfigure(
        "adapter      = \"sqlite\"\ndatabase     = \"cohort.db\"\nschema       = \"\"\nlock_timeout = \"10s\"",
        "adapter = \"care-director\"\nfile = \"toy.json\"",
    );
    place.set("staging", "adapter = \"sqlite\"\ndatabase = \"staging.db\"");
    let line = place.run(["plugin", "pin", "care-director"]).well().stdout;
    place.set("plugins", &format!("allow = [{}]", line.trim()));
    place.run(["plugin", "verify", "care-director"]).well();
    assert_eq!(place.play(["run", "--json"]).well().json()["submitted"]["sent"], 2);
    place.converged(&dfe);

    place.reconfigure(" }]", ", isolate = true }]");
    let toy = place.read("toy.json");
    place.write("toy.json", &toy.replacen("2026-02-10", "2026-02-11", 1));
    assert_eq!(place.play(["run", "--json"]).well().json()["submitted"]["sent"], 1);
    place.converged(&dfe);
    let held: Vec<Value> = dfe.children().into_values().collect();
    assert_eq!(held.len(), 2, "{held:?}");
    assert_eq!(held[0]["social_care_episodes"][0]["social_care_episode_id"], "E1", "{held:?}");
}

#[test]
fn ten_comments_say_what_to_fill_in_each_once() {
    let place = Place::empty();
    let folder = new(&place, "eclipse-9");
    let files = files(&folder);
    for number in 1..=10 {
        let comment = format!("FILL IN {number} of 10:");
        assert_eq!(files.iter().map(|(_, text)| text.matches(&comment).count()).sum::<usize>(), 1, "{comment}");
    }
    for (path, text) in files.iter().filter(|(path, _)| !path.ends_with("Cargo.lock")) {
        for left in ["care-director", "care_director", "SDK"] {
            assert!(!text.contains(left), "{left} is in {}", path.display());
        }
    }
    let text = |file: &str| &files.iter().find(|(path, _)| path.ends_with(file)).expect(file).1;
    assert!(text("Cargo.toml").contains("name = \"eclipse-9\"") && text("place.rs").contains("use eclipse_9::"));
}

#[test]
fn a_folder_that_is_there_is_left_as_it_is() {
    let place = Place::empty();
    let folder = new(&place, "care-director");
    let before = files(&folder);
    let again = ["plugin", "new", "other-name", "--path", "care-director"];
    place.run(again).fails(2, &["care-director is there already"]);
    assert!(files(&folder) == before, "something was written");
    place.write("file", "");
    place.run(["plugin", "new", "other-name", "--path", "file"]).fails(2, &["file is there already"]);
    place.run(["plugin", "new", "other-name", "--path", "file/below"]).fails(1, &["file", "cannot be written"]);
    place.run(["plugin", "new", "other-name", "--path", "new/below"]).well();
    assert!(place.path("new/below/Cargo.toml").is_file());
}

#[test]
fn a_name_that_is_no_plugins_is_refused_and_nothing_is_written() {
    let place = Place::empty();
    let long = "a".repeat(65);
    for (name, why) in [
        ("", "is not 1 to 64"),
        (&long, "is not 1 to 64"),
        ("Care-Director", "is not 1 to 64"),
        ("care_director", "is not 1 to 64"),
        ("../care", "is not 1 to 64"),
        ("care\n", "is not 1 to 64"),
        ("9lives", "does not begin with a letter"),
        ("care-", "ends in a hyphen"),
        ("fn", "is a word of Rust's"),
        ("proc-macro", "is a word of Rust's"),
        ("sqlite", "is one of csc-bridge's own"),
        ("file", "is one of csc-bridge's own"),
        ("csc-bridge-sql", "is one of csc-bridge's own"),
    ] {
        place.run(["plugin", "new", name]).fails(2, &["the plugin's name", why]);
    }
    assert_eq!(std::fs::read_dir(place.path("")).expect("the folder").count(), 0);
}

#[test]
fn the_crates_come_from_where_sdk_says_or_from_the_sources_around() {
    let place = Place::empty();
    let dependencies_from = |current: &Path, sdk: &[&str], name: &str| {
        let path = place.path(name).display().to_string();
        let mut command = place.command([&["plugin", "new", name, "--path", &path], sdk].concat());
        let made = Ended::of(command.current_dir(current)).well();
        assert!(made.stderr.contains("csc-bridge's own crates from"), "{}", made.stderr);
        let lines = place.read(&format!("{name}/Cargo.toml"));
        let lines = lines.lines().filter(|line| line.starts_with("csc-bridge-")).map(str::to_owned);
        lines.collect::<Vec<String>>()
    };
    let dependencies = |sdk: &[&str], name: &str| dependencies_from(&place.path(""), sdk, name);
    let url = "https://example.org/csc-bridge.git";
    let tagged = dependencies(&["--sdk", &format!("{url}#v9")], "one");
    assert_eq!(tagged.len(), 4);
    assert_eq!(tagged[0], format!("csc-bridge-plugin-sdk = {{ git = \"{url}\", tag = \"v9\" }}"));
    assert_eq!(dependencies(&["--sdk", url], "two")[1], format!("csc-bridge-core = {{ git = \"{url}\" }}"));

    let around = dependencies_from(&sources().join("docs"), &[], "three");
    let named = |line: &str| line.split('"').nth(1).map(|path| place.path("three").join(path));
    let found = named(&around[0]).and_then(|path| path.canonicalize().ok());
    assert_eq!(found, sources().join("plugins/sdk").canonicalize().ok(), "{around:?}");

    for (sdk, why) in
        [("nowhere", "is no folder with csc-bridge's sources"), ("https://a\"b", "that git would not take")]
    {
        place.run(["plugin", "new", "four", "--sdk", sdk]).fails(2, &[why]);
        assert!(!place.path("four").exists(), "something was written");
    }
}

/// The engine's day: `plugins/examples/mariadb-source`, whose own tests take it through the suite.
#[test]
fn a_new_engine_on_the_shared_layer_takes_less_than_250_lines_of_rust() {
    let example = |file: &str| {
        let path = sources().join("plugins/examples/mariadb-source").join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let place = Place::empty();
    let folder = new(&place, "mariadb-source");
    let main = std::fs::read_to_string(folder.join("tests/conformance/main.rs")).expect("a file");
    // And where no server can be started.
    let server = "mod place;\n#[cfg_attr(not(unix), path = \"elsewhere.rs\")]\nmod server;";
    assert_eq!(example("tests/conformance/main.rs"), main.replace("mod place;", server));

    let guide = include_str!("../../docs/plugins.md");
    let lines = |file: &str| example(file).lines().count();
    let (source, suite, server) =
        (lines("src/lib.rs"), lines("tests/conformance/place.rs"), lines("tests/conformance/server.rs"));
    println!("MariaDB: the source {source} lines of Rust, its words for the suite {suite}, a server for it {server}");
    assert!(source < 250, "{source}");
    for said in [format!("({source} lines of Rust in all)"), format!("({suite} lines)"), format!("({server} lines)")] {
        assert!(guide.contains(&said), "the guide does not say {said}");
    }
}
