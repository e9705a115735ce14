//! Two senders at once on one staging table: no child is sent twice. Prints what each had of it.
//!
//! 200 rows; 20,000 with `CSC_BRIDGE_EFFORT=full`.

use std::time::Instant;

use csc_bridge_dfe_csc_simulator::Settings;

use super::authority::{Authority, MOSAIC, SYSTEMC, postgres};
use super::full;
use crate::crashes::{end, start};
use crate::program::{Dfe, NOBODY, STAGING, Working};

#[test]
fn two_senders_on_one_table_send_no_child_twice() {
    let Some(postgres) = postgres() else { return };
    let rows = if full() { 20_000 } else { 200 };
    for cms in [SYSTEMC, MOSAIC] {
        let dfe = Dfe::with(Settings::default());
        let authority = Authority::staged(postgres, cms, NOBODY, rows);
        authority.place.reconfigure(&NOBODY.to_string(), &dfe.addr().to_string());
        // Many small batches, so that the two meet.
        authority.place.set("sink", &format!("max_records = {}", (rows / 40).min(100)));
        let begun = Instant::now();
        let mut processes: Vec<Working> = (0..2).map(|_| start(&authority.place)).collect();
        for process in &mut processes {
            let ended = end(process);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let received = dfe.running().received("845");
        let twice: Vec<_> = received.iter().filter(|(_, received)| received.applied != 1).collect();
        assert!(twice.is_empty(), "received more than once: {twice:?}");
        assert_eq!((received.len(), authority.count("sent"), authority.open_intents()), (rows, rows as i64, 0));
        let held = dfe.children();
        for row in authority.rows(&format!("SELECT person_id, json_payload, previous_json_payload FROM {STAGING}")) {
            let child = row["person_id"].as_str().expect("an id");
            let document: serde_json::Value =
                serde_json::from_str(row["json_payload"].as_str().expect("a document")).expect("JSON");
            assert!(held.get(child) == Some(&document), "DfE holds something else of {child}");
            assert!(row["json_payload"] == row["previous_json_payload"], "{child} is believed to be otherwise");
        }
        let runs = authority.sql("SELECT COUNT(*) FROM ssd_api_submission_log GROUP BY run_id ORDER BY 1");
        let shares: Vec<&str> = runs.lines().collect();
        assert_eq!(shares.len(), 2, "one of the two sent nothing: {shares:?}");
        println!("{}: {rows} rows in {seconds:.1} s by two senders, of each {shares:?}", cms.name);
    }
}
