//! Children out of the cohort for whom nothing may be sent, or not yet: no purge that `stage` did not stage, or that the policy no
//! longer wants; no live document; nothing for what has only retired.

use crate::api::Api;
use crate::program::{Dfe, Place, STAGING};
use crate::purges::{days_pass, form, goes, leaves, pending_by_hand, sends_a_purge, sends_nothing, sent};
use crate::way::{WAYS, Way, asks_to_purge};

/// What a night may consist of; of where DfE merges only what differs there.
fn commands_of(way: Way) -> &'static [&'static [&'static str]] {
    match way {
        Way::Replace => &[&["submit"], &["run"], &["stage", "submit"]],
        Way::MergeFull => &[&["run"]],
        Way::MergePartial => &[&["submit"]],
    }
}

#[test]
fn a_policy_set_back_to_mark_withdraws_what_was_not_sent() {
    for way in WAYS {
        for commands in commands_of(way) {
            let dfe = way.dfe();
            let place = sent(way, dfe.addr(), "gone = \"purge\"\ngrace = \"7d\"");
            let child = place.child(3);
            goes(&place, &child);
            place.play(["stage"]).well();
            days_pass(&place, &child, 7);
            place.play(["stage"]).well();
            assert_eq!(place.row(&child).says(), ("pending", "deleted"), "{way:?}");
            place.reconfigure("gone = \"purge\"", "gone = \"mark\"");
            let requests = dfe.stats().requests;
            commands.iter().for_each(|command| drop(place.play([command]).well()));
            assert_eq!(dfe.stats().requests, requests, "{way:?}, {commands:?}");
            assert_eq!(place.row(&child).says(), ("withdrawn", "deleted"), "{way:?}, {commands:?}");
            assert_eq!(place.row(&child).outgoing, None, "{way:?}, {commands:?}");
            assert!(dfe.children().contains_key(&child));
            assert_eq!(sends_nothing(&place, &dfe)["staged"]["written"], 0);
            // And to purge again: the child has been out for long enough.
            place.reconfigure("gone = \"mark\"", "gone = \"purge\"");
            sends_a_purge(&place, &dfe);
        }
    }
}

#[test]
fn a_deleted_row_set_pending_by_hand_is_never_sent_as_a_live_document() {
    for way in WAYS {
        for policy in ["mark", "purge"] {
            for commands in commands_of(way) {
                let dfe = way.dfe();
                let place = sent(way, dfe.addr(), &format!("gone = \"{policy}\"\nleft = \"{policy}\""));
                let (gone, left) = (place.child(3), place.child(4));
                goes(&place, &gone);
                leaves(&place, &left);
                place.play(["run"]).well();
                pending_by_hand(&place, &gone);
                pending_by_hand(&place, &left);
                let requests = dfe.stats().requests;
                commands.iter().for_each(|command| drop(place.play([command]).well()));
                assert_eq!(dfe.stats().requests, requests, "{way:?}, {policy}, {commands:?}");
                assert_eq!(place.row(&gone).says(), ("withdrawn", "deleted"), "{way:?}, {policy}, {commands:?}");
                assert_eq!(place.row(&left).says(), ("withdrawn", "left"), "{way:?}, {policy}, {commands:?}");
                sends_nothing(&place, &dfe);
            }
        }
    }
}

#[test]
fn what_somebody_writes_into_the_outgoing_document_of_a_deleted_row_is_no_purge() {
    let dfe = Dfe::start();
    let place = sent(Way::Replace, dfe.addr(), "gone = \"purge\"");
    let (child, other) = (place.child(3), place.child(4));
    goes(&place, &child);
    place.play(["run"]).well();
    for outgoing in [
        "json_payload".to_owned(),
        format!("'{{\"la_child_id\":\"{other}\",\"purge\":true}}'"),
        format!("'{{\"la_child_id\":\"{child}\",\"purge\":true,\"child_details\":{{}}}}'"),
        "'not JSON'".to_owned(),
    ] {
        place.sql(&format!(
            "UPDATE {STAGING} SET submission_status = 'pending', partial_json_payload = {outgoing} WHERE person_id = '{child}'"
        ));
        let requests = dfe.stats().requests;
        place.play(["submit"]).well();
        assert_eq!(dfe.stats().requests, requests, "{outgoing}");
        assert_eq!(place.row(&child).says(), ("withdrawn", "deleted"), "{outgoing}");
    }
    assert!(dfe.children().contains_key(&child) && dfe.children().contains_key(&other));
}

#[test]
fn a_purge_waits_for_the_answer_of_a_request_before_it() {
    let dfe = Dfe::start();
    let place = sent(Way::Replace, dfe.addr(), "gone = \"purge\"\ngrace = \"0s\"");
    let child = place.child(3);
    goes(&place, &child);
    place.sql(&format!(
        "INSERT INTO ssd_api_submission_log (attempt_id, run_id, attempt, person_id, kind, hash_sent, opened_at)
         SELECT 'a', 'r', 1, person_id, 'full', current_hash, strftime('%Y-%m-%d %H:%M:%f', 'now')
         FROM {STAGING} WHERE person_id = '{child}'"
    ));
    sends_nothing(&place, &dfe);
    assert_eq!(place.row(&child).says(), ("sent", "deleted"));
    place.age_intents();
    sends_a_purge(&place, &dfe);
    assert_eq!(place.row(&child).held, None);
    assert!(!dfe.children().contains_key(&child));
}

#[test]
fn on_the_first_of_april_nothing_is_purged() {
    for way in WAYS {
        let api = Api::taking();
        let place = Place::filled(api.addr(), 200);
        way.set(&place);
        place.set("deletions", "gone = \"purge\"\ngrace = \"0s\"");
        let on = |day: &str| place.run(["run", "--json", "--run-date", day]).well().json();
        on("2027-03-31");
        let count = api.documents().len();
        let report = on("2027-04-01");
        assert!(report["staged"]["left"].as_u64() > Some(0), "{way:?}: {report}");
        assert_eq!(report["submitted"]["purged"], 0, "{way:?}: {report}");
        let purging = api.documents().split_off(count).into_iter().filter(asks_to_purge).count();
        assert_eq!(purging, 0, "{way:?}: records that retired were purged");

        // Whoever wants it has it: those who left are purged, those who stay lose nothing.
        place.set("deletions", "left = \"purge\"");
        let count = api.documents().len();
        let again = on("2027-04-01");
        assert_eq!(again["submitted"]["purged"], report["staged"]["left"], "{way:?}: {again}");
        let sent = api.documents().split_off(count);
        assert!(sent.iter().all(|document| *document == form(document)), "{way:?}: {sent:?}");
    }
}
