//! A run that dies, at whatever moment: the next one goes on, sends nothing twice without need, and DfE holds what the SSD says.

use std::process::Stdio;
use std::time::Duration;

use crate::program::{DAY, Dfe, Place, STAGING, Working};

#[test]
fn a_run_killed_at_any_moment_is_mended_by_the_next() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 600);
    place.reconfigure("max_attempts    = 2", "max_attempts = 2\nmax_records = 10");
    let mut killed_while_sending = 0;
    for round in 0..12 {
        place.play(["mutate", "--percent", "20", "--seed", &round.to_string()]).well();
        let mut run = place.command(["run", "--run-date", DAY]);
        let spawned = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut run = Working(spawned.expect("the program starts"));
        // At first while it stages, then while it sends, after ever more requests.
        let requests = dfe.stats().requests;
        match round {
            0..3 => std::thread::sleep(Duration::from_millis(80 * round)),
            _ => {
                while dfe.stats().requests < requests + round - 2 && run.0.try_wait().expect("its state").is_none() {
                    std::thread::yield_now();
                }
            }
        }
        run.0.kill().expect("its end");
        run.0.wait().expect("its end");
        let open = place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'ssd_api_submission_log'") > 0
            && place.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL") > 0;
        killed_while_sending += u32::from(open);
        whole(&place, &dfe);
        if open && round % 2 == 0 {
            place.age_intents();
        }
    }
    assert!(killed_while_sending > 0, "no run was killed with a request open");
    place.age_intents();
    place.play(["run"]).well();
    place.converged(&dfe);
    assert_eq!((place.count("pending"), place.count("error")), (0, 0));
    assert_eq!(place.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL"), 0);
    let requests = dfe.stats().requests;
    place.play(["run"]).well();
    assert_eq!(dfe.stats().requests, requests, "there is nothing left to send");
}

/// What must hold at any moment: a row that says DfE holds a document is right, unless a request is open for it or it is unsure.
fn whole(place: &Place, dfe: &Dfe) {
    if place.number(&format!("SELECT COUNT(*) FROM sqlite_schema WHERE name = '{STAGING}'")) == 0 {
        return;
    }
    let held = dfe.children();
    let database = place.database();
    let mut rows = database
        .prepare(&format!(
            "SELECT person_id, previous_json_payload FROM {STAGING} WHERE previous_json_payload IS NOT NULL
             AND previous_hash <> zeroblob(32) AND person_id NOT IN
             (SELECT person_id FROM ssd_api_submission_log WHERE outcome IS NULL)"
        ))
        .expect("a query");
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).expect("rows");
    for (child, document) in rows.map(|row| row.expect("a row")) {
        let document = serde_json::from_str(&document).expect("JSON");
        assert!(held.get(&child) == Some(&document), "DfE holds something else of {child} than its row says");
    }
}
