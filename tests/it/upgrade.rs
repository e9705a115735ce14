//! A new definition, another tool's hash, a table that another tool filled: documents are compared, hashes become ours, and only real
//! differences are sent.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Dfe, Place, STAGING};
use crate::purges::sends_nothing;
use crate::sql_filled::{Filled, TABLE, hash, pretty};
use crate::way::{WAYS, Way, converged};

/// Every hash is another tool's.
fn foreign_hashes(place: &Place) {
    let database = place.database();
    let mut rows = database.prepare(&format!("SELECT id, json_payload FROM {STAGING}")).expect("a query");
    let rows: Vec<(i64, String)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .map(|row| row.expect("a row"))
        .collect();
    database.execute_batch("BEGIN").expect("a transaction");
    for (id, document) in rows {
        let sql = format!("UPDATE {STAGING} SET current_hash = ?2, previous_hash = ?2 WHERE id = ?1");
        database.execute(&sql, (id, hash(&document))).expect("a row");
    }
    database.execute_batch("COMMIT").expect("the end");
}

/// `current_hash` and `previous_hash`.
type Hashes = (Option<Vec<u8>>, Option<Vec<u8>>);

/// The hashes of all rows.
fn hashes(place: &Place) -> Vec<Hashes> {
    let database = place.database();
    let sql = format!("SELECT current_hash, previous_hash FROM {STAGING} ORDER BY id");
    let mut rows = database.prepare(&sql).expect("a query");
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows").map(|row| row.expect("a row")).collect()
}

/// The definition, with something else in it.
fn redefine(place: &Place, changes: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/payload/dfe-csc-0.9.toml");
    let mut text = std::fs::read_to_string(path).expect("the definition");
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the definition");
        text = text.replace(from, to);
    }
    place.write("mine.toml", &text);
    if !place.read("csc-bridge.toml").contains("mine.toml") {
        place.reconfigure("la_code   = \"845\"", "la_code = \"845\"\ndefinition = \"./mine.toml\"");
    }
}

/// The first `stage` after an upgrade sends nothing on and rewrites no document; the second writes nothing.
fn nothing_is_pending(place: &Place, written: i64) {
    let count = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    let documents = "SELECT group_concat(json_payload || previous_json_payload || submission_status || row_state) FROM ssd_api_data_staging";
    let before = place.text(documents);
    let report = place.play(["stage", "--json"]).well().json();
    assert_eq!(report["staged"]["updated"], 0, "{report}");
    assert_eq!((place.count("pending"), place.count("error"), place.count("sent")), (0, 0, count));
    assert_eq!(report["staged"]["refreshed"], written, "{report}");
    assert_eq!(report["staged"]["written"], written, "{report}");
    assert!(place.text(documents) == before, "more than hashes was written");
    let again = place.play(["stage", "--json"]).well().json();
    assert_eq!(again["staged"]["written"], 0, "{again}");
}

#[test]
fn a_staged_cohort_of_five_thousand_is_upgraded_and_nobody_is_pending() {
    let dfe = Dfe::with(csc_bridge_dfe_csc_simulator::Settings::default());
    let place = Place::filled(dfe.addr(), 5400);
    place.play(["run"]).well();
    let count = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    assert!(count >= 5000, "{count}");
    let (ours, records) = (hashes(&place), dfe.stats().records);
    foreign_hashes(&place);
    assert!(hashes(&place).iter().zip(&ours).all(|(theirs, ours)| theirs.0 != ours.0 && theirs.1 != ours.1));
    nothing_is_pending(&place, count);
    assert!(hashes(&place) == ours, "a hash is not ours");
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["requests"], 0);
    assert_eq!(dfe.stats().records, records);
}

#[test]
fn another_tools_hash_sends_nothing_whatever_dfe_does_with_a_second_document() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = Place::filled(dfe.addr(), 60);
        way.set(&place);
        place.play(["run"]).well();
        let ours = hashes(&place);
        foreign_hashes(&place);
        nothing_is_pending(&place, ours.len() as i64);
        assert!(hashes(&place) == ours, "{way:?}");
        // One that was set pending by hand stays so, and is sent.
        foreign_hashes(&place);
        let child = place.child(4);
        place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE person_id = '{child}'"));
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], 1, "{way:?}: {report}");
        // And a real difference is one, whatever the hashes are.
        foreign_hashes(&place);
        place.sql(&format!("UPDATE ssd_person SET pers_surname = 'Another' WHERE TRIM(pers_person_id) = '{child}'"));
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], 1, "{way:?}: {report}");
        assert!(hashes(&place).iter().zip(&ours).filter(|(now, then)| now != then).count() == 1, "{way:?}");
        converged(&place, &dfe);
    }
}

