//! The thirty defects of the present tools (staging fact sheet, section 4): for each the test that would fail if we had it. Those of
//! deciding what is sent are here, those of documents in `defects_documents`, those of sending in `defects_sending`.
//!
//! `cargo test -p csc-bridge --test it -- defects::table --nocapture` prints the table.

use std::collections::BTreeMap;

use serde_json::json;

use crate::api::{Api, took};
use crate::program::{DAY, Dfe, NOBODY, Place, STAGING};
use crate::way::{WAYS, Way, converged, held};

/// A child's new surname.
fn marries(place: &Place, child: &str, surname: &str) {
    place.sql(&format!("UPDATE ssd_person SET pers_surname = '{surname}' WHERE TRIM(pers_person_id) = '{child}'"));
}

fn moves(place: &Place, child: &str) {
    place.sql(&format!(
        "INSERT INTO ssd_sdq_scores (csdq_person_id, csdq_sdq_completed_date, csdq_sdq_score) VALUES ('{child}', '2026-05-01', 11)"
    ));
}

/// Unsent change overwritten: a later change hides an earlier one that was never accepted
#[test]
fn defect_01_an_unsent_change_is_not_lost_under_a_later_one() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = Place::filled(dfe.addr(), 30);
        way.set(&place);
        place.play(["run"]).well();
        let child = place.child(3);
        let before = place.row(&child);
        marries(&place, &child, "Second");
        place.play(["stage"]).well();
        moves(&place, &child);
        place.play(["stage"]).well();
        assert_eq!(place.row(&child).held, before.held, "{way:?}: what DfE holds is what it took");
        place.play(["submit"]).well();
        assert_eq!(held(&dfe, &child).expect("held")["child_details"]["surname"], "Second", "{way:?}");
        converged(&place, &dfe);
    }
}

/// Send race: a document staged while another was sent is marked as sent
#[test]
fn defect_02_what_is_staged_while_a_request_is_out_is_still_to_be_sent() {
    let stages = std::sync::Arc::new(std::sync::Mutex::new(None::<std::process::Command>));
    let command = stages.clone();
    let api = Api::failing(move |request| {
        if let Some(mut stage) = command.lock().expect("unharmed").take() {
            assert!(stage.output().expect("the program starts").status.success(), "stage failed");
        }
        took(request.records())
    });
    let place = Place::filled(api.addr(), 30);
    place.play(["stage"]).well();
    let child = place.child(3);
    let first = place.row(&child).document;
    marries(&place, &child, "Second");
    *stages.lock().expect("unharmed") = Some(place.command(["stage", "--run-date", DAY]));
    place.play(["submit"]).well();
    let row = place.row(&child);
    assert_eq!(row.says(), ("pending", "updated"));
    assert_eq!(row.document["child_details"]["surname"], "Second");
    assert_eq!(row.held, Some(first), "DfE holds what was sent, not what is in the table now");
    let count = api.documents().len();
    place.play(["submit"]).well();
    let sent = api.documents().split_off(count);
    assert_eq!(sent.iter().map(|document| &document["child_details"]["surname"]).collect::<Vec<_>>(), ["Second"]);
}

/// First submissions never leave in partial mode
#[test]
fn defect_03_new_children_leave_in_partial_mode() {
    let dfe = Dfe::merging();
    let place = Place::filled(dfe.addr(), 30);
    Way::MergePartial.set(&place);
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["submitted"]["full"], report["staged"]["new"], "{report}");
    assert!(report["staged"]["new"].as_u64() > Some(20));
    converged(&place, &dfe);
}

/// Deletions are not sent, and a deleted row that waits goes out as a live document
#[test]
fn defect_04_a_deletion_is_sent_as_a_purge_and_never_as_a_live_document() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = Place::filled(dfe.addr(), 40);
        way.set(&place);
        place.set("deletions", "gone = \"purge\"\ngrace = \"0s\"");
        place.set("guards", "max_table_drop = { share = 1.0, count = 0 }");
        let (sent, unsent) = {
            place.play(["stage"]).well();
            (place.child(3), place.child(5))
        };
        place.sql(&format!("UPDATE {STAGING} SET submission_status = 'testing' WHERE person_id = '{unsent}'"));
        place.play(["submit"]).well();
        place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE person_id = '{unsent}'"));
        place.sql(&format!("DELETE FROM ssd_person WHERE TRIM(pers_person_id) IN ('{sent}', '{unsent}')"));
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!((&report["submitted"]["sent"], &report["submitted"]["purged"]), (&json!(1), &json!(1)), "{report}");
        let held = dfe.children();
        assert!(!held.contains_key(&sent) && !held.contains_key(&unsent), "{way:?}");
    }
}

