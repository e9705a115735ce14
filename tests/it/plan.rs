//! `plan`: what a run would do and why. Nothing is written, and the run that follows does just that.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::types::Value as Sql;
use serde_json::{Value, json};

use crate::api::Api;
use crate::program::{NOBODY, Place, STAGING, by_child};
use crate::way::{WAYS, Way, asks_to_purge, plain};

/// Every table of the staging's, with every row.
fn tables(place: &Place) -> BTreeMap<String, Vec<Vec<Sql>>> {
    let database = place.database();
    let mut names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("a query");
    let names = names.query_map([], |row| row.get::<_, String>(0)).expect("names").map(|name| name.expect("a name"));
    names.map(|name| (name.clone(), place.table(&name))).collect()
}

/// Every file of the folder but for the log.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    place.database().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    let entries = fs::read_dir(place.path(".")).expect("the folder").map(|entry| entry.expect("an entry").path());
    let entries = entries.filter(|path| path.is_file());
    entries.map(|path| (path.display().to_string(), fs::read(&path).expect("a file"))).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The plan, which wrote nothing; then the run; then what was sent.
fn plan_and_run(place: &Place, api: &Api, what: &str) -> (Value, Value, Vec<Value>) {
    let (before, count) = (tables(place), api.documents().len());
    let plan = place.play(["plan", "--json"]).well().json();
    assert!(tables(place) == before, "{what}: plan wrote something");
    assert_eq!(api.documents().len(), count, "{what}: plan sent something");
    let ended = place.play(["run", "--json"]);
    (plan, ended.json(), api.documents().split_off(count))
}

/// What the plan foresaw is what the run did.
fn agrees(what: &str, plan: &Value, run: &Value, sent: &[Value]) {
    let (would, did) = (&plan["would_send"], &run["submitted"]);
    for (planned, done) in [("full", "full"), ("partial", "partial"), ("purge", "purged"), ("batches", "batches")] {
        assert_eq!(would[planned], did[done], "{what}, {planned}: {plan} {run}");
    }
    let records = number(&would["full"]) + number(&would["partial"]) + number(&would["purge"]);
    assert_eq!(records, number(&did["sent"]) + number(&did["refused"]), "{what}");
    assert_eq!(records, sent.len() as u64, "{what}");
    let bytes: usize = sent.iter().map(|document| document.to_string().len()).sum();
    assert_eq!(number(&would["bytes"]), bytes as u64, "{what}: bytes");
    assert_eq!(number(&plan["changes"]["purges"]["children"]), number(&did["purged"]), "{what}");
    for key in ["window", "rows", "findings", "guards"] {
        assert_eq!(plan[key], run[key], "{what}: {key}");
    }
    let counts = |report: &Value| {
        let mut counts = report["staged"].clone();
        counts["written"] = json!(null);
        counts
    };
    assert_eq!(counts(plan), counts(run), "{what}");
    assert_eq!(plan["staged"]["written"], 0, "{what}");
}

#[test]
fn before_the_first_run_everything_is_new_and_nothing_is_made() {
    let place = Place::filled(NOBODY, 60);
    let before = files(&place);
    let plan = place.play(["plan", "--json"]).well();
    assert_eq!(plan.stdout.lines().count(), 1);
    let plan = plan.json();
    assert_eq!(plan["dry_run"], true);
    assert_eq!(plan["command"], "plan");
    assert!(number(&plan["staged"]["new"]) > 40, "{plan}");
    assert_eq!(plan["would_send"]["full"], plan["staged"]["new"]);
    assert_eq!(plan["would_send"]["batches"], 1);
    assert_eq!(plan["changes"]["fields"], json!({}), "new children have no changed fields");
    assert!(files(&place) == before, "a file was written");
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'ssd_api%'"), 0);
}

#[test]
fn a_plan_has_the_keys_of_stage_and_its_own() {
    let place = Place::filled(NOBODY, 30);
    let plan = place.play(["plan", "--json"]).well().json();
    let stage = place.play(["stage", "--json"]).well().json();
    for key in stage.as_object().expect("an object").keys() {
        assert!(plan.get(key).is_some(), "{key} is not in {plan}");
    }
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&plan["changes"]), "fields purges retired");
    assert_eq!(keys(&plan["changes"]["purges"]), "children members");
    assert_eq!(keys(&plan["changes"]["retired"]), "children members");
    assert_eq!(keys(&plan["would_send"]), "batches bytes full partial purge");
    let said = place.play(["plan"]).well().stderr;
    assert!(said.contains("Would be sent"), "{said}");
}

