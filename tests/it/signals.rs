//! A signal: what is in flight is finished and recorded, nothing new is begun, and the next run goes on from there. A second one ends
//! the program at once. On Windows a signal goes to every program of a console, so there these tests run alone and one by one, in a console
//! of their own: `tools/windows.sh test`.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Latency, RetryAfter, Settings};
use serde_json::Value;

use crate::program::{DAY, Dfe, Ended, NOBODY, Place, STAGING, Working};
use crate::staged::{open_intents, staged};

/// Starts a command that will be sent signals.
fn start(place: &Place, args: &[&str]) -> Working {
    let mut command = place.command(args);
    command.args(["--run-date", DAY]).stdout(Stdio::piped()).stderr(Stdio::piped());
    Working(command.spawn().expect("the program starts"))
}

#[cfg(unix)]
fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), process.id().to_string()]).status();
    assert!(sent.expect("kill").success(), "the program had ended already");
}

/// Ctrl-C for INT, Ctrl-Break for TERM.
#[cfg(windows)]
fn signal(_: &Child, name: &str) {
    use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

    /// Who listens is not ended by it.
    static HEARD: std::sync::OnceLock<(tokio::runtime::Runtime, CtrlC, CtrlBreak)> = std::sync::OnceLock::new();
    HEARD.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let context = runtime.enter();
        let heard = (ctrl_c().expect("a listener"), ctrl_break().expect("a listener"));
        drop(context);
        (runtime, heard.0, heard.1)
    });
    let program = std::env::var_os("CSC_BRIDGE_TEST_CONSOLE_EVENT").expect("tools/windows.sh test names the program");
    let sent = Command::new(program).arg(if name == "INT" { "0" } else { "1" }).status();
    assert!(sent.expect("console-event").success(), "there is no console");
}