/// A child who returns with the same hash stays deleted for ever
#[test]
fn defect_05_a_child_who_returns_unchanged_is_back() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 40);
    place.set("guards", "max_table_drop = { share = 1.0, count = 0 }");
    place.play(["run"]).well();
    let child = place.child(5);
    place.sql(&format!(
        "CREATE TABLE away AS SELECT * FROM ssd_person WHERE TRIM(pers_person_id) = '{child}';
         DELETE FROM ssd_person WHERE TRIM(pers_person_id) = '{child}'"
    ));
    place.play(["run"]).well();
    assert_eq!(place.row(&child).state, "deleted");
    place.sql("INSERT INTO ssd_person SELECT * FROM away");
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!((&report["staged"]["returned"], &report["submitted"]["sent"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(place.row(&child).says(), ("sent", "unchanged"));
    marries(&place, &child, "Later");
    place.play(["run"]).well();
    assert_eq!(dfe.children()[&child]["child_details"]["surname"], "Later");
}

/// Deleted rows get a new last_updated every night
#[test]
fn defect_06_a_deleted_row_is_not_written_every_night() {
    let place = Place::filled(NOBODY, 40);
    place.set("guards", "max_table_drop = { share = 1.0, count = 0 }");
    place.play(["stage"]).well();
    let child = place.child(5);
    place.sql(&format!("DELETE FROM ssd_person WHERE TRIM(pers_person_id) = '{child}'"));
    place.play(["stage"]).well();
    let deleted = place.row(&child);
    assert_eq!(deleted.state, "deleted");
    for _ in 0..2 {
        assert_eq!(place.play(["stage", "--json"]).well().json()["staged"]["written"], 0);
    }
    assert_eq!(place.row(&child), deleted);
}

/// An empty or half-loaded SSD deletes everybody, and nobody comes back
#[test]
fn defect_07_an_empty_or_half_loaded_ssd_deletes_nobody() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 80);
    place.play(["run"]).well();
    let before = place.table(STAGING);
    place.sql("CREATE TABLE away AS SELECT * FROM ssd_person");
    for refresh in ["DELETE FROM ssd_person WHERE rowid % 2 = 1", "DELETE FROM ssd_person"] {
        place.sql(refresh);
        place.play(["run"]).fails(4, &["a guard stopped the run", "children are gone"]);
        assert!(place.table(STAGING) == before, "the staging table changed");
    }
    // And had somebody let it through, everybody would come back.
    let flags = "run --accept-empty --accept-gone 80".split(' ').map(str::to_owned);
    let tables = crate::night::ssd_tables(&place).into_iter().flat_map(|table| ["--accept-table".to_owned(), table]);
    place.play(flags.chain(tables)).well();
    place.sql("INSERT INTO ssd_person SELECT * FROM away");
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["staged"]["returned"], before.len(), "{report}");
    assert_eq!(
        place.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE row_state = 'unchanged'")),
        before.len() as i64
    );
    place.converged(&dfe);
}

/// Stale partial: an old partial document is sent again
#[test]
fn defect_15_a_prepared_document_is_gone_once_it_was_accepted() {
    let dfe = Dfe::merging();
    let place = Place::filled(dfe.addr(), 30);
    Way::MergePartial.set(&place);
    place.play(["run"]).well();
    let child = place.child(3);
    let sex = |sex: &str| {
        place.sql(&format!("UPDATE ssd_person SET pers_sex = '{sex}' WHERE TRIM(pers_person_id) = '{child}'"))
    };
    sex("X");
    place.play(["stage"]).well();
    assert!(place.row(&child).outgoing.is_some());
    place.play(["submit"]).well();
    assert_eq!(place.row(&child).outgoing, None);
    // Their hash reads the raw sex and the document maps it: another raw value of the same document is no change.
    let (row, records) = (place.row(&child), dfe.stats().records);
    sex("Indeterminate");
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!((&report["staged"]["written"], dfe.stats().records), (&json!(0), records), "{report}");
    assert_eq!(place.row(&child), row);
    // What was prepared and is out of date is prepared anew.
    marries(&place, &child, "Second");
    place.play(["stage"]).well();
    marries(&place, &child, "Third");
    place.play(["run"]).well();
    assert_eq!(held(&dfe, &child).expect("held")["child_details"]["surname"], "Third");
}

