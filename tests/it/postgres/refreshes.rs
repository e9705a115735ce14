//! A refresh of the SSD, or a server that goes, in the middle of `stage`'s scans.

use std::process::Stdio;
use std::time::Duration;

use csc_bridge_test_postgres::{Server, shared};

use super::authority::{Authority, own_server};
use super::session::Session;
use crate::crashes::end;
use crate::program::{DAY, Dfe, STAGING, Working};

/// The advisory lock at which a scan waits.
const GATE: u32 = 4711;

/// Puts a gate before a table: whoever reads it waits as long as somebody holds [`GATE`]. The rows stand in a table beside it.
fn put_gate(authority: &Authority<'_>, table: &str) {
    authority.sql(&format!(
        "CREATE FUNCTION gate() RETURNS boolean LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN true; END $$;
         ALTER TABLE {table} RENAME TO {table}_behind_gate;
         CREATE VIEW {table} AS SELECT * FROM {table}_behind_gate WHERE gate()"
    ));
}

fn remove_gate(authority: &Authority<'_>, table: &str) {
    authority
        .sql(&format!("DROP VIEW {table}; ALTER TABLE {table}_behind_gate RENAME TO {table}; DROP FUNCTION gate()"));
}

/// Starts `stage`, and waits until it stands at the gate.
fn stage_until_gate(authority: &Authority<'_>) -> Working {
    let mut command = authority.place.command(["stage", "--json", "--run-date", DAY]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut stage = Working(command.spawn().expect("the program starts"));
    let waits = format!("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {GATE} AND NOT granted");
    while authority.number(&waits) == 0 {
        assert!(stage.0.try_wait().expect("its state").is_none(), "stage ended before the gate");
        std::thread::sleep(Duration::from_millis(5));
    }
    stage
}

/// A night's refresh: every table emptied and filled again with what it held.
fn refresh(authority: &Authority<'_>, tables: &[String]) -> String {
    let copied = |table: &String| format!("CREATE TABLE copy_of_{table} AS SELECT * FROM {table};");
    authority.sql(&tables.iter().map(copied).collect::<String>());
    let refilled = |table: &String| format!("INSERT INTO {table} SELECT * FROM copy_of_{table};");
    format!("BEGIN; TRUNCATE {}; {} COMMIT", tables.join(", "), tables.iter().map(refilled).collect::<String>())
}

/// A refresh that begins while `stage` reads this table.
fn refreshed_while_read(server: &'static Server, gated: &str) {
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 300);
    authority.place.play(["run"]).well();
    let tables: Vec<String> = authority.ssd_tables();
    let before = authority.staging();
    put_gate(&authority, gated);
    let behind: Vec<String> = tables
        .iter()
        .map(|table| if table == gated { format!("{table}_behind_gate") } else { table.clone() })
        .collect();
    let refresh = refresh(&authority, &behind);

    let (holder, other) = (Session::open(server, &authority.database), Session::open(server, &authority.database));
    holder.run(&format!("SELECT pg_advisory_lock({GATE})"));
    let mut stage = stage_until_gate(&authority);
    let refreshing = other.begin(refresh);
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while authority.number(waits) == 0 {
        assert!(!refreshing.is_over(), "{gated}: the refresh did not wait for stage");
        std::thread::sleep(Duration::from_millis(5));
    }
    holder.run(&format!("SELECT pg_advisory_unlock({GATE})"));
    // It is little enough for a pipe.
    let mut stdout = String::new();
    std::io::Read::read_to_string(stage.0.stdout.as_mut().expect("a pipe"), &mut stdout).expect("UTF-8");
    let ended = end(&mut stage);
    assert_eq!(ended.code, Some(0), "{gated}: {}", ended.stderr);
    let report: serde_json::Value = serde_json::from_str(stdout.lines().last().expect("a report")).expect("JSON");
    let staged = &report["staged"];
    assert_eq!((&staged["gone"], &staged["left"], &staged["written"]), (&0.into(), &0.into(), &0.into()), "{report}");
    assert!(authority.staging() == before, "{gated}: a row of the staging table was written");

    refreshing.end();
    remove_gate(&authority, gated);
    authority.is_quiet(&dfe);
    authority.converged(&dfe);
}

#[test]
fn a_refresh_by_truncate_in_mid_scan_waits_and_stage_sees_the_moment_before_it() {
    let Some(server) = shared() else { return };
    // While children are listed, while their first rows are read, and while their last are.
    for gated in ["ssd_person", "ssd_cin_episodes", "ssd_professionals"] {
        refreshed_while_read(server, gated);
    }
}

#[test]
fn a_stage_that_comes_during_a_refresh_waits_for_its_end() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 300);
    authority.place.play(["run"]).well();
    let before = authority.staging();
    let refresh = refresh(&authority, &authority.ssd_tables());
    let other = Session::open(server, &authority.database);
    let (emptied, refilled) = refresh.split_once(';').and_then(|(_, rest)| rest.split_once(';')).expect("a refresh");
    other.run(&format!("BEGIN; {emptied}"));
    // Too long for lock_timeout: kept out, and nothing happened.
    authority.place.reconfigure("lock_timeout = \"10s\"", "lock_timeout = \"200ms\"");
    authority.place.play(["stage"]).fails(1, &["locking the SSD tables against TRUNCATE", "longer than lock_timeout"]);
    assert!(authority.staging() == before, "a row of the staging table was written");
    authority.place.reconfigure("lock_timeout = \"200ms\"", "lock_timeout = \"60s\"");
    let mut command = authority.place.command(["stage", "--quiet", "--run-date", DAY]);
    let mut stage = Working(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts"));
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE mode = 'AccessShareLock' AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while authority.number(waits) == 0 {
        assert!(stage.0.try_wait().expect("its state").is_none(), "stage did not wait for the refresh");
        std::thread::sleep(Duration::from_millis(5));
    }
    other.run(refilled);
    let ended = end(&mut stage);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(authority.staging() == before, "a row of the staging table was written");
    authority.is_quiet(&dfe);
}

#[test]
fn a_server_restarted_in_mid_stage_is_an_error_that_wrote_nothing_and_the_next_run_is_fine() {
    let Some(server) = own_server() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(&server, dfe.addr(), 300);
    for gated in ["ssd_person", "ssd_professionals"] {
        // The first time there is nothing staged yet, the second time there is.
        let before = if authority.tables(STAGING) == 0 { Vec::new() } else { authority.staging() };
        put_gate(&authority, gated);
        let holder = Session::open(&server, &authority.database);
        holder.run(&format!("SELECT pg_advisory_lock({GATE})"));
        let mut stage = stage_until_gate(&authority);
        server.restart();
        let ended = end(&mut stage);
        ended.fails(5, &["connection to the PostgreSQL database", "lost"]);
        let after = if authority.tables(STAGING) == 0 { Vec::new() } else { authority.staging() };
        assert!(after == before, "{gated}: a row of the staging table was written");
        remove_gate(&authority, gated);
        authority.place.play(["run"]).well();
        authority.converged(&dfe);
        authority.is_quiet(&dfe);
        authority.place.play(["mutate", "--percent", "20"]).well();
    }
}