/// Waits until something has happened, as long as the program is at work.
fn wait(process: &mut Working, what: &str, mut happened: impl FnMut() -> bool) {
    while !happened() {
        assert!(process.0.try_wait().expect("its state").is_none(), "the program ended before: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn end(mut process: Working) -> Ended {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    // Both are short: neither pipe fills while the other is read.
    process.0.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("UTF-8");
    process.0.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    let code = process.0.wait().expect("its end").code();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { code, stdout, stderr }
}

/// Waits until the program says that it heard the first signal.
fn heard(process: &mut Working) {
    let stderr = process.0.stderr.as_mut().expect("a pipe");
    let (mut said, mut byte) = (String::new(), [0]);
    while !said.contains("once more ends the program at once") {
        assert_eq!(stderr.read(&mut byte).expect("its words"), 1, "the program ended: {said}");
        said.push(char::from(byte[0]));
    }
}

fn slow(latency: Duration) -> Dfe {
    Dfe::with(Settings { latency, ..Settings::default() })
}

fn well(dfe: &Dfe) {
    let faults = Faults { latency: Some(Latency::Fixed(Duration::ZERO)), ..Faults::default() };
    dfe.running().set_faults(faults).expect("faults");
}

/// Everything was received, and this is how many were received more than once.
fn received_twice(place: &Place, dfe: &Dfe) -> usize {
    let received = dfe.running().received("845");
    assert_eq!(received.len() as i64, place.number(&format!("SELECT COUNT(*) FROM {STAGING}")), "children are missing");
    let held = dfe.children();
    for (child, document) in &held {
        assert_eq!(&place.row(child).document, document, "DfE holds something else");
    }
    received.values().filter(|received| received.applied > 1).count()
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_signal_finishes_what_is_in_flight_and_the_next_run_sends_the_rest() {
    for name in ["INT", "TERM"] {
        let dfe = slow(Duration::from_millis(300));
        let place = staged(dfe.addr(), 200);
        place.set("sink", "max_records = 10");
        let mut run = start(&place, &["submit", "--json"]);
        wait(&mut run, "two requests are in flight", || dfe.stats().requests >= 4);
        let before = dfe.stats().requests;
        signal(&run.0, name);
        let ended = end(run);
        ended.fails(1, &["asked to end"]);
        let report = ended.json();
        assert_eq!(report["stopped"], "signal", "{name}: {report}");
        // Those in flight, and what was about to leave when the signal came.
        assert!(
            dfe.stats().requests <= before + 2,
            "{name}: {} requests after the signal",
            dfe.stats().requests - before
        );
        let sent = report["submitted"]["sent"].as_i64().expect("a number");
        assert_eq!((sent, sent), (dfe.running().received("845").len() as i64, place.count("sent")), "{name}: {report}");
        assert_eq!(sent, 10 * dfe.stats().requests as i64, "{name}: what was in flight was not finished");
        assert_eq!(place.count("pending"), 200 - sent, "{name}");
        assert_eq!(report["submitted"]["left_pending"], 200 - sent, "{name}");
        assert_eq!(open_intents(&place), 0, "{name}");
        let status = place.run(["status", "--json"]).well().json();
        assert_eq!(status["last_run"]["exit_code"], 1, "{name}: {status}");

        well(&dfe);
        let report = place.play(["submit", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], 200 - sent, "{name}: {report}");
        assert_eq!(received_twice(&place, &dfe), 0, "{name}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_second_signal_ends_the_program_at_once_and_a_later_run_takes_up_what_was_in_flight() {
    for (fault, arrived) in [(FaultKind::HangBefore, 0), (FaultKind::HangAfter, 20)] {
        let dfe = Dfe::with(Settings {
            faults: Faults { faults: vec![Fault::requests([3, 4], fault.clone())], ..Faults::default() },
            ..Settings::default()
        });
        let place = staged(dfe.addr(), 200);
        place.set("sink", "max_records = 10");
        let mut run = start(&place, &["submit", "--json"]);
        wait(&mut run, "two requests hang", || dfe.stats().requests == 4 && place.count("sent") == 20);
        let began = Instant::now();
        signal(&run.0, "TERM");
        heard(&mut run);
        signal(&run.0, "INT");
        let ended = end(run);
        assert_eq!(ended.code, Some(130), "{fault:?}: {}", ended.stderr);
        // It would have waited for a minute.
        assert!(began.elapsed() < Duration::from_secs(30), "{fault:?}: {:?}", began.elapsed());
        assert_eq!((place.count("sent"), place.count("pending")), (20, 180), "{fault:?}");
        // What was in flight, and perhaps what waited for its turn with its intents open.
        let open = open_intents(&place);
        assert!((20..=40).contains(&open), "{fault:?}: {open}");

        // Too young to be taken up, then old enough.
        well(&dfe);
        let report = place.play(["submit", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], 180 - open, "{fault:?}: {report}");
        place.age_intents();
        let report = place.play(["submit", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], open, "{fault:?}: {report}");
        assert_eq!(report["recovered"]["unsure"], open, "{fault:?}: {report}");
        assert_eq!((place.count("sent"), open_intents(&place)), (200, 0), "{fault:?}");
        assert_eq!(received_twice(&place, &dfe), arrived, "{fault:?}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_signal_while_staging_leaves_the_staging_table_as_it_was() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 1_500);
    place.play(["run"]).well();
    place.play(["mutate", "--percent", "40"]).well();
    place.set("source", "chunk = 20");
    let before = place.table(STAGING);
    let lock = place.path(&format!("cohort.db.{STAGING}.stage.lock"));
    for command in ["stage", "run"] {
        std::fs::remove_file(&lock).expect("nobody stages");
        let requests = dfe.stats().requests;
        let mut run = start(&place, &[command, "--json"]);
        wait(&mut run, "it stages", || lock.exists());
        signal(&run.0, "TERM");
        let ended = end(run);
        ended.fails(1, &["asked to end"]);
        assert!(place.table(STAGING) == before, "{command}: the staging table changed");
        assert_eq!(dfe.stats().requests, requests, "{command}: something was sent");
    }
    place.play(["run"]).well();
    place.converged(&dfe);
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_signal_ends_a_pause_before_a_retry() {
    let patience = FaultKind::Status {
        code: 429,
        applied: false,
        retry_after: Some(RetryAfter::Seconds(Duration::from_secs(120))),
        body: None,
    };
    let faults = Faults { faults: vec![Fault::rate(1.0, patience)], ..Faults::default() };
    let dfe = Dfe::with(Settings { faults, ..Settings::default() });
    let place = staged(dfe.addr(), 200);
    let before = place.table(STAGING);
    let mut run = start(&place, &["submit", "--json"]);
    wait(&mut run, "both batches pause", || dfe.stats().requests == 2);
    ends_soon(run, &place);
    assert!(place.table(STAGING) == before, "the staging table changed");
    well(&dfe);
    place.play(["submit"]).well();
    assert_eq!(received_twice(&place, &dfe), 0);
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_signal_ends_a_canarys_hold() {
    let dfe = Dfe::with(Settings::default());
    let place = staged(dfe.addr(), 200);
    place.set("canary", "hold = \"2m\"");
    let mut run = start(&place, &["submit", "--canary", "--json"]);
    wait(&mut run, "the first step is done", || place.count("sent") == 10);
    ends_soon(run, &place);
    assert_eq!((place.count("sent"), dfe.stats().requests), (10, 1));
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_signal_ends_the_wait_for_the_next_turn() {
    let dfe = Dfe::with(Settings::default());
    let place = staged(dfe.addr(), 600);
    place.set("sink", "min_interval = \"2m\"");
    let mut run = start(&place, &["submit", "--json"]);
    wait(&mut run, "the first batch is done", || place.count("sent") == 100);
    ends_soon(run, &place);
    assert_eq!((place.count("sent"), dfe.stats().requests), (100, 1));
}

/// Two minutes before its time.
fn ends_soon(run: Working, place: &Place) {
    let began = Instant::now();
    signal(&run.0, "TERM");
    let ended = end(run);
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
    ended.fails(1, &["asked to end"]);
    assert_eq!(ended.json()["stopped"], "signal", "{}", ended.stdout);
    assert_eq!(open_intents(place), 0);
}

#[test]
#[cfg_attr(windows, ignore = "takes a console of its own: tools/windows.sh test")]
fn a_signal_with_nothing_to_do_is_no_failure() {
    // Heard or not, and whenever it comes: the run has nothing to send and nothing to lose.
    let place = staged(NOBODY, 1);
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'sent'"));
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["stopped"], Value::Null, "{report}");
}
