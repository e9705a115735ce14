//! Children out of the cohort, from the night they go to what an accepted purge leaves behind, for a DfE that replaces and for one
//! that merges.

use serde_json::{Value, json};

use crate::api::{Api, Reply, took};
use crate::program::{Dfe, Place, STAGING};
use crate::way::{WAYS, Way, converged, held};

/// What asks DfE to remove a child.
pub fn form(document: &Value) -> Value {
    let mut form = json!({ "la_child_id": document["la_child_id"], "purge": true });
    if let Some(id) = document.get("mis_child_id") {
        form["mis_child_id"] = id.clone();
    }
    form
}

/// A cohort that DfE holds, with these keys in `[deletions]`.
pub fn sent(way: Way, api: std::net::SocketAddr, deletions: &str) -> Place {
    let place = Place::filled(api, 40);
    way.set(&place);
    place.set("deletions", deletions);
    // One child of forty is a great part of some tables.
    place.set("guards", "max_table_drop = { share = 1.0, count = 0 }");
    place.play(["run"]).well();
    place.sql("CREATE TABLE away AS SELECT * FROM ssd_person");
    place
}

/// The child is no longer in `ssd_person`.
pub fn goes(place: &Place, child: &str) {
    place.sql(&format!("DELETE FROM ssd_person WHERE TRIM(pers_person_id) = '{child}'"));
}

/// The child is too old by now.
pub fn leaves(place: &Place, child: &str) {
    place.sql(&format!(
        "UPDATE ssd_person SET pers_dob = '1980-01-01', pers_expected_dob = NULL WHERE TRIM(pers_person_id) = '{child}'"
    ));
}

pub fn comes_back(place: &Place, child: &str) {
    goes(place, child);
    place.sql(&format!("INSERT INTO ssd_person SELECT * FROM away WHERE TRIM(pers_person_id) = '{child}'"));
}

pub fn comes_back_changed(place: &Place, child: &str) {
    comes_back(place, child);
    place.sql(&format!("UPDATE ssd_person SET pers_forename = 'Returned' WHERE TRIM(pers_person_id) = '{child}'"));
}

/// So many days pass for a row, by the database's clock.
pub fn days_pass(place: &Place, child: &str, days: u32) {
    place.sql(&format!(
        "UPDATE {STAGING} SET last_updated = strftime('%Y-%m-%d %H:%M:%f', last_updated, '-{days} days')
         WHERE person_id = '{child}'"
    ));
}

pub fn pending_by_hand(place: &Place, child: &str) {
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE person_id = '{child}'"));
}

/// A run that sends nothing.
pub fn sends_nothing(place: &Place, dfe: &Dfe) -> Value {
    let requests = dfe.stats().requests;
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(dfe.stats().requests, requests, "{report}");
    report
}

/// A run that sends one purge and nothing else.
pub fn sends_a_purge(place: &Place, dfe: &Dfe) {
    let records = dfe.stats().records;
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["submitted"]["purged"], 1, "{report}");
    assert_eq!(report["submitted"]["sent"], 1, "{report}");
    assert_eq!(dfe.stats().records, records + 1);
}

/// From the night the child goes to a year after its purge.
fn marked_then_purged(way: Way, go: impl Fn(&Place, &str), state: &str) {
    let dfe = way.dfe();
    let place = sent(way, dfe.addr(), "gone = \"purge\"\nleft = \"purge\"");
    let child = place.child(5);
    let before = place.row(&child);
    go(&place, &child);

    let report = sends_nothing(&place, &dfe);
    assert_eq!(report["staged"][if state == "deleted" { "gone" } else { "left" }], 1, "{report}");
    let marked = place.row(&child);
    assert_eq!(marked.says(), ("sent", state), "{way:?}");
    assert_eq!(marked.held, before.held, "{way:?}");
    assert!(marked.last_updated > before.last_updated);

    // Not every night.
    assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0);
    assert_eq!(place.row(&child), marked, "{way:?}");
    days_pass(&place, &child, 6);
    assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0);
    // Nor is it the run date that counts.
    place.run(["run", "--run-date", "2027-02-19"]).well();
    assert!(dfe.children().contains_key(&child), "{way:?}: the grace is the database clock's");
    place.play(["run"]).well();

    days_pass(&place, &child, 1);
    let since = place.row(&child).last_updated;
    place.play(["stage"]).well();
    let staged = place.row(&child);
    assert_eq!(staged.says(), ("pending", state), "{way:?}");
    assert_eq!(staged.outgoing, Some(form(&before.document)), "{way:?}");
    assert_eq!(staged.last_updated, since, "staging the purge moved last_updated");
    assert_eq!(place.play(["stage", "--json"]).well().json()["staged"]["written"], 0, "it is staged once");
    sends_a_purge(&place, &dfe);
    assert!(!dfe.children().contains_key(&child), "{way:?}");

    let purged = place.row(&child);
    assert_eq!(purged.says(), ("sent", state), "{way:?}");
    assert_eq!((purged.held, purged.previous_hash, purged.current_hash), (None, None, None), "{way:?}");
    assert_eq!((purged.document, purged.outgoing), (form(&before.document), None), "{way:?}");
    assert!(purged.response.is_some_and(|receipt| !receipt.is_empty()));
    assert_eq!(purged.last_updated, since, "{way:?}");
    for days in [0, 30, 335] {
        days_pass(&place, &child, days);
        assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0, "{way:?}, {days}");
    }
    converged(&place, &dfe);
}

