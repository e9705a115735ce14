//! `managed_by = "sql"`: `submit` alone, on a table that D2I's script laid out and filled.

use std::collections::BTreeMap;

use rusqlite::types::Value as Sql;
use serde_json::{Value, json};

use crate::api::Api;
use crate::program::{Dfe, NOBODY, Place, STAGING};
use crate::way::Way;

/// The table as `populate_ssd_api_data_staging.sql` (builder 0.4.8) lays it out, in SQLite's words.
pub const TABLE: &str = "CREATE TABLE ssd_api_data_staging (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id NVARCHAR(20) NULL,
    legacy_id NVARCHAR(36) NULL,
    previous_json_payload TEXT NULL,
    json_payload TEXT NOT NULL,
    partial_json_payload TEXT NULL,
    current_hash BINARY(32) NULL,
    previous_hash BINARY(32) NULL,
    submission_status NVARCHAR(50) DEFAULT 'Pending',
    submission_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
    api_response TEXT NULL,
    row_state NVARCHAR(10) DEFAULT 'New',
    last_updated DATETIME DEFAULT CURRENT_TIMESTAMP)";

/// A place whose staging table D2I's script fills.
pub struct Filled {
    pub place: Place,
    /// The documents that the SSD has.
    pub documents: BTreeMap<String, Value>,
}

impl Filled {
    pub fn new(api: std::net::SocketAddr, way: Way, table: &str) -> Filled {
        let place = Place::filled(api, 40);
        let documents = place.documents();
        way.set(&place);
        place.set("staging", "managed_by = \"sql\"");
        place.sql(table);
        Filled { place, documents }
    }

    /// So many children with their documents.
    pub fn some(&self, count: usize) -> Vec<(String, Value)> {
        self.documents.iter().take(count).map(|(child, document)| (child.clone(), document.clone())).collect()
    }

    /// The builder meets a child for the first time: everything that it does not write has its default.
    pub fn first(&self, child: &str, document: &str) -> i64 {
        let database = self.place.database();
        let sql = format!("INSERT INTO {STAGING} (person_id, json_payload, current_hash) VALUES (?, ?, ?)");
        database.execute(&sql, (child, document, hash(document))).expect("a row");
        database.last_insert_rowid()
    }

    /// The builder finds another hash: the current document becomes the previous one, sent or not.
    pub fn again(&self, child: &str, document: &str, hash: [u8; 32]) {
        let sql = format!(
            "UPDATE {STAGING} SET previous_json_payload = json_payload, json_payload = ?2, previous_hash = current_hash,
             current_hash = ?3, submission_status = 'Pending', row_state = 'Updated', last_updated = CURRENT_TIMESTAMP
             WHERE person_id = ?1"
        );
        assert_eq!(self.place.database().execute(&sql, (child, document, hash)).expect("a row"), 1);
    }

    /// One row, by its id.
    pub fn whole_row(&self, id: i64) -> Vec<Sql> {
        let rows = self.place.table(STAGING);
        rows.into_iter().find(|row| row[0] == Sql::Integer(id)).expect("the row")
    }
}

/// Their hash of a document: any 32 bytes that are not ours. The same text has the same.
pub fn hash(document: &str) -> [u8; 32] {
    let mut hash = [0xD2_u8; 32];
    for (at, byte) in document.bytes().enumerate() {
        hash[at % 32] = hash[at % 32].rotate_left(3) ^ byte;
    }
    hash
}

/// A document as an analyst lays it out, over several lines.
pub fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("JSON").replace('\n', "\r\n")
}

/// A document with a value changed.
pub fn changed(document: &Value, pointer: &str, value: Value) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    document
}

/// A child whose document has a list member that can go, and its documents: as it is, with another surname, and without that member.
pub fn three(filled: &Filled) -> (String, [Value; 3]) {
    let pointer = "/social_care_episodes/0/child_and_family_assessments";
    let has = |document: &Value| document.pointer(pointer).and_then(Value::as_array).is_some_and(|list| list.len() > 1);
    let (child, first) = filled.documents.iter().find(|(_, document)| has(document)).expect("a child");
    let second = changed(first, "/child_details/surname", json!("Second"));
    let mut third = changed(first, "/child_details/surname", json!("Third"));
    third.pointer_mut(pointer).and_then(Value::as_array_mut).expect("a list").pop();
    (child.clone(), [first.clone(), second, third])
}

