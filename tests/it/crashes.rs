//! Senders that are killed at whatever moment and begun again, with a DfE end that goes wrong one time in ten, and now and then a second
//! sender beside the first: at the end every child is at DfE, and who was received twice was so for a reason that the log knows.
//!
//! 20 rounds of 600 children; 500 rounds of 5,000 with `CSC_BRIDGE_EFFORT=full`. `CSC_BRIDGE_SEED=N` begins with that round,
//! `CSC_BRIDGE_SEED=N..M` plays those from N on before M.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Latency, Settings};
use fastrand::Rng;

use crate::program::{DAY, Dfe, Ended, Place, STAGING, Working};
use crate::staged::{open_intents, staged};

/// What the second sender is told.
const TOLD: &str = "another csc-bridge sends from";

/// No round needs more starts.
const MOST_STARTS: u32 = 400;

/// One request in ten goes wrong, half of them after the batch was taken.
pub fn faults(seed: u64) -> Faults {
    let kinds = [
        (0.015, FaultKind::status(500)),
        (0.010, FaultKind::applied(500)),
        (0.010, FaultKind::status(503)),
        (0.010, FaultKind::status(429)),
        (0.005, FaultKind::status(408)),
        (0.015, FaultKind::Lost),
        (0.010, FaultKind::Cut),
        (0.010, FaultKind::CutBefore),
        (0.0025, FaultKind::HangBefore),
        (0.0025, FaultKind::HangAfter),
        (0.005, FaultKind::WrongCount { more: false }),
        (0.005, FaultKind::Garbled),
    ];
    let faults = kinds.into_iter().map(|(share, kind)| Fault::rate(share, kind)).collect();
    Faults { seed, faults, latency: Some(Latency::Fixed(Duration::from_millis(10))), ..Faults::default() }
}

/// What happened, in one round or in all.
#[derive(Debug, Default)]
struct Tally {
    starts: u32,
    killed: u32,
    /// Of them with a request open.
    killed_while_sending: u32,
    /// Second senders that were told of the first.
    told: u32,
    /// Children received more than once, by the cause that the log knows.
    twice: BTreeMap<&'static str, u64>,
}

pub fn start(place: &Place) -> Working {
    let mut command = place.command(["submit", "--quiet", "--run-date", DAY]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    Working(command.spawn().expect("the program starts"))
}

/// What it said until it ended, or was ended: little enough for a pipe.
pub fn end(process: &mut Working) -> Ended {
    let mut stderr = String::new();
    let mut pipe = process.0.stderr.take().expect("a pipe");
    std::io::Read::read_to_string(&mut pipe, &mut stderr).expect("UTF-8");
    let code = process.0.wait().expect("its end").code();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { code, stdout: String::new(), stderr }
}

fn kill(process: &mut Working, place: &Place, tally: &mut Tally) {
    if process.0.try_wait().expect("its state").is_some() {
        let ended = end(process);
        assert!(matches!(ended.code, Some(0 | 1 | 3 | 5)), "{ended:?}");
        return;
    }
    process.0.kill().expect("its end");
    process.0.wait().expect("its end");
    tally.killed += 1;
    tally.killed_while_sending += u32::from(open_intents(place) > 0);
}

/// What a second sender was told; `None` where it became the first.
fn second(process: &mut Working, tally: &mut Tally) {
    let ended = end(process);
    if ended.stderr.contains(TOLD) {
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(STAGING) && ended.stderr.contains("what to do"), "{}", ended.stderr);
        tally.told += 1;
    } else {
        // The first was gone: this one sent. A fault may have ended it, and SQLite's own lock must not.
        assert!(!ended.stderr.contains("is locked"), "{}", ended.stderr);
    }
}

/// The rest of the table, and of the log, that must be true at any moment.
fn whole(place: &Place, dfe: &Dfe, seed: u64) {
    let received = dfe.running().received("845");
    let database = place.database();
    let mut rows = database
        .prepare(&format!(
            "SELECT person_id, submission_status = 'sent', person_id IN (SELECT person_id FROM ssd_api_submission_log
             WHERE outcome IS NULL OR outcome = 'unknown') FROM {STAGING}"
        ))
        .expect("a query");
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?, row.get::<_, bool>(2)?)));
    for (child, sent, unsure) in rows.expect("rows").map(|row| row.expect("a row")) {
        let arrived = received.contains_key(&child);
        assert!(arrived || !sent, "seed {seed}: {child} is sent, and DfE never had it");
        assert!(sent || unsure || !arrived, "seed {seed}: DfE has {child}, and nothing here says that it may");
    }
}

fn is_done(place: &Place) -> bool {
    (place.count("pending"), place.count("error"), open_intents(place)) == (0, 0, 0)
}

