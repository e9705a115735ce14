//! Several senders at once on one staging table: no child is sent twice. Prints what each had of it, and how fast they were together.
//!
//! 2,000 rows; 20,000 with `CSC_BRIDGE_EFFORT=full`.

use std::time::{Duration, Instant};

use csc_bridge_dfe_csc_simulator::{Faults, Latency, Settings};

use super::authority::{Authority, own_server};
use super::full;
use crate::crashes::{end, start};
use crate::program::{Dfe, NOBODY, STAGING, Working};

/// How long DfE takes to answer in the second half.
const SLOW: Duration = Duration::from_millis(100);

#[test]
fn two_and_four_senders_on_one_table_send_no_child_twice() {
    let Some(server) = own_server() else { return };
    let rows = if full() { 20_000 } else { 2_000 };
    let staged = Authority::staged(&server, NOBODY, rows);
    for latency in [Duration::ZERO, SLOW] {
        for senders in [1, 2, 4] {
            let faults = Faults { latency: Some(Latency::Fixed(latency)), ..Faults::default() };
            let dfe = Dfe::with(Settings { faults, ..Settings::default() });
            let name = format!("senders_{senders}_{}", latency.as_millis());
            let authority = staged.copy(&name, dfe.addr());
            let begun = Instant::now();
            let mut processes: Vec<Working> = (0..senders).map(|_| start(&authority.place)).collect();
            for process in &mut processes {
                let ended = end(process);
                assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            }
            let seconds = begun.elapsed().as_secs_f64();
            all_sent_once(&authority, &dfe, rows);
            println!(
                "{senders} senders, answers in {:>3} ms: {rows} rows in {seconds:>5.2} s, {:>6.0} a second, {} requests",
                latency.as_millis(),
                rows as f64 / seconds,
                dfe.stats().requests,
            );
            authority.drop_database();
        }
    }
}

fn all_sent_once(authority: &Authority<'_>, dfe: &Dfe, rows: usize) {
    let received = dfe.running().received("845");
    let twice: Vec<_> = received.iter().filter(|(_, received)| received.applied != 1).collect();
    assert!(twice.is_empty(), "received more than once: {twice:?}");
    assert_eq!((received.len(), authority.count("sent")), (rows, rows as i64));
    assert_eq!(authority.open_intents(), 0);
    let held = dfe.children();
    for row in authority.rows(&format!("SELECT person_id, json_payload, previous_json_payload FROM {STAGING}")) {
        let child = row["person_id"].as_str().expect("an id");
        assert!(held.get(child) == Some(&row["json_payload"]), "DfE holds something else of {child}");
        assert!(row["json_payload"] == row["previous_json_payload"], "{child} is believed to be otherwise");
    }
    let runs = authority.sql("SELECT run_id, COUNT(*) FROM ssd_api_submission_log GROUP BY 1 ORDER BY 2");
    println!(
        "  records of each sender: {:?}",
        runs.lines().filter_map(|line| line.split('|').nth(1)).collect::<Vec<_>>()
    );
}