#[test]
fn stage_run_and_plan_are_refused() {
    let filled = Filled::new(NOBODY, Way::Replace, TABLE);
    let (child, document) = filled.some(1).remove(0);
    filled.first(&child, &document.to_string());
    let before = filled.place.table(STAGING);
    for command in ["stage", "run", "plan"] {
        let ended = filled.place.play([command, "--json"]);
        ended.fails(2, &[command, "managed_by is \"sql\""]);
        let report = ended.json();
        let advice = report["error"]["advice"].as_str().expect("advice");
        assert!(advice.contains("csc-bridge submit"), "{advice}");
        assert_eq!(report["error"]["kind"], "Config");
    }
    assert!(filled.place.table(STAGING) == before);
    assert_eq!(filled.place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'ssd_api%log'"), 0);
    // And nobody may ask for purges that nobody would send.
    for kind in ["gone", "left"] {
        filled.place.set("deletions", &format!("{kind} = \"purge\""));
        filled.place.play(["submit"]).fails(2, &["csc-bridge.toml, line ", "[deletions] asks for purges"]);
        filled.place.reconfigure(&format!("{kind} = \"purge\"\n"), "");
    }
}

#[test]
fn their_rows_are_sent_whatever_the_case_of_their_words() {
    let dfe = Dfe::start();
    let filled = Filled::new(dfe.addr(), Way::Replace, TABLE);
    let place = &filled.place;
    let children = filled.some(14);
    let mut ids = Vec::new();
    for (child, document) in &children {
        ids.push(filled.first(child, &pretty(document)));
    }
    let words = |at: usize, sql: &str| place.sql(&format!("UPDATE {STAGING} SET {sql} WHERE id = {}", ids[at]));
    // Sent: their defaults, other tools' letters, a null status, null and other hashes, errors.
    words(1, "submission_status = 'pending', row_state = 'new'");
    words(2, "submission_status = ' PENDING ', row_state = 'Updated'");
    words(3, "submission_status = NULL, row_state = NULL");
    words(4, "current_hash = NULL");
    words(5, "submission_status = 'Error', api_response = 'API error (400)'");
    words(6, "submission_status = 'error', row_state = 'Unchanged'");
    words(7, "legacy_id = NULL, last_updated = NULL, submission_timestamp = NULL");
    // Not sent.
    words(8, "submission_status = 'Sent'");
    words(9, "submission_status = 'sent', row_state = 'unchanged'");
    words(10, "submission_status = 'testing'");
    words(11, "row_state = 'Deleted'");
    words(12, "submission_status = 'error', row_state = 'deleted'");
    words(13, "person_id = NULL");
    let before: Vec<Vec<Sql>> = ids.iter().map(|id| filled.whole_row(*id)).collect();
    let status = place.run(["status", "--json"]).well().json();
    assert_eq!(status["last_run"], Value::Null, "the logs are not there yet: {status}");

    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!((&report["submitted"]["sent"], &report["submitted"]["full"]), (&json!(8), &json!(8)), "{report}");
    // The one that is nobody's is told as what it is: not sent.
    assert_eq!(report["submitted"]["left_pending"], 1, "{report}");
    assert!(report.get("findings").is_none(), "{report}");
    let held = dfe.children();
    for (at, (child, document)) in children.iter().enumerate() {
        assert_eq!(held.get(child), (at < 8).then_some(document), "{at}");
        let row = filled.whole_row(ids[at]);
        if at >= 8 {
            assert_eq!(row, before[at], "{at}");
            continue;
        }
        assert_eq!(row.last(), before[at].last(), "{at}: an answer makes no row newer than one filled meanwhile");
        let row = place.row(child);
        assert_eq!(row.says(), ("sent", "unchanged"), "{at}");
        assert_eq!((row.held.as_ref(), &row.document), (Some(document), document), "{at}");
        assert!(row.response.is_some_and(|receipt| !receipt.is_empty()));
        // Their builder must find the hash that it wrote.
        let theirs = (at != 4).then(|| hash(&pretty(document)).to_vec());
        assert_eq!(row.current_hash, theirs, "{at}");
        assert!(at == 4 || row.previous_hash == theirs, "{at}");
    }
    let again = place.play(["submit", "--json"]).well().json();
    assert_eq!(again["submitted"]["requests"], 0, "{again}");
    let status = place.run(["status", "--json"]).well().json();
    assert_eq!(status["states"]["sent"], 10, "{status}");
}

#[test]
fn a_table_without_legacy_id_is_sent() {
    let dfe = Dfe::start();
    let postgres = TABLE.replace("    legacy_id NVARCHAR(36) NULL,\n", "");
    assert!(postgres.len() < TABLE.len());
    let filled = Filled::new(dfe.addr(), Way::Replace, &postgres);
    for (child, document) in filled.some(5) {
        filled.first(&child, &document.to_string());
    }
    assert_eq!(filled.place.play(["submit", "--json"]).well().json()["submitted"]["sent"], 5);
    assert_eq!(dfe.children().len(), 5);
    // To fill it oneself takes the column.
    filled.place.reconfigure("managed_by = \"sql\"", "managed_by = \"csc-bridge\"");
    let before = filled.place.table(STAGING);
    filled.place.play(["stage"]).fails(1, &["has no column legacy_id"]);
    assert!(filled.place.table(STAGING) == before);
}

#[test]
fn of_several_rows_of_a_child_the_one_written_last_counts() {
    let dfe = Dfe::start();
    let filled = Filled::new(dfe.addr(), Way::Replace, TABLE);
    let place = &filled.place;
    let children = filled.some(7);
    // For each child an older and a newer row, as the PostgreSQL variant of the builder leaves them.
    let mut ids = Vec::new();
    for (child, document) in &children {
        let old = filled.first(child, &changed(document, "/child_details/sex", json!("U")).to_string());
        ids.push((old, filled.first(child, &document.to_string())));
    }
    let set = |id: i64, sql: &str| place.sql(&format!("UPDATE {STAGING} SET {sql} WHERE id = {id}"));
    place.sql(&format!("UPDATE {STAGING} SET last_updated = '2026-01-01 10:00:00'"));
    // 0: alike but for the id. 1: the higher id is the older. 2: three rows. 3: the newest was sent. 4: the newest is deleted.
    // 5: the newest was refused. 6: two of them, the newest without a time.
    set(ids[1].0, "last_updated = '2026-02-01 10:00:00'");
    let third = filled.first(&children[2].0, &children[2].1.to_string());
    set(third, "last_updated = '2026-01-02 10:00:00'");
    set(ids[3].1, "submission_status = 'sent', row_state = 'unchanged'");
    set(ids[4].1, "row_state = 'Deleted'");
    set(ids[5].1, "submission_status = 'error'");
    set(ids[6].1, "last_updated = NULL");
    let sent = [ids[0].1, ids[1].0, third, ids[5].1, ids[6].0];
    let others: Vec<i64> = ids.iter().flat_map(|(old, new)| [*old, *new]).filter(|id| !sent.contains(id)).collect();
    let before: Vec<Vec<Sql>> = others.iter().map(|id| filled.whole_row(*id)).collect();
    // Older rows that ask to be sent: 0, 1, two of 2, 3, 4, 5, and 6.
    let superseded = 8;

    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], 5, "{report}");
    assert_eq!(report["submitted"]["left_pending"], 0, "{report}");
    let finding =
        json!([{ "rule": "staging.duplicate_rows", "severity": "warning", "count": superseded, "example": null }]);
    assert_eq!(report["findings"], finding, "{report}");
    assert_eq!(dfe.stats().records, 5);
    for (at, sex) in [(0, None), (1, Some("U")), (2, None), (5, None), (6, Some("U"))] {
        let (child, document) = &children[at];
        let wanted = sex.map_or(document.clone(), |sex| changed(document, "/child_details/sex", json!(sex)));
        assert_eq!(dfe.children().get(child), Some(&wanted), "{at}");
    }
    for (id, before) in others.iter().zip(&before) {
        assert_eq!(&filled.whole_row(*id), before, "row {id}");
    }
    for id in sent {
        assert_eq!(place.text(&format!("SELECT submission_status FROM {STAGING} WHERE id = {id}")), "sent", "row {id}");
    }
    let again = place.play(["submit", "--json"]).well().json();
    assert_eq!(again["submitted"]["requests"], 0, "{again}");
    assert_eq!(again["findings"][0]["count"], superseded, "{again}");

    // To take such a table over, somebody has to say which row counts.
    place.reconfigure("managed_by = \"sql\"", "managed_by = \"csc-bridge\"");
    place.play(["stage"]).fails(1, &["more rows than children"]);
    place.play(["submit"]).fails(1, &["more rows than children"]);
}

