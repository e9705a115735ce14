//! The database gone between an answer and its record, and back: what was sent is unsure, goes out again in full, and then all is
//! as the SSD says. SQLite's way to be gone is a lock that lasts longer than the program waits; a server's is in the tests of its own.

use std::process::Stdio;
use std::time::Duration;

use csc_bridge_dfe_csc_simulator::{Faults, Latency, Settings};

use crate::program::{DAY, Dfe, Place, STAGING, Working};
use crate::staged::open_intents;

#[test]
fn a_database_gone_between_answer_and_record_sends_again_in_full_and_converges() {
    let dfe = Dfe::with(Settings {
        faults: Faults { latency: Some(Latency::Fixed(Duration::from_millis(400))), ..Faults::default() },
        ..Settings::default()
    });
    let place = Place::filled(dfe.addr(), 150);
    place.play(["stage"]).well();
    let all = place.count("pending");
    place.set("sink", "max_records = 25\nconcurrency = 2");
    place.reconfigure("lock_timeout = \"10s\"", "lock_timeout = \"300ms\"");

    let mut command = place.command(["submit", "--run-date", DAY]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Working(command.spawn().expect("the program starts"));
    // Two requests are on their way, and their intents are committed.
    while dfe.stats().requests < 2 {
        assert!(process.0.try_wait().expect("its state").is_none(), "the program ended before it sent anything");
        std::thread::sleep(Duration::from_millis(5));
    }
    let gone = place.database();
    gone.execute_batch("BEGIN IMMEDIATE").expect("the writer's lock");
    let mut stderr = String::new();
    std::io::Read::read_to_string(process.0.stderr.as_mut().expect("a pipe"), &mut stderr).expect("UTF-8");
    let code = process.0.wait().expect("its end").code();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("locked") && stderr.contains("what to do"), "{stderr}");
    gone.execute_batch("ROLLBACK").expect("the database is back");

    // DfE has the children, nothing here says so, and the log knows that it does not know. Two batches were in flight, and two more had
    // their intents open.
    let (arrived, open) = (dfe.children().len() as i64, open_intents(&place));
    assert!((50..=100).contains(&arrived) && open >= arrived, "{arrived} arrived, {open} are open: {stderr}");
    assert_eq!(place.count("sent"), 0, "{stderr}");
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["sent"], all - open);
    place.age_intents();
    let last = place.play(["submit", "--json"]).well().json();
    assert_eq!((&last["recovered"]["unsure"], &last["submitted"]["full"]), (&open.into(), &open.into()), "{last}");
    assert_eq!((place.count("sent"), open_intents(&place)), (all, 0));
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE json_payload <> previous_json_payload")), 0);
    place.converged(&dfe);
}
