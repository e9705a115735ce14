//! Several senders at once on one staging table: no child is sent twice.
//!
//! 400 rows; 20,000 with `CSC_BRIDGE_EFFORT=full`.

use std::time::Instant;

use super::authority::{Authority, LOG, postgres};
use super::full;
use crate::crashes::{end, start};
use crate::program::{Dfe, NOBODY, Working};

#[test]
fn two_and_four_senders_on_one_table_send_no_child_twice() {
    let Some(postgres) = postgres() else { return };
    let rows = if full() { 20_000 } else { 400 };
    let staged = Authority::staged(postgres, NOBODY, rows);
    for senders in [1, 2, 4] {
        let dfe = Dfe::start();
        let authority = staged.copy(&format!("senders_{senders}"), dfe.addr());
        authority.place.set("sink", "max_records = 20");
        let begun = Instant::now();
        let mut processes: Vec<Working> = (0..senders).map(|_| start(&authority.place)).collect();
        for process in &mut processes {
            let ended = end(process);
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
        let seconds = begun.elapsed().as_secs_f64();
        let received = dfe.running().received("845");
        let twice: Vec<_> = received.iter().filter(|(_, received)| received.applied != 1).collect();
        assert!(twice.is_empty(), "received more than once: {twice:?}");
        assert_eq!((received.len(), authority.count("sent")), (rows, rows as i64));
        assert_eq!(authority.open_intents(), 0);
        let shares = authority.sql(&format!("SELECT COUNT(*) FROM {LOG} GROUP BY \"RUN_ID\" ORDER BY 1"));
        println!("{senders} senders: {rows} rows in {seconds:.1} s, each {:?}", shares.lines().collect::<Vec<_>>());
        authority.drop_database();
    }
}