fn round(seed: u64, children: usize, total: &mut Tally) {
    let mut random = Rng::with_seed(seed);
    let dfe = Dfe::with(Settings { faults: faults(seed), ..Settings::default() });
    let place = staged(dfe.addr(), children);
    // Sixty batches, however many children.
    place.set("sink", &format!("max_records = {}\nrequest_timeout = \"400ms\"", children / 60));
    // The log is there before the first run.
    let log = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'ssd_api_submission_log'";
    assert_eq!(place.number(log), 1);
    let has_second = seed.is_multiple_of(2);
    let mut tally = Tally::default();
    while !is_done(&place) {
        tally.starts += 1;
        assert!(tally.starts < MOST_STARTS, "seed {seed}: it does not come to an end: {tally:?}");
        let mut first = start(&place);
        std::thread::sleep(Duration::from_millis(random.u64(0..300)));
        let wait = |random: &mut Rng| std::thread::sleep(Duration::from_millis(random.u64(0..600)));
        match has_second.then(|| (start(&place), random.u8(0..4))) {
            None => {
                wait(&mut random);
                kill(&mut first, &place, &mut tally);
            }
            // The first is killed before the second gives up, or ends: that one takes its place, until it ends or is killed.
            Some((mut beside, 0)) => {
                wait(&mut random);
                kill(&mut first, &place, &mut tally);
                second(&mut beside, &mut tally);
            }
            Some((mut beside, 1)) => {
                wait(&mut random);
                kill(&mut first, &place, &mut tally);
                wait(&mut random);
                kill(&mut beside, &place, &mut tally);
            }
            Some((mut beside, _)) => {
                second(&mut beside, &mut tally);
                kill(&mut first, &place, &mut tally);
            }
        }
        // What a dead sender left on its way arrives before it could be thought old.
        std::thread::sleep(Duration::from_millis(50));
        whole(&place, &dfe, seed);
        if random.bool() {
            place.age_intents();
        }
    }
    at_the_end(&place, &dfe, seed, children, &mut tally);
    println!("seed {seed}: {tally:?}");
    total.starts += tally.starts;
    total.killed += tally.killed;
    total.killed_while_sending += tally.killed_while_sending;
    total.told += tally.told;
    tally.twice.into_iter().for_each(|(cause, count)| *total.twice.entry(cause).or_default() += count);
}

/// Every child is at DfE as its row says, and nobody came more often than there are reasons for.
fn at_the_end(place: &Place, dfe: &Dfe, seed: u64, children: usize, tally: &mut Tally) {
    whole(place, dfe, seed);
    assert_eq!(place.count("sent"), children as i64, "seed {seed}");
    let (held, received) = (dfe.children(), dfe.running().received("845"));
    assert_eq!((held.len(), received.len()), (children, children), "seed {seed}: a child is lost");
    let database = place.database();
    let mut rows = database
        .prepare(&format!("SELECT person_id, json_payload, previous_json_payload FROM {STAGING}"))
        .expect("a query");
    let text = |row: &rusqlite::Row<'_>, at| row.get::<_, String>(at);
    let rows = rows.query_map([], |row| Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?))).expect("rows");
    for (child, wanted, believed) in rows.map(|row| row.expect("a row")) {
        let document = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        let (wanted, believed) = (document(&wanted), document(&believed));
        assert!(
            held.get(&child) == Some(&wanted) && believed == wanted,
            "seed {seed}: DfE holds something else of {child}"
        );
    }
    // The log's own index is of the ids without white space: one of the ids as they stand spares a look at all rows for each child.
    database.execute_batch("CREATE INDEX by_child ON ssd_api_submission_log (person_id)").expect("an index");
    let mut reasons = database
        .prepare(
            "SELECT COALESCE(SUM(outcome = 'unknown' AND run_id IN (SELECT run_id FROM ssd_api_run_log)), 0),
             COALESCE(SUM(outcome = 'unknown' AND run_id NOT IN (SELECT run_id FROM ssd_api_run_log)), 0),
             COALESCE(SUM(outcome = 'accepted'), 0) FROM ssd_api_submission_log WHERE person_id = ?",
        )
        .expect("a query");
    for (child, received) in received.iter().filter(|(_, received)| received.applied > 1) {
        let reason =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?, row.get::<_, u32>(2)?));
        let (unanswered, killed, accepted) = reasons.query_row([child], reason).expect("a row");
        let unknown = unanswered + killed;
        // It is sent again for each request that had no answer, also where a retry in the same run had one.
        assert!(
            accepted <= 1 + unknown,
            "seed {seed}: {child} was accepted {accepted} times, {unknown} without an answer"
        );
        let may = u64::from(accepted + unknown);
        assert!(received.applied <= may, "seed {seed}: {child} came {received:?}, and the log knows of {may}");
        let cause = match (unanswered, killed) {
            (0, _) => "the sender was killed",
            (_, 0) => "no answer, or 5xx",
            _ => "both",
        };
        *tally.twice.entry(cause).or_default() += 1;
    }
}

/// The rounds to be played, this many where nobody says.
pub fn seeds(rounds: u64) -> std::ops::Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("CSC_BRIDGE_SEED is a number, or two: 5 or 5..10");
    match std::env::var("CSC_BRIDGE_SEED").as_deref().map(|seeds| seeds.split_once("..").ok_or(seeds)) {
        Ok(Ok((first, end))) => number(first)..number(end),
        Ok(Err(first)) => number(first)..number(first) + rounds,
        Err(_) => {
            let first = fastrand::u64(..1 << 32);
            first..first + rounds
        }
    }
}

#[test]
fn senders_killed_at_any_moment_lose_nobody() {
    let full = std::env::var("CSC_BRIDGE_EFFORT").is_ok_and(|effort| effort == "full");
    let (rounds, children) = if full { (500, 5_000) } else { (20, 600) };
    let seeds = seeds(rounds);
    println!("{rounds} rounds of {children} children from CSC_BRIDGE_SEED={}", seeds.start);
    let mut total = Tally::default();
    for seed in seeds {
        round(seed, children, &mut total);
    }
    println!("all rounds: {total:?}");
    assert!(total.killed_while_sending > 0, "{total:?}");
}
