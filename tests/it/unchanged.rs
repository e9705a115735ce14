//! A night on which nothing changed writes nothing: by what the program says, by what the table holds, and by the database's own
//! account of what was done to it.

use crate::program::{NOBODY, Place, STAGING};

#[test]
fn a_second_stage_over_an_unchanged_ssd_writes_no_row() {
    let place = Place::filled(NOBODY, 1500);
    let first = place.play(["stage", "--json"]).well().json();
    let cohort = first["staged"]["cohort"].as_i64().expect("a number");
    assert!(cohort > 1000, "{first}");
    assert_eq!(first["staged"]["new"], cohort);
    assert_eq!(first["staged"]["written"], cohort);
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING}")), cohort);
    let before = place.table(STAGING);
    note_every_write(&place);

    let second = place.play(["stage", "--json"]).well().json();
    assert_eq!(second["staged"]["cohort"], cohort);
    assert_eq!(second["staged"]["unchanged"], cohort, "{second}");
    for count in ["new", "updated", "gone", "left", "returned", "refreshed", "withdrawn", "written"] {
        assert_eq!(second["staged"][count], 0, "{count}");
    }
    assert_eq!(second["rows"], first["rows"]);
    assert_eq!(place.number("SELECT COUNT(*) FROM writes"), 0);
    assert!(place.table(STAGING) == before, "a column of some row is another");

    // The counters do count: one child's change is one row written.
    let child = place.text(&format!("SELECT person_id FROM {STAGING} ORDER BY id LIMIT 1"));
    place.sql(&format!("UPDATE ssd_person SET pers_forename = 'Another' WHERE TRIM(pers_person_id) = '{child}'"));
    let third = place.play(["stage", "--json"]).well().json();
    assert_eq!(third["staged"]["updated"], 1, "{third}");
    assert_eq!(third["staged"]["written"], 1);
    assert_eq!(place.number("SELECT COUNT(*) FROM writes"), 1);
    assert_eq!(place.text("SELECT person_id FROM writes"), child);
}

#[test]
fn nothing_is_written_when_the_documents_were_sent_and_nothing_changed() {
    let dfe = crate::program::Dfe::start();
    let place = Place::filled(dfe.addr(), 300);
    place.play(["run"]).well();
    let before = place.table(STAGING);
    note_every_write(&place);
    let requests = dfe.stats().requests;
    let again = place.play(["run", "--json"]).well().json();
    assert_eq!(again["staged"]["unchanged"], again["staged"]["cohort"]);
    assert_eq!(again["staged"]["written"], 0);
    assert_eq!(again["submitted"]["sent"], 0);
    assert_eq!(place.number("SELECT COUNT(*) FROM writes"), 0);
    assert!(place.table(STAGING) == before, "a column of some row is another");
    assert_eq!(dfe.stats().requests, requests);
}

/// From here on the database notes every row that is inserted, updated or deleted in the staging table, whoever does it.
fn note_every_write(place: &Place) {
    place.sql(&format!(
        "CREATE TABLE writes (what TEXT, person_id TEXT);
         CREATE TRIGGER inserted AFTER INSERT ON {STAGING} BEGIN INSERT INTO writes VALUES ('insert', new.person_id); END;
         CREATE TRIGGER updated AFTER UPDATE ON {STAGING} BEGIN INSERT INTO writes VALUES ('update', new.person_id); END;
         CREATE TRIGGER deleted AFTER DELETE ON {STAGING} BEGIN INSERT INTO writes VALUES ('delete', old.person_id); END;"
    ));
}
