//! Oracle's client library: only who reads Oracle needs it, and who does and has none is told what to install.

use crate::program::{Place, configuration};

/// A folder without a library, so that one of this machine's is not found.
fn without_a_client(place: &Place) {
    std::fs::create_dir(place.path("no-client")).expect("a folder");
    place.write("secret", "a-secret\n");
    place.write("csc-bridge.toml", &configuration("azeus", "127.0.0.1:9".parse().expect("an address")));
    place.reconfigure(
        "adapter      = \"sqlite\"\ndatabase     = \"cohort.db\"\n",
        "host = \"127.0.0.1\"\nport = 9\ndatabase = \"AZEUS\"\nuser = \"csc_bridge\"\npassword = { file = \"secret\" }\nclient_dir = \"no-client\"\n",
    );
}

#[test]
fn without_a_client_the_message_names_the_library_and_the_advice_what_to_install() {
    let place = Place::empty();
    without_a_client(&place);
    let ended = place.play(["stage"]);
    ended.fails(2, &["Oracle's client library", "was not found", "no-client"]);
    let advice = ended.stderr.lines().find(|line| line.starts_with("  what to do: ")).expect("advice");
    for word in ["Oracle Instant Client", "64 bit", "oracle.com/database/technologies/instant-client", "client_dir"] {
        assert!(advice.contains(word), "\"{word}\" is not in: {advice}");
    }
}

#[test]
fn check_says_so_in_its_table() {
    let place = Place::empty();
    without_a_client(&place);
    let ended = place.play(["check", "--json"]);
    let report = ended.json();
    let checks = report["checks"].as_array().expect("checks");
    let connect = checks.iter().find(|check| check["id"] == "db.connect").expect("a check");
    assert_eq!(connect["result"], "fail", "{report}");
    assert!(connect["detail"].as_str().is_some_and(|said| said.contains("was not found")), "{report}");
    assert!(connect["advice"].as_str().is_some_and(|said| said.contains("Instant Client")), "{report}");
    assert_ne!(ended.code, Some(0));
}

/// What the loader of the operating system says of each file that it opens for a run.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn loaded(place: &Place, command: &str) -> String {
    use crate::program::Ended;

    let log = place.path("loaded");
    let mut run = place.command([command, "--run-date", crate::program::DAY]);
    run.env_remove("LD_LIBRARY_PATH").env_remove("ORACLE_HOME").env_remove("TNS_ADMIN");
    Ended::of(run.env("LD_DEBUG", "files").env("LD_DEBUG_OUTPUT", &log)).well();
    // One file for each process, named by its number.
    let files = std::fs::read_dir(place.path(".")).expect("the folder").map(|entry| entry.expect("an entry"));
    let logs: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().starts_with("loaded.")).collect();
    assert!(!logs.is_empty(), "the loader said nothing");
    let said: String = logs.iter().map(|file| std::fs::read_to_string(file.path()).expect("text")).collect();
    assert!(said.contains("libc.so"), "the loader said nothing of the C library: {said}");
    said
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn sqlite_and_postgres_run_without_any_file_of_oracles() {
    use super::authority::{Authority, postgres};
    use crate::postgres::authority::Authority as Eclipse;
    use crate::program::Dfe;

    let dfe = Dfe::start();
    let sqlite = Place::filled(dfe.addr(), 40);
    let said = loaded(&sqlite, "run");
    assert!(!said.contains("clntsh"), "SQLite: the library was looked for");
    sqlite.converged(&dfe);
    let Some(server) = csc_bridge_test_postgres::shared() else { return };
    let dfe = Dfe::start();
    let eclipse = Eclipse::filled(server, dfe.addr(), 40);
    let said = loaded(&eclipse.place, "run");
    assert!(!said.contains("clntsh"), "PostgreSQL: the library was looked for");
    eclipse.converged(&dfe);
    // The same way of looking finds it where it is used.
    let Some(postgres) = postgres() else { return };
    let azeus = Authority::filled(postgres, Dfe::start().addr(), 20);
    assert!(loaded(&azeus.place, "stage").contains("clntsh"), "Oracle: its library was not loaded");
}

#[cfg(target_os = "linux")]
#[test]
fn the_program_is_linked_with_nothing_of_oracles() {
    let listed = std::process::Command::new("ldd").arg(env!("CARGO_BIN_EXE_csc-bridge")).output();
    let Ok(listed) = listed else { return println!("skipped: there is no ldd here") };
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(listed.contains("libc.so"), "{listed}");
    for name in ["clntsh", "libnnz", "libociei", "libaio"] {
        assert!(!listed.contains(name), "{listed}");
    }
}