#[test]
fn ids_of_every_length_found_are_sent() {
    let api = Api::taking();
    let filled = Filled::new(api.addr(), Way::Replace, TABLE);
    let ids: Vec<String> = [1, 20, 36, 48].into_iter().map(|length| "7".repeat(length)).collect();
    for id in &ids {
        filled.first(id, &pretty(&json!({ "la_child_id": id, "child_details": { "sex": "F" }, "purge": false })));
    }
    // A fixed width in the database is no part of the id.
    filled.first("  padded-1  ", &json!({ "la_child_id": "padded-1", "purge": false }).to_string());
    let report = filled.place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], 5, "{report}");
    let mut sent: Vec<String> =
        api.documents().iter().map(|document| document["la_child_id"].as_str().expect("an id").to_owned()).collect();
    sent.sort();
    let mut wanted = ids.clone();
    wanted.push("padded-1".to_owned());
    wanted.sort();
    assert_eq!(sent, wanted);
    assert_eq!(filled.place.count("sent"), 5);
    // The builder cuts ids in its documents at twenty characters: such a document is about nobody.
    let long = "8".repeat(36);
    filled.first(&long, &json!({ "la_child_id": &long[..20], "purge": false }).to_string());
    assert_eq!(filled.place.play(["submit"]).code, Some(3));
    assert_eq!(api.documents().len(), 5);
    assert_eq!(filled.place.row(&long).status, "error");
}