#[test]
fn a_child_gone_is_marked_and_purged_after_the_grace() {
    for way in WAYS {
        marked_then_purged(way, goes, "deleted");
    }
}

#[test]
fn a_child_who_left_is_marked_and_purged_after_the_grace() {
    for way in WAYS {
        marked_then_purged(way, leaves, "left");
    }
}

#[test]
fn the_purge_form_is_the_childs_ids_and_purge_and_nothing_else() {
    let api = Api::taking();
    let place = sent(Way::Replace, api.addr(), "gone = \"purge\"\ngrace = \"0s\"");
    let with = |known: &str| {
        let id = format!(
            "SELECT person_id FROM {STAGING} WHERE json_extract(json_payload, '$.mis_child_id') IS {known} NULL"
        );
        place.text(&format!("{id} ORDER BY id LIMIT 1"))
    };
    let (known, unknown) = (with("NOT"), with(""));
    let mis = place.row(&known).document["mis_child_id"].clone();
    goes(&place, &known);
    goes(&place, &unknown);
    let before = api.requests().len();
    place.play(["run"]).well();
    let batches: Vec<String> =
        api.requests().split_off(before).into_iter().filter(|r| !r.is_token()).map(|r| r.body).collect();
    let mut forms = [
        format!("{{\"la_child_id\":\"{known}\",\"mis_child_id\":{mis},\"purge\":true}}"),
        format!("{{\"la_child_id\":\"{unknown}\",\"purge\":true}}"),
    ];
    let one_way = format!("[{}]", forms.join(","));
    forms.reverse();
    assert_eq!(batches.len(), 1);
    assert!([one_way, format!("[{}]", forms.join(","))].contains(&batches[0]), "{}", batches[0]);
    let log = "SELECT COUNT(*) FROM ssd_api_submission_log WHERE kind = 'purge' AND outcome = 'purged'";
    assert_eq!(place.number(log), 2);
}

#[test]
fn mark_is_the_default_and_never_purges() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = sent(way, dfe.addr(), "grace = \"0s\"");
        let (gone, left) = (place.child(3), place.child(4));
        goes(&place, &gone);
        leaves(&place, &left);
        sends_nothing(&place, &dfe);
        for (child, state) in [(&gone, "deleted"), (&left, "left")] {
            days_pass(&place, child, 1000);
            assert_eq!(place.row(child).says(), ("sent", state), "{way:?}");
            assert!(dfe.children().contains_key(child), "{way:?}");
        }
        assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0, "{way:?}");
    }
}

#[test]
fn another_reason_begins_the_grace_anew() {
    let dfe = Dfe::start();
    let place = sent(Way::Replace, dfe.addr(), "gone = \"purge\"\nleft = \"purge\"");
    let child = place.child(3);
    goes(&place, &child);
    place.play(["run"]).well();
    days_pass(&place, &child, 6);
    comes_back(&place, &child);
    leaves(&place, &child);
    place.play(["run"]).well();
    assert_eq!(place.row(&child).says(), ("sent", "left"));
    days_pass(&place, &child, 6);
    sends_nothing(&place, &dfe);
    days_pass(&place, &child, 1);
    // Staged for having left; now the child is gone after all, and the seven days begin once more.
    place.play(["stage"]).well();
    assert_eq!(place.row(&child).says(), ("pending", "left"));
    goes(&place, &child);
    sends_nothing(&place, &dfe);
    assert_eq!(place.row(&child).says(), ("withdrawn", "deleted"));
    days_pass(&place, &child, 7);
    sends_a_purge(&place, &dfe);
    assert!(!dfe.children().contains_key(&child));
}

#[test]
fn a_child_of_whom_dfe_holds_nothing_is_withdrawn_and_never_purged() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = Place::filled(dfe.addr(), 40);
        way.set(&place);
        place.set("deletions", "gone = \"purge\"\ngrace = \"0s\"");
        place.play(["stage"]).well();
        let child = place.child(5);
        goes(&place, &child);
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!(report["submitted"]["purged"], 0, "{report}");
        assert_eq!(report["staged"]["withdrawn"], 1, "{report}");
        assert_eq!(place.row(&child).says(), ("withdrawn", "deleted"), "{way:?}");
        assert!(!dfe.children().contains_key(&child), "{way:?}");
        assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0, "{way:?}");
    }
}

