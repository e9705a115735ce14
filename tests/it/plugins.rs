//! Plugins as an authority's IT meets them: looked at, allowed by hash, and then an adapter like any other; refused in every other case.

use std::path::PathBuf;
use std::process::Command;

use csc_bridge_test_postgres::shared;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::postgres::authority::Authority;
use crate::program::{DAY, Dfe, Place, STAGING};

const FILE: &str = if cfg!(windows) { "postgres_plugin.dll" } else { "libpostgres_plugin.so" };

/// The PostgreSQL source as a plugin, built with these tests.
fn library() -> Vec<u8> {
    let beside = std::env::current_exe().expect("the tests' own file").with_file_name(FILE);
    std::fs::read(&beside).unwrap_or_else(|error| panic!("{}: {error}", beside.display()))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts the library and its publisher's manifest into the folder's `plugins`.
fn install(place: &Place, library: &[u8]) -> PathBuf {
    std::fs::create_dir_all(place.path("plugins")).expect("a folder");
    let file = place.path("plugins").join(FILE);
    std::fs::write(&file, library).expect("the library is copied");
    let manifest = format!(
        "name = \"postgres-plugin\"\nversion = \"0.1.0\"\nabi = 1\nfile = \"{FILE}\"\nsha256 = \"{}\"\n\
         publisher = \"the tests\"\n",
        hash(library)
    );
    place.write("plugins/postgres-plugin.toml", &manifest);
    file
}

/// An authority whose SSD is read by the plugin, and whose staging table is a file.
fn authority<'s>(server: &'s csc_bridge_test_postgres::Server, dfe: &Dfe) -> Authority<'s> {
    let authority = Authority::filled(server, dfe.addr(), 300);
    authority.place.reconfigure("adapter      = \"postgres\"", "adapter      = \"postgres-plugin\"");
    authority.place.set("staging", "adapter = \"sqlite\"\ndatabase = \"staging.db\"");
    install(&authority.place, &library());
    authority
}

/// What the operator does who trusts it: `pin`, and its line into the list.
fn allow(place: &Place, more: &str) {
    let line = place.run(["plugin", "pin", "postgres-plugin"]).well().stdout;
    let line = line.trim().replace(" }", &format!("{more} }}"));
    place.set("plugins", &format!("allow = [{line}]"));
}

fn staged(place: &Place) -> Vec<(String, Value)> {
    let database = rusqlite::Connection::open(place.path("staging.db")).expect("the staging table");
    let mut rows =
        database.prepare(&format!("SELECT person_id, json_payload FROM {STAGING} ORDER BY 1")).expect("rows");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    let rows = rows.query_map([], row).expect("rows").map(|row| row.expect("a row"));
    rows.map(|(id, document)| (id, serde_json::from_str(&document).expect("JSON"))).collect()
}

/// A night through the plugin, beside what the built-in adapter makes of the same SSD.
fn converges(more: &str) {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = authority(server, &dfe);
    let place = &authority.place;
    allow(place, more);
    place.run(["plugin", "verify"]).well();
    let first = place.play(["run", "--json"]).well().json();
    assert!(first["submitted"]["sent"].as_u64().is_some_and(|sent| sent > 200), "{first}");
    let again = place.play(["run", "--json"]).well().json();
    assert_eq!((&again["staged"]["written"], &again["submitted"]["requests"]), (&0.into(), &0.into()), "{again}");
    let through_plugin = staged(place);
    place.reconfigure("adapter      = \"postgres-plugin\"", "adapter      = \"postgres\"");
    let built_in: Vec<(String, Value)> = place.documents().into_iter().collect();
    assert!(through_plugin == built_in, "the plugin reads something else than the built-in adapter");
    assert!(dfe.children().into_iter().collect::<Vec<_>>() == built_in, "DfE holds something else");
}

#[test]
fn a_night_through_a_plugin_in_the_process_is_the_same_as_with_the_built_in_adapter() {
    converges("");
}

#[test]
fn a_night_through_an_isolated_plugin_is_the_same_as_with_the_built_in_adapter() {
    converges(", isolate = true, timeout = \"5m\"");
}