#[test]
fn a_definition_that_changes_no_document_sends_nothing() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 300);
    place.play(["run"]).well();
    redefine(
        &place,
        &[
            ("name     = \"dfe-csc-0.9\"", "name = \"dfe-csc-0.9.1\""),
            ("M = \"male\"", "M = \"a boy or a man\""),
            ("MALE    = \"M\"", "MALE = \"M\"\nHOMME = \"M\""),
        ],
    );
    let count = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    nothing_is_pending(&place, 0);
    foreign_hashes(&place);
    nothing_is_pending(&place, count);
    sends_nothing(&place, &dfe);
}

#[test]
fn a_definition_that_changes_some_documents_sends_these() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = Place::filled(dfe.addr(), 300);
        way.set(&place);
        place.play(["run"]).well();
        let has = |code: &str| {
            place.number(&format!(
                "SELECT COUNT(*) FROM {STAGING} WHERE json_payload LIKE '%\"closure_reason\":\"{code}\"%'"
            ))
        };
        let with = has("RC8");
        let count = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
        assert!(with > 3 && with < count / 2, "{with} of {count}");
        // A code is withdrawn: those who have it have it no more.
        redefine(&place, &[("\"RC8\" = \"closed after assessment, no further action\"\n", "")]);
        foreign_hashes(&place);
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], with, "{way:?}: {report}");
        assert_eq!(report["staged"]["updated"], with, "{way:?}: {report}");
        assert_eq!(has("RC8"), 0);
        converged(&place, &dfe);
        assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0, "{way:?}");
    }
}

/// A table as D2I's tools leave it after years, to be taken over.
fn take_over(way: Way) {
    let dfe = way.dfe();
    let filled = Filled::new(dfe.addr(), way, TABLE);
    let place = &filled.place;
    let children: Vec<(String, Value)> = filled.documents.clone().into_iter().collect();
    let set = |child: &str, sql: &str| place.sql(&format!("UPDATE {STAGING} SET {sql} WHERE person_id = '{child}'"));
    const SENT: &str = "submission_status = 'sent', row_state = 'unchanged', previous_json_payload = json_payload,
                        previous_hash = current_hash, api_response = 'b2.json'";
    for (at, (child, document)) in children.iter().enumerate() {
        // Laid out otherwise, with their hash.
        filled.first(child, &pretty(document));
        set(child, SENT);
        match at {
            // Waiting, and the previous document is today's: it was staged, changed, and changed back, and may never have been sent.
            1 => set(child, "submission_status = 'Pending', row_state = 'Updated'"),
            2 => set(child, "submission_status = 'error', row_state = 'Updated'"),
            // Changed since it was sent.
            3 => set(
                child,
                "json_payload = json_set(json_payload, '$.child_details.surname', 'Before'), previous_json_payload =
                             json_set(json_payload, '$.child_details.surname', 'Before')",
            ),
            // Never sent.
            4 => set(
                child,
                "submission_status = 'Pending', row_state = 'New', previous_json_payload = NULL, previous_hash = NULL",
            ),
            // Soft-deleted on a night when the SSD was empty, and back for years.
            5 => set(child, "row_state = 'Deleted'"),
            _ => {}
        }
    }
    place.reconfigure("managed_by = \"sql\"", "managed_by = \"csc-bridge\"");
    place.play(["stage"]).well();
    let wait = [1, 2, 3, 4];
    for (at, (child, _)) in children.iter().enumerate() {
        let row = place.row(child);
        let waits = ["pending", "error"].contains(&row.status.as_str());
        assert_eq!(waits, wait.contains(&at), "{way:?}, {at}: {:?}", row.says());
        assert_eq!(row.status == "sent", !wait.contains(&at), "{way:?}, {at}: {:?}", row.says());
        if at == 1 || at == 2 {
            assert_eq!(row.previous_hash, Some(vec![0; 32]), "{way:?}, {at}: it is not sure what DfE holds");
        }
        if at > 5 {
            assert_eq!(row.says(), ("sent", "unchanged"), "{way:?}, {at}");
            assert_eq!(row.current_hash, row.previous_hash, "{way:?}, {at}");
            assert_ne!(row.current_hash.as_deref(), Some(&hash(&pretty(&row.document))[..]), "{way:?}, {at}");
        }
    }
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], wait.len(), "{way:?}: {report}");
    assert_eq!(
        report["submitted"]["partial"],
        u64::from(way == Way::MergePartial),
        "only one is known to be held: {report}"
    );
    let sent = dfe.children();
    for at in [1, 2, 4] {
        assert_eq!(
            sent.get(&children[at].0).map(|sent| sent["child_details"]["surname"].clone()),
            Some(children[at].1["child_details"]["surname"].clone())
        );
    }
    assert_eq!(sent.len(), wait.len());
    assert_eq!(sends_nothing(place, &dfe)["staged"]["written"], json!(0), "{way:?}");
}

#[test]
fn a_table_that_another_tool_filled_is_taken_over() {
    WAYS.into_iter().for_each(take_over);
}