#[test]
fn a_purge_refused_is_in_error_and_tried_again_after_everything_else() {
    let refuses = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let refusing = refuses.clone();
    let api = Api::failing(move |request| {
        let has_purge = request.body.contains("\"purge\":true");
        if has_purge && refusing.load(std::sync::atomic::Ordering::SeqCst) {
            return Reply::Answer(400, r#"{"errors":["[0].purge: not today"]}"#.into());
        }
        took(request.records())
    });
    let place = sent(Way::Replace, api.addr(), "gone = \"purge\"\ngrace = \"0s\"");
    place.set("sink", "concurrency = 1");
    let child = place.child(3);
    let before = place.row(&child);
    goes(&place, &child);
    let ended = place.play(["run", "--json"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.json()["submitted"]["refused"], 1);
    let refused = place.row(&child);
    assert_eq!(refused.says(), ("error", "deleted"));
    assert_eq!((&refused.held, &refused.outgoing), (&before.held, &Some(form(&before.document))));
    assert!(refused.response.is_some_and(|reason| reason.contains("400") && reason.contains("not today")));

    // The others go first, in batches of their own.
    place.sql(&format!(
        "UPDATE ssd_person SET pers_surname = 'Another' WHERE TRIM(pers_person_id) IN ('{}', '{}')",
        place.child(8),
        place.child(9)
    ));
    let count = api.documents().len();
    assert_eq!(place.play(["run"]).code, Some(3));
    let sent: Vec<bool> = api.documents().split_off(count).iter().map(|document| document["purge"] == true).collect();
    assert_eq!(sent, [false, false, true]);
    assert_eq!((place.count("error"), place.count("pending")), (1, 0));
    assert_eq!(place.play(["stage", "--json"]).well().json()["staged"]["written"], 0, "it is staged already");

    refuses.store(false, std::sync::atomic::Ordering::SeqCst);
    place.play(["run"]).well();
    assert_eq!(place.row(&child).says(), ("sent", "deleted"));
    assert_eq!(place.row(&child).held, None);
}

#[test]
fn a_child_back_before_the_purge_was_sent_is_not_purged() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = sent(way, dfe.addr(), "gone = \"purge\"\nleft = \"purge\"\ngrace = \"0s\"");
        let (same, changed) = (place.child(3), place.child(4));
        let before = place.row(&same);
        goes(&place, &same);
        leaves(&place, &changed);
        place.play(["stage"]).well();
        for child in [&same, &changed] {
            assert_eq!(place.row(child).status, "pending", "{way:?}");
            assert!(place.row(child).outgoing.is_some(), "{way:?}");
        }
        comes_back(&place, &same);
        comes_back_changed(&place, &changed);
        let records = dfe.stats().records;
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!(report["staged"]["returned"], 2, "{report}");
        assert_eq!((&report["submitted"]["sent"], &report["submitted"]["purged"]), (&json!(1), &json!(0)), "{report}");
        assert_eq!(dfe.stats().records, records + 1);
        let row = place.row(&same);
        assert_eq!(row.says(), ("sent", "unchanged"), "{way:?}");
        assert_eq!((row.document, row.held, row.outgoing), (before.document, before.held, None), "{way:?}");
        assert_eq!(place.row(&changed).says(), ("sent", "unchanged"), "{way:?}");
        assert_eq!(held(&dfe, &changed).expect("held")["child_details"]["first_name"], "Returned");
        converged(&place, &dfe);
        sends_nothing(&place, &dfe);
    }
}

#[test]
fn a_child_back_after_an_accepted_purge_is_new() {
    for way in WAYS {
        let dfe = way.dfe();
        let place = sent(way, dfe.addr(), "gone = \"purge\"\ngrace = \"0s\"");
        let (same, changed) = (place.child(3), place.child(4));
        goes(&place, &same);
        goes(&place, &changed);
        assert_eq!(place.play(["run", "--json"]).well().json()["submitted"]["purged"], 2, "{way:?}");
        comes_back(&place, &same);
        comes_back_changed(&place, &changed);
        place.play(["stage"]).well();
        for child in [&same, &changed] {
            assert_eq!(place.row(child).says(), ("pending", "new"), "{way:?}");
            assert_eq!(place.row(child).held, None, "{way:?}");
        }
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!((&report["submitted"]["sent"], &report["submitted"]["full"]), (&json!(2), &json!(2)), "{report}");
        assert_eq!(place.row(&same).says(), ("sent", "unchanged"), "{way:?}");
        converged(&place, &dfe);
        sends_nothing(&place, &dfe);
    }
}