/// Every table of a database as a CSV file, as an export writes them: quotes around every text, nothing for NULL.
fn export(place: &Place, folder: &str) {
    let database = place.database();
    let mut tables =
        database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'ssd_%'").expect("tables");
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("tables").map(|name| name.expect("a name"));
    std::fs::create_dir(place.path(folder)).expect("a folder");
    for table in tables {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).expect("rows");
        let mut text = rows.column_names().collect::<Vec<_>>().join(",");
        let columns = rows.column_count();
        let mut rows = rows.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let cell = |at| match row.get_ref(at).expect("a value") {
                rusqlite::types::ValueRef::Null => String::new(),
                rusqlite::types::ValueRef::Text(text) => {
                    format!("\"{}\"", std::str::from_utf8(text).expect("UTF-8").replace('"', "\"\""))
                }
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => panic!("{table}: {other:?}"),
            };
            text.push_str("\r\n");
            text.push_str(&(0..columns).map(cell).collect::<Vec<_>>().join(","));
        }
        place.write(&format!("{folder}/{table}.csv"), &text);
    }
}

#[test]
fn a_night_from_csv_exports_by_the_plugin_in_c_is_the_same_as_from_the_database() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 300);
    export(&place, "exports");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/examples/csv-source");
    let built = Command::new("make")
        .args(["-C", source, "manifest"])
        .arg(format!("OUT={}", place.path("plugins").display()))
        .output()
        .expect("make runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let wanted: Vec<(String, Value)> = place.documents().into_iter().collect();
    place.reconfigure(
        "adapter      = \"sqlite\"\ndatabase     = \"cohort.db\"\nschema       = \"\"\nlock_timeout = \"10s\"",
        "adapter = \"csv-source\"\nfolder = \"exports\"\nschema = \"\"",
    );
    place.set("staging", "adapter = \"sqlite\"\ndatabase = \"staging.db\"");
    let line = place.run(["plugin", "pin", "csv-source"]).well().stdout;
    place.set("plugins", &format!("allow = [{}]", line.trim()));
    place.play(["run"]).well();
    assert!(staged(&place) == wanted, "the exports say something else than the database");
    assert!(dfe.children().into_iter().collect::<Vec<_>>() == wanted, "DfE holds something else");
}

#[test]
fn a_plugin_that_is_not_allowed_is_listed_with_the_reason_and_no_adapter() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = authority(server, &dfe);
    let place = &authority.place;
    let listed = place.run(["plugin", "list", "--json"]).well().json();
    let plugin = &listed["plugins"][0];
    assert_eq!((&plugin["name"], &plugin["allowed"]), (&"postgres-plugin".into(), &false.into()), "{listed}");
    assert_eq!(plugin["sha256"], hash(&library()), "{listed}");
    assert!(plugin["advice"].as_str().is_some_and(|advice| advice.contains("plugin pin postgres-plugin")), "{listed}");
    place.run(["plugin", "verify", "postgres-plugin"]).fails(2, &["postgres-plugin", "not on the list"]);
    place.play(["stage"]).fails(2, &["there is no database adapter \"postgres-plugin\""]);
    assert!(!place.path("staging.db").exists(), "something was staged");
}

#[test]
fn a_library_that_changed_since_it_was_allowed_is_not_loaded_and_nothing_is_staged() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = authority(server, &dfe);
    let place = &authority.place;
    allow(place, "");
    let mut changed = library();
    changed.push(0);
    // Its manifest changed with it, as an intruder's would.
    install(place, &changed);
    for command in [&["plugin", "verify"][..], &["stage", "--run-date", DAY], &["run", "--run-date", DAY]] {
        place.run(command).fails(1, &["postgres-plugin", "not the one that [plugins] allow names"]);
    }
    assert!(!place.path("staging.db").exists(), "something was staged");
    assert_eq!(dfe.stats().requests, 0);
}

#[test]
fn a_plugin_keeps_no_staging_tables_and_takes_no_built_in_name() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = authority(server, &dfe);
    let place = &authority.place;
    allow(place, "");
    place.reconfigure("[staging]\nadapter = \"sqlite\"\ndatabase = \"staging.db\"", "");
    place.play(["stage"]).fails(2, &["the plugin postgres-plugin keeps no staging tables"]);
    place.reconfigure("name = \"postgres-plugin\"", "name = \"sqlite\"");
    place.play(["stage"]).fails(2, &["\"sqlite\" is the name of a built-in adapter"]);
}

#[test]
fn looking_at_the_plugin_folder_says_where_it_is_when_it_is_not_there() {
    let dfe = Dfe::start();
    let place = Place::new(dfe.addr());
    place.run(["plugin", "list"]).fails(1, &["plugins", "cannot be read"]);
    place.run(["plugin", "pin", "nobody"]).fails(1, &["nobody", "plugins"]);
}