/// A working day in which everything happens at once.
fn a_day(way: Way) {
    let api = Api::taking();
    let place = Place::filled(api.addr(), 150);
    way.set(&place);
    place.set("sink", "max_records = 7\nconcurrency = 1");
    place.set("deletions", "gone = \"purge\"\nleft = \"purge\"\ngrace = \"0s\"");
    let (plan, run, sent) = plan_and_run(&place, &api, "the first run");
    agrees("the first run", &plan, &run, &sent);

    place.play(["mutate", "--percent", "20"]).well();
    // Two gone for good, one set pending by hand, three in error, one unsure.
    let ids: Vec<String> = (20..27).map(|at| place.child(at)).collect();
    place.sql(&format!("DELETE FROM ssd_person WHERE TRIM(pers_person_id) IN ('{}', '{}')", ids[0], ids[1]));
    let to = |status: &str, child: &str| {
        place.sql(&format!("UPDATE {STAGING} SET submission_status = '{status}' WHERE person_id = '{child}'"));
    };
    to("pending", &ids[2]);
    ids[3..6].iter().for_each(|child| to("error", child));
    place.sql(&format!("UPDATE {STAGING} SET previous_hash = zeroblob(32) WHERE person_id = '{}'", ids[6]));
    let (plan, run, sent) = plan_and_run(&place, &api, &format!("{way:?}, a day"));
    assert!(number(&plan["would_send"]["purge"]) >= 2, "{plan}");
    assert!(number(&plan["staged"]["updated"]) > 10, "{plan}");
    assert_eq!(number(&plan["would_send"]["partial"]) > 5, way == Way::MergePartial, "{plan}");
    assert!(!plan["changes"]["fields"].as_object().expect("fields").is_empty());
    agrees(&format!("{way:?}, a day"), &plan, &run, &sent);

    // With everything staged already the plan of the sending is the same.
    place.play(["mutate", "--percent", "20", "--seed", "2"]).well();
    place.play(["stage"]).well();
    let (plan, run, sent) = plan_and_run(&place, &api, &format!("{way:?}, staged"));
    assert_eq!(run["staged"]["updated"], 0);
    assert_eq!(number(&plan["would_send"]["partial"]) > 5, way == Way::MergePartial, "{plan}");
    agrees(&format!("{way:?}, staged"), &plan, &run, &sent);

    let (plan, run, sent) = plan_and_run(&place, &api, &format!("{way:?}, nothing"));
    assert_eq!(plan["would_send"], json!({ "full": 0, "partial": 0, "purge": 0, "batches": 0, "bytes": 0 }));
    agrees(&format!("{way:?}, nothing"), &plan, &run, &sent);
}

#[test]
fn a_run_does_what_was_planned_where_dfe_replaces() {
    a_day(Way::Replace);
}

#[test]
fn a_run_does_what_was_planned_where_dfe_merges() {
    a_day(Way::MergeFull);
}

#[test]
fn a_run_does_what_was_planned_of_partial_documents() {
    a_day(Way::MergePartial);
}

