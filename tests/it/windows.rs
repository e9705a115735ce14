//! What authorities have on Windows: a folder below `C:\Program Files`, a configuration that Notepad saved, names from everywhere.
#![cfg(windows)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{DAY, Dfe, Ended, Place, configuration, get};

/// Names that no code page of Windows holds together.
const STATE: &str = "stan Łódź 子 ημέρα";

/// The program, its configuration and its data in one folder, and run from there.
struct Installed {
    place: Place,
}

impl Installed {
    fn new(dfe: &Dfe, name: &str) -> Installed {
        let place = Place::at(Path::new(r"C:\Program Files"), name);
        fs::copy(env!("CARGO_BIN_EXE_csc-bridge"), place.path("csc-bridge.exe")).expect("a copy");
        let folder = place.path("");
        let text = configuration("sqlite", dfe.addr())
            .replace("\"state\"", &format!("'{}'", folder.join(STATE).display()))
            .replace("\"cohort.db\"", &format!("'{}'", folder.join("kohorte – Ærø.db").display()));
        place.write("csc-bridge.toml", &notepad(&text));
        place.write("secret", &notepad("a-secret\n"));
        Installed { place }
    }

    /// Runs it from another folder: the configuration is found beside the program.
    fn play(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(self.place.path("csc-bridge.exe"));
        command.args(args).args(["--run-date", DAY]).current_dir(r"C:\").stdin(Stdio::null());
        Ended::of(&mut command)
    }
}

/// A text as Notepad saves it.
fn notepad(text: &str) -> String {
    format!("\u{feff}{}", text.replace('\n', "\r\n"))
}

#[test]
fn a_night_from_program_files_with_a_configuration_that_notepad_saved() {
    let dfe = Dfe::start();
    let installed = Installed::new(&dfe, "csc bridge");
    installed.play(&["generate", "--children", "200"]).well();
    let first = installed.play(&["run", "--json"]).well().json();
    let sent = first["submitted"]["sent"].as_u64().expect("a number");
    assert!(sent > 100, "{first}");
    installed.play(&["mutate", "--percent", "10"]).well();
    let second = installed.play(&["run", "--json"]).well().json();
    println!("{}: {sent} sent, then {}", installed.place.path("").display(), second["submitted"]["sent"]);
    assert!(second["submitted"]["sent"].as_u64() > Some(0), "{second}");
    let wanted = crate::program::by_child(&installed.play(&["payload", "--all", "--quiet"]).well().stdout);
    let held = dfe.children();
    assert!(wanted.iter().all(|(child, document)| held.get(child) == Some(document)), "DfE holds something else");
    let log = installed.place.path(STATE).join("log").join("csc-bridge.log");
    assert!(fs::read_to_string(&log).expect("a log in UTF-8").contains("csc_bridge"), "{}", log.display());
    assert!(!get(dfe.addr(), "/_simulator/children/845").is_empty());
}

#[test]
fn names_from_everywhere_are_printed_as_utf_8_wherever_the_output_goes() {
    let dfe = Dfe::start();
    let installed = Installed::new(&dfe, "csc bridge 子");
    fs::remove_file(installed.place.path("secret")).expect("it is there");
    // A message with a path in it, through a pipe and by cmd's own redirection into a file.
    let said = installed.play(&["run", "--json"]);
    said.fails(2, &["csc bridge 子"]);
    assert!(said.json()["error"]["message"].as_str().is_some_and(|text| text.contains("csc bridge 子")), "{said:?}");
    installed.play(&["generate", "--children", "5"]).well();
    let redirected = installed.place.path("out – 子.txt");
    let batch = format!("@\"%~dp0csc-bridge.exe\" payload --all --quiet --run-date {DAY} > \"%~dp0out.txt\"\r\n");
    installed.place.write("night.cmd", &batch);
    let status = Command::new("cmd").arg("/c").arg(installed.place.path("night.cmd")).status().expect("cmd");
    assert!(status.success(), "{status}");
    fs::rename(installed.place.path("out.txt"), &redirected).expect("a new name");
    let piped = installed.play(&["payload", "--all", "--quiet"]).well().stdout;
    assert_eq!(fs::read_to_string(&redirected).expect("UTF-8"), piped);
}

#[test]
fn a_log_that_somebody_reads_and_a_second_run_do_not_stand_in_the_way() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.play(["run"]).well();
    // As an editor or a collector of logs has it open.
    let log = place.path("state/log/csc-bridge.log");
    let reader = fs::File::open(&log).expect("the log");
    // And it is of yesterday, so that a run wants to put it aside.
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(36 * 3600);
    let file = fs::File::options().append(true).open(&log).expect("the log");
    file.set_modified(yesterday).expect("a time");
    drop(file);
    place.play(["mutate", "--percent", "20"]).well();
    place.play(["run"]).well();
    place.converged(&dfe);
    drop(reader);
}

#[test]
fn a_path_is_taken_with_either_slash_a_drive_or_neither() {
    let dfe = Dfe::start();
    let place = Place::new(dfe.addr());
    fs::create_dir(place.path("data base")).expect("a folder");
    let whole = place.path("data base").join("cohort.db");
    place.play(["generate", "--children", "30"]).well();
    fs::rename(place.path("cohort.db"), &whole).expect("moved");
    let forward = whole.display().to_string().replace('\\', "/");
    let verbatim = fs::canonicalize(&whole).expect("it is there").display().to_string();
    assert!(verbatim.starts_with(r"\\?\"), "{verbatim}");
    let text = place.read("csc-bridge.toml");
    for path in [r"data base\cohort.db", "data base/cohort.db", &whole.display().to_string(), &forward, &verbatim] {
        place.write("csc-bridge.toml", &text.replace("\"cohort.db\"", &format!("'{path}'")));
        place.play(["payload", "--all", "--quiet"]).well();
    }
}