#[test]
fn deleted_rows_that_their_builder_never_clears_are_never_sent_and_never_purged() {
    for way in [Way::Replace, Way::MergeFull, Way::MergePartial] {
        let api = Api::taking();
        let filled = Filled::new(api.addr(), way, TABLE);
        let children = filled.some(6);
        for (child, document) in &children {
            filled.first(child, &document.to_string());
        }
        let out: Vec<&str> = children[..4].iter().map(|(child, _)| child.as_str()).collect();
        for (child, (status, state)) in out.iter().zip([
            ("Pending", "Deleted"),
            ("error", "deleted"),
            ("pending", "DELETED"),
            ("Pending", " Left "),
        ]) {
            let outgoing = json!({ "la_child_id": child, "purge": true });
            filled.place.sql(&format!(
                "UPDATE {STAGING} SET submission_status = '{status}', row_state = '{state}', previous_json_payload =
                 json_payload, previous_hash = current_hash, partial_json_payload = '{outgoing}' WHERE person_id = '{child}'"
            ));
        }
        let before: Vec<_> = out.iter().map(|child| filled.place.row(child)).collect();
        for night in 0..3 {
            let report = filled.place.play(["submit", "--json"]).well().json();
            assert_eq!(report["submitted"]["purged"], 0, "{report}");
            assert_eq!(report["submitted"]["sent"], if night == 0 { 2 } else { 0 }, "{way:?}: {report}");
            // They are marked again every night.
            filled
                .place
                .sql(&format!("UPDATE {STAGING} SET last_updated = CURRENT_TIMESTAMP WHERE row_state LIKE '%eleted'"));
        }
        assert!(
            !api.documents().iter().any(|document| out.contains(&document["la_child_id"].as_str().expect("an id")))
        );
        for (child, before) in out.iter().zip(before) {
            let row = filled.place.row(child);
            assert_eq!(
                (row.says(), &row.held, &row.outgoing),
                (before.says(), &before.held, &before.outgoing),
                "{way:?}"
            );
        }
    }
}
