//! One bad record among good ones: it alone is kept back, with the reason, and the others are sent.

use crate::program::{Dfe, Place, STAGING};

#[test]
fn a_refused_record_is_in_error_with_the_reason_and_the_others_are_sent() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 150);
    place.play(["stage"]).well();
    let children = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    let child = place.text(&format!("SELECT person_id FROM {STAGING} ORDER BY id LIMIT 1 OFFSET 20"));
    let row = format!("FROM {STAGING} WHERE person_id = '{child}'");
    let good = place.text(&format!("SELECT json_payload {row}"));
    let spoil = format!(
        "UPDATE {STAGING} SET json_payload = json_set(json_payload, '$.child_details.sex', 'Q') WHERE person_id = '{child}'"
    );
    place.sql(&spoil);

    let submit = place.play(["submit", "--json"]);
    assert_eq!(submit.code, Some(3), "{}", submit.stderr);
    let report = submit.json();
    assert_eq!(report["submitted"]["refused"], 1, "{report}");
    assert_eq!(report["submitted"]["sent"], children - 1, "{report}");
    assert_eq!(report["refusals"], serde_json::json!([{ "code": 400, "path": "child_details.sex", "count": 1 }]));
    assert_eq!((place.count("error"), place.count("sent")), (1, children - 1));
    assert_eq!(place.text(&format!("SELECT submission_status {row}")), "error");
    let reason = place.text(&format!("SELECT api_response {row}"));
    assert!(reason.contains("400") && reason.contains("child_details.sex"), "{reason}");
    assert!(!dfe.children().contains_key(&child));
    let status = place.run(["status", "--json"]).well().json();
    assert_eq!(status["states"]["error"], 1);
    assert_eq!(status["last_run"]["exit_code"], 3, "the run log says how the run ended");

    // It is tried again by every run, and holds nobody back.
    assert_eq!(place.play(["submit"]).code, Some(3));
    place
        .database()
        .execute(&format!("UPDATE {STAGING} SET json_payload = ? WHERE person_id = ?"), [&good, &child])
        .expect("a row");
    place.play(["run"]).well();
    place.converged(&dfe);
}

#[test]
fn a_value_mended_in_the_ssd_mends_a_refused_record() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.play(["run"]).well();
    let child = place.text(&format!("SELECT person_id FROM {STAGING} ORDER BY id LIMIT 1 OFFSET 20"));
    place.sql(&format!("UPDATE ssd_person SET pers_surname = 'Before' WHERE TRIM(pers_person_id) = '{child}'"));
    place.play(["stage"]).well();
    place.sql(&format!(
        "UPDATE {STAGING} SET json_payload = json_set(json_payload, '$.child_details.sex', 'Q') WHERE person_id = '{child}'"
    ));
    assert_eq!(place.play(["submit"]).code, Some(3));
    place.sql(&format!("UPDATE ssd_person SET pers_surname = 'After' WHERE TRIM(pers_person_id) = '{child}'"));
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], 1, "{report}");
    assert_eq!(dfe.children()[&child]["child_details"]["surname"], "After");
    place.converged(&dfe);
}

#[test]
fn rows_that_cannot_be_sent_as_they_stand_are_written_anew() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 150);
    place.play(["stage"]).well();
    let children = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    place.sql(&format!(
        "UPDATE {STAGING} SET json_payload = '{{\"la_child_id\": \"cut off' WHERE id = 10;
         UPDATE {STAGING} SET json_payload = '[]' WHERE id = 20;
         UPDATE {STAGING} SET json_payload = (SELECT json_payload FROM {STAGING} WHERE id = 31) WHERE id = 30;"
    ));
    let submit = place.play(["submit", "--json"]);
    assert_eq!(submit.code, Some(3), "{}", submit.stderr);
    let report = submit.json();
    assert_eq!(report["submitted"]["failed"], 3, "{report}");
    assert_eq!(report["submitted"]["sent"], children - 3, "{report}");
    assert_eq!(place.count("error"), 3);
    assert_eq!(place.text(&format!("SELECT api_response FROM {STAGING} WHERE id = 10")), "json_payload is not JSON");
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE current_hash IS NULL")), 3);

    // Sending again alone cannot help; staging again does.
    assert_eq!(place.play(["submit"]).code, Some(3));
    place.play(["stage"]).well();
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], 3, "{report}");
    place.converged(&dfe);
}

#[test]
fn a_run_says_how_many_answers_it_took_up() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.play(["stage"]).well();
    let open = format!(
        "INSERT INTO ssd_api_submission_log (attempt_id, run_id, attempt, person_id, kind, hash_sent, opened_at)
         SELECT 'a', 'r', 1, person_id, 'full', current_hash, '2001-01-01 00:00:00.000' FROM {STAGING} LIMIT 7"
    );
    place.sql(&open);
    assert_eq!(place.run(["status", "--json"]).well().json()["open_intents"], 7);
    let report = place.play(["run", "--json"]).well().json();
    assert_eq!(report["recovered"]["unsure"], 7, "{report}");
    place.converged(&dfe);
}