#[test]
fn changed_fields_and_lost_records_are_counted_by_name() {
    for way in WAYS {
        let api = Api::taking();
        let place = Place::filled(api.addr(), 100);
        way.set(&place);
        place.play(["run"]).well();
        let some = |from: usize, to: usize| -> String {
            let ids: Vec<String> = (from..to).map(|at| format!("'{}'", place.child(at))).collect();
            ids.join(", ")
        };
        place.sql(&format!(
            "UPDATE ssd_person SET pers_surname = 'Another' WHERE TRIM(pers_person_id) IN ({});
             UPDATE ssd_person SET pers_forename = 'Another' WHERE TRIM(pers_person_id) IN ({})",
            some(0, 5),
            some(3, 11),
        ));
        // One child in need plan is gone from the SSD: one that a document has.
        let has_plan = "FROM ssd_api_data_staging t, json_each(t.json_payload, '$.social_care_episodes') e,
                        json_each(e.value, '$.child_in_need_plans') p";
        let gone = place.text(&format!(
            "SELECT json_extract(p.value, '$.child_in_need_plan_id') {has_plan} WHERE t.id > 20 ORDER BY t.id LIMIT 1"
        ));
        place.sql(&format!("DELETE FROM ssd_cin_plans WHERE TRIM(cinp_cin_plan_id) = '{gone}'"));
        let (plan, _, sent) = plan_and_run(&place, &api, "fields");
        let fields = &plan["changes"]["fields"];
        assert_eq!(fields["child_details.surname"], 5, "{way:?}: {fields}");
        assert_eq!(fields["child_details.first_name"], 8, "{way:?}: {fields}");
        let list = "social_care_episodes[].child_in_need_plans[]";
        let path = fields.as_object().expect("fields").keys().find(|path| path.contains("child_in_need_plans"));
        let path = path.unwrap_or_else(|| panic!("{list} is not in {fields}"));
        assert_eq!(fields[path], 1, "{way:?}: {fields}");
        assert_eq!(plan["changes"]["purges"], json!({ "children": 0, "members": { path.as_str(): 1 } }), "{way:?}");
        assert_eq!(plan["changes"]["retired"], json!({ "children": 0, "members": 0 }), "{way:?}");
        let purging = sent.iter().filter(|document| asks_to_purge(document)).count();
        assert_eq!(purging, usize::from(way != Way::Replace), "{way:?}");
    }
}

#[test]
fn what_retires_is_counted_and_not_purged() {
    for way in WAYS {
        let api = Api::taking();
        let place = Place::filled(api.addr(), 200);
        way.set(&place);
        place.run(["run", "--run-date", "2027-03-31"]).well();
        let plan = place.run(["plan", "--json", "--run-date", "2027-04-01"]).well().json();
        let run = place.run(["run", "--json", "--run-date", "2027-04-01"]).well().json();
        assert_eq!(plan["changes"]["retired"]["children"], run["staged"]["left"], "{way:?}");
        assert!(number(&run["staged"]["left"]) > 0, "{way:?}");
        // Who merges keeps what retired, so nothing needs saying of most of it.
        if way == Way::Replace {
            assert!(number(&plan["changes"]["retired"]["members"]) > 5, "{plan}");
        }
        assert_eq!(plan["changes"]["purges"], json!({ "children": 0, "members": {} }), "{way:?}");
    }
}

/// A child's two documents.
fn both(place: &Place, child: &str) -> Value {
    let shown = place.play(["payload", "--child", child, "--partial"]).well().stdout;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let keys: Vec<&String> = shown.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["full", "partial"]);
    shown
}

#[test]
fn the_partial_document_is_shown_beside_the_full_one() {
    for way in WAYS {
        let api = Api::taking();
        let place = Place::filled(api.addr(), 60);
        way.set(&place);
        place.play(["stage"]).well();
        let child = place.child(7);
        let documents = place.documents();
        assert_eq!(
            both(&place, &child),
            json!({ "full": documents[&child], "partial": null }),
            "DfE holds nothing of it"
        );
        place.play(["run"]).well();
        assert_eq!(both(&place, &child)["partial"], Value::Null, "nothing changed");

        place.sql(&format!("UPDATE ssd_person SET pers_surname = 'Another' WHERE TRIM(pers_person_id) = '{child}'"));
        let before = tables(&place);
        let shown = both(&place, &child);
        assert!(tables(&place) == before, "something was written");
        assert_eq!(shown["full"]["child_details"]["surname"], "Another");
        let partial = &shown["partial"];
        assert_eq!(partial["la_child_id"], child.as_str(), "{way:?}");
        assert_eq!(plain(partial["child_details"].clone()), plain(shown["full"]["child_details"].clone()), "{way:?}");
        assert!(partial.get("social_care_episodes").is_none(), "{way:?}: {partial}");
        // What is shown is what is sent, where partial documents are.
        let count = api.documents().len();
        place.play(["run"]).well();
        let sent = api.documents().split_off(count);
        assert_eq!(sent.len(), 1);
        if way == Way::MergePartial {
            assert_eq!(&sent[0], partial);
        }
        // Of all children, one a line.
        let all = place.play(["payload", "--all", "--partial", "--quiet"]).well().stdout;
        let full: String = all
            .lines()
            .map(|line| format!("{}\n", serde_json::from_str::<Value>(line).expect("JSON")["full"]))
            .collect();
        assert_eq!(by_child(&full), place.documents());
    }
}
