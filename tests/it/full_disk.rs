//! A disk that is full under the logs' file.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::fallback::{LOG_FILE, age_intents, in_log, refused};
use crate::program::{DAY, Dfe, Ended, Place, STAGING};

/// The text of a shell script that gives the program's state a disk of its own of so many kilobytes, filled but for `free`.
fn on_a_small_disk(size: u32, free: u32) -> String {
    format!(
        "mkdir -p saved && cp -a state/. saved/ && mount -t tmpfs -o size={size}k tmpfs state && cp -a saved/. state/ &&
         room=$(df -k --output=avail state | tail -1) &&
         if [ $room -gt {free} ]; then dd if=/dev/zero of=state/filler bs=1k count=$((room - {free})) 2>/dev/null; fi;
         \"$@\"; code=$?; rm -f state/filler; rm -rf saved; cp -a state saved; exit $code"
    )
}

/// Submits with the state on a small disk, which only that process sees; afterwards `state` is what it left there. `None` where this
/// machine lets nobody mount anything.
fn submit_on_a_small_disk(place: &Place, size: u32, free: u32) -> Option<Ended> {
    let try_it = |args: &[&str]| Command::new("unshare").args(args).args(["true"]).output();
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let way = ways.into_iter().find(|way| try_it(way).is_ok_and(|output| output.status.success()))?;
    let program = place.command(["submit", "--json", "--run-date", DAY]);
    let mut command = Command::new("unshare");
    command.args(way).args(["sh", "-c", &on_a_small_disk(size, free), "sh"]).arg(program.get_program());
    command.args(program.get_args()).current_dir(place.path("")).stdin(Stdio::null());
    let ended = Ended::of(&mut command);
    if ended.stdout.is_empty() && ended.stderr.contains("mount") {
        println!("left out: nothing can be mounted here: {}", ended.stderr);
        return None;
    }
    let (state, saved): (PathBuf, PathBuf) = (place.path("state"), place.path("saved"));
    fs::remove_dir_all(&state).expect("the old state");
    fs::rename(saved, state).expect("the state as the process left it");
    Some(ended)
}

#[test]
fn a_full_disk_under_the_file_sends_nothing() {
    let dfe = Dfe::start();
    let place = refused(&dfe, 400);
    // The file is there from an earlier night, and empty.
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'sent' WHERE id > 0"));
    place.play(["submit"]).well();
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE id > 0"));
    for (free, words) in [(0, LOG_FILE), (40, "disk is full")] {
        let Some(ended) = submit_on_a_small_disk(&place, 600, free) else { return };
        ended.fails(1, &[words]);
        assert_eq!((dfe.stats().requests, place.count("pending")), (0, 400), "{free}: {}", ended.stderr);
    }
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["sent"], 400);
}

#[test]
fn a_disk_that_fills_up_under_the_file_ends_the_run_with_every_request_known() {
    let dfe = Dfe::start();
    let place = refused(&dfe, 400);
    place.set("sink", "max_records = 10\nconcurrency = 1");
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'sent' WHERE id > 0"));
    place.play(["submit"]).well();
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE id > 0"));
    let Some(ended) = submit_on_a_small_disk(&place, 1000, 200) else { return };
    ended.fails(1, &["disk is full"]);
    let (arrived, sent) = (dfe.children().len() as i64, place.count("sent"));
    assert!(arrived > 0 && arrived < 400, "the disk was too small or too large: {arrived} arrived");
    // A request whose end could not be written down is one that the log knows to be open.
    let open = in_log(&place, "outcome IS NULL");
    assert!(arrived <= sent + open && sent <= arrived, "{arrived} arrived, {sent} are sent, {open} are open");
    age_intents(&place);
    place.play(["submit"]).well();
    assert_eq!((dfe.children().len(), place.count("sent")), (400, 400));
}
