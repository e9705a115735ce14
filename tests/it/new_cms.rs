//! An author's cheaper day: a CMS that nobody has heard of, on a database that is built in. One file of TOML, no Rust.

use csc_bridge_test_postgres::shared;
use serde_json::Value;

use crate::postgres::authority::Authority;
use crate::program::{Dfe, Place};

/// The CMS's profile: the whole of the work.
const HARBOUR: &str = include_str!("harbour.toml");

/// How a test changes rows of Harbour.
type Sql<'a> = &'a dyn Fn(&str);

/// The profile beside the configuration, and made-up children under Harbour's names.
fn filled(place: &Place, named_before: &str) {
    place.write("harbour.toml", HARBOUR);
    place.reconfigure(named_before, "cms       = \"harbour.toml\"");
    place.play(["generate", "--children", "300"]).well();
}

/// `check`, `stage`, `submit`, a change, and both again: DfE holds what Harbour says, in the words of the SSD.
fn converges(place: &Place, dfe: &Dfe, sql: Sql<'_>) {
    let before = place.documents();
    // What the made-up children lack: the words that Harbour's users choose from.
    sql("UPDATE client SET gender = 'Boy' WHERE gender = 'M'; UPDATE client SET gender = ' girl' WHERE gender = 'F'");
    assert!(place.documents() == before, "the words are not those of the SSD");
    let sexes = before.values().map(|document| document["child_details"]["sex"].as_str());
    let known = sexes.filter(|sex| matches!(sex, Some("M" | "F"))).count();
    assert!(known > 100, "the words of {known} children only were looked at");

    place.run(["check"]).well();
    let staged = place.play(["stage", "--json"]).well().json();
    let cohort = staged["staged"]["cohort"].as_u64().expect("a number");
    assert!(cohort > 200, "{staged}");
    assert_eq!(sent(place), cohort);
    place.converged(dfe);

    let girl = before.iter().find(|(_, document)| document["child_details"]["sex"] == "F").expect("a girl").0;
    sql(&format!("UPDATE client SET gender = 'BOY' WHERE \"client no\" = '{girl}'"));
    place.play(["stage"]).well();
    assert_eq!(sent(place), 1);
    place.converged(dfe);
    assert_eq!(dfe.children()[girl]["child_details"]["sex"], "M");
}

fn sent(place: &Place) -> u64 {
    let submitted: Value = place.play(["submit", "--json"]).well().json();
    submitted["submitted"]["sent"].as_u64().unwrap_or_else(|| panic!("{submitted}"))
}

#[test]
fn a_new_cms_on_sqlite_is_one_file_of_toml() {
    let dfe = Dfe::start();
    let place = Place::new(dfe.addr());
    filled(&place, "cms       = \"sqlite\"");
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('client', 'referral', 'assessment')";
    assert_eq!(place.number(tables), 3);
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('ssd_person', 'ssd_disability')"), 0);
    converges(&place, &dfe, &|statements| place.sql(statements));
    println!("a new CMS: {} lines of TOML, 0 of Rust", lines());
}

#[test]
fn the_same_file_serves_on_postgresql() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::new(server, dfe.addr());
    filled(&authority.place, "cms       = \"eclipse\"");
    let sql = |statements: &str| drop(authority.sql(statements));
    converges(&authority.place, &dfe, &sql);
}

fn lines() -> usize {
    HARBOUR.lines().count()
}

#[test]
fn the_guide_says_how_long_the_file_is() {
    let guide = include_str!("../../docs/plugins.md");
    assert!(guide.contains(&format!("{} lines of TOML", lines())), "it has {} lines", lines());
}
