//! The server gone between an answer and its record, and back: what was sent is unsure, goes out again in full, and then all is as the
//! SSD says.

use std::process::Stdio;
use std::time::Duration;

use csc_bridge_dfe_csc_simulator::{Faults, Latency, Settings};

use super::authority::{Authority, own_server};
use crate::crashes::end;
use crate::program::{DAY, Dfe, STAGING, Working};

#[test]
fn a_server_gone_between_answer_and_record_sends_again_in_full_and_converges() {
    let Some(server) = own_server() else { return };
    let dfe = Dfe::with(Settings {
        faults: Faults { latency: Some(Latency::Fixed(Duration::from_millis(600))), ..Faults::default() },
        ..Settings::default()
    });
    let authority = Authority::filled(&server, dfe.addr(), 150);
    let place = &authority.place;
    place.play(["stage"]).well();
    let all = authority.count("pending");
    place.set("sink", "max_records = 25\nconcurrency = 2");

    let mut command = place.command(["submit", "--run-date", DAY]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Working(command.spawn().expect("the program starts"));
    // Two requests are on their way, and their intents are committed.
    while dfe.stats().requests < 2 {
        assert!(process.0.try_wait().expect("its state").is_none(), "the program ended before it sent anything");
        std::thread::sleep(Duration::from_millis(5));
    }
    server.stop();
    let ended = end(&mut process);
    ended.fails(5, &["the connection to the PostgreSQL database", "was lost"]);
    // Nor is a server that is not there anything but unreachable.
    place.play(["submit"]).fails(5, &["cannot be reached"]);
    server.start_again();

    // DfE has the children, nothing here says so, and the log knows that it does not know.
    let arrived = dfe.children().len() as i64;
    // Two batches were in flight, and two more had their intents open.
    let open = authority.open_intents();
    assert!((50..=100).contains(&arrived) && open >= arrived, "{arrived} arrived, {open} are open: {}", ended.stderr);
    assert_eq!(authority.count("sent"), 0, "{}", ended.stderr);
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["sent"], all - open);
    authority.age_intents();
    let last = place.play(["submit", "--json"]).well().json();
    assert_eq!((&last["recovered"]["unsure"], &last["submitted"]["full"]), (&open.into(), &open.into()), "{last}");
    assert_eq!(authority.count("sent"), all);
    let differ = format!("SELECT COUNT(*) FROM {STAGING} WHERE json_payload <> previous_json_payload");
    assert_eq!(authority.number(&differ), 0);
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
}
