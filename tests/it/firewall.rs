//! DfE's firewall answers 403 to a batch for one record it dislikes: the others must not wait for it.

use crate::program::{Dfe, Place, STAGING};

/// Gives one referral an id with `0x` in it, which the firewall takes for an attack.
fn dislike(place: &Place, child: &str) {
    place.sql(&format!(
        "INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date)
         VALUES ('REF0x1', '{child}', '2026-01-10 00:00:00')"
    ));
}

fn first_child(place: &Place) -> String {
    place.play(["stage"]).well();
    place.text(&format!("SELECT person_id FROM {STAGING} ORDER BY id LIMIT 1 OFFSET 37"))
}

#[test]
fn one_id_that_the_firewall_dislikes_does_not_hold_the_others_back() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 250);
    place.reconfigure("[sink]", "[sink]\nconcurrency = 1");
    let child = first_child(&place);
    dislike(&place, &child);
    let children = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));

    let run = place.play(["run", "--json"]);
    let report = run.json();
    assert_eq!(report["submitted"]["sent"], children - 1, "{report}");
    assert_eq!(report["stopped"], serde_json::Value::Null, "{report}");
    // Three batches alone; at most two requests a halving to find one in a hundred.
    assert!(report["submitted"]["requests"].as_i64() <= Some(3 + 14), "{report}");
    assert_eq!(dfe.children().len() as i64, children - 1);

    // In the next run the record goes last and something may have passed before: nobody else is touched by it.
    let again = place.play(["run", "--json"]).json();
    assert_eq!(again["submitted"]["sent"], 0, "{again}");
    place.sql("DELETE FROM ssd_cin_episodes WHERE cine_referral_id = 'REF0x1'");
    place.play(["run"]).well();
    place.converged(&dfe);
}

#[test]
fn sixteen_at_once_are_sent_by_a_program_that_never_waits_for_itself() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 400);
    place.reconfigure("[sink]", "[sink]\nconcurrency = 16\nmax_records = 5");
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["submitted"]["left_pending"], 0, "{report}");
    place.converged(&dfe);
}