/// A row without a hash can never become updated
#[test]
fn defect_26_a_row_without_a_hash_is_updated_like_any_other() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = Place::filled(dfe.addr(), 30);
        way.set(&place);
        place.play(["run"]).well();
        let child = place.child(3);
        place.sql(&format!("UPDATE {STAGING} SET current_hash = NULL"));
        assert_eq!(place.play(["run", "--json"]).well().json()["submitted"]["sent"], 0, "{way:?}");
        place.sql(&format!("UPDATE {STAGING} SET current_hash = NULL"));
        marries(&place, &child, "Second");
        assert_eq!(place.play(["run", "--json"]).well().json()["submitted"]["sent"], 1, "{way:?}");
        assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE current_hash IS NULL")), 0);
        converged(&place, &dfe);
    }
}

/// The table is truncated before it is filled, and everybody is sent again
#[test]
fn defect_27_staging_keeps_every_row_with_its_history() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.play(["run"]).well();
    let kept = "SELECT group_concat(id || person_id || previous_json_payload || hex(previous_hash) || api_response) FROM ssd_api_data_staging";
    let before = place.text(kept);
    place.sql("CREATE TABLE touched (what TEXT)");
    for table in [STAGING.to_owned(), format!("{STAGING}_anon")] {
        place.sql(&format!(
            "CREATE TRIGGER {table}_d AFTER DELETE ON {table} BEGIN INSERT INTO touched VALUES ('{table}'); END"
        ));
    }
    place.sql(&format!("INSERT INTO {STAGING}_anon (person_id, json_payload) VALUES ('seed', '{{}}')"));
    marries(&place, &place.child(3), "Second");
    place.play(["stage"]).well();
    assert_eq!(place.number("SELECT COUNT(*) FROM touched"), 0, "rows were deleted");
    assert_eq!(place.text(kept), before);
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING}_anon")), 1, "the twin was emptied");
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["sent"], 1);
}

/// A changed child gets a second row, and nobody is ever marked as deleted
#[test]
fn defect_28_a_child_has_one_row_whatever_happens() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.set("guards", "max_table_drop = { share = 1.0, count = 0 }");
    place.play(["run"]).well();
    let (changed, gone) = (place.child(3), place.child(5));
    for night in 0..3 {
        marries(&place, &changed, &format!("Name{night}"));
        place.play(["mutate", "--percent", "10", "--seed", &night.to_string()]).well();
        place.play(["stage"]).well();
    }
    place.sql(&format!("DELETE FROM ssd_person WHERE TRIM(pers_person_id) = '{gone}'"));
    place.play(["run"]).well();
    let several = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {STAGING} GROUP BY person_id HAVING COUNT(*) > 1)");
    assert_eq!(place.number(&several), 0);
    assert_eq!(place.row(&gone).state, "deleted");
    place.converged(&dfe);
}

const FILES: [&str; 3] =
    [include_str!("defects.rs"), include_str!("defects_documents.rs"), include_str!("defects_sending.rs")];

/// Number, defect, test: read from the tests themselves.
#[test]
fn table() {
    let mut defects: BTreeMap<u32, (String, String)> = BTreeMap::new();
    for lines in FILES.map(|file| file.lines().collect::<Vec<_>>()) {
        for three in lines.windows(3) {
            let Some(name) = three[2].strip_prefix("fn defect_").and_then(|rest| rest.strip_suffix("() {")) else {
                continue;
            };
            assert_eq!(three[1], "#[test]", "{name}: is no test, or is left out");
            let (number, test) = name.split_once('_').expect("a number");
            let number = number.parse().expect("a number");
            let defect = three[0].strip_prefix("/// ").expect("the defect in a few words").to_owned();
            assert!(defects.insert(number, (defect, format!("defect_{number:02}_{test}"))).is_none(), "{number} twice");
        }
    }
    assert_eq!(defects.keys().copied().collect::<Vec<_>>(), (1..=30).collect::<Vec<_>>());
    println!("| no | defect | test |\n|---|---|---|");
    for (number, (defect, test)) in defects {
        println!("| {number} | {defect} | `{test}` |");
    }
}
