//! Senders killed at whatever moment and begun again, in half of the rounds with another beside them, with a DfE end that goes wrong one
//! time in ten and a server that cuts connections: at the end every child is at DfE, and who was received twice was so for a reason that
//! the log knows.
//!
//! 2 rounds of 120 children; 20 rounds of 1,200 with `CSC_BRIDGE_EFFORT=full`. `CSC_BRIDGE_SEED=N` begins with that round,
//! `CSC_BRIDGE_SEED=N..M` plays those from N on before M.

use std::time::Duration;

use csc_bridge_dfe_csc_simulator::Settings;
use fastrand::Rng;

use super::authority::{Authority, SYSTEMC, postgres};
use super::full;
use crate::crashes::{end, faults, seeds, start};
use crate::program::{Dfe, NOBODY, STAGING, Working};

/// No round needs more starts.
const MOST_STARTS: u32 = 400;

/// What happened, in one round or in all.
#[derive(Debug, Default)]
struct Tally {
    starts: u32,
    killed: u32,
    /// Of them with a request open.
    killed_while_sending: u32,
    /// Times that the server cut all connections.
    cuts: u32,
    /// Children received more than once.
    twice: u32,
}

/// Kills a sender, or sees how it ended.
fn kill(process: &mut Working, authority: &Authority<'_>, tally: &mut Tally) {
    if process.0.try_wait().expect("its state").is_some() {
        let ended = end(process);
        // 5 where its connection was cut; never that another one sends, nor that a row was in its way.
        assert!(matches!(ended.code, Some(0 | 1 | 3 | 5)), "{ended:?}");
        assert!(!ended.stderr.contains("another csc-bridge"), "{}", ended.stderr);
        return;
    }
    process.0.kill().expect("its end");
    process.0.wait().expect("its end");
    tally.killed += 1;
    tally.killed_while_sending += u32::from(authority.open_intents() > 0);
}

/// Waits until the server has noticed that the senders are dead, so that nothing more is committed for them.
fn connections_are_gone(authority: &Authority<'_>) {
    let there = format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'csc-bridge'",
        authority.database
    );
    while authority.number(&there) > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What must be true of the table and of the log at any moment.
fn whole(authority: &Authority<'_>, dfe: &Dfe, seed: u64) {
    let received = dfe.running().received("845");
    let query = format!(
        "SELECT person_id, submission_status = 'sent' AS sent, EXISTS (SELECT 1 FROM ssd_api_submission_log l
         WHERE l.person_id = s.person_id AND (l.outcome IS NULL OR l.outcome = 'unknown')) AS unsure FROM {STAGING} s"
    );
    for row in authority.rows(&query) {
        let child = row["person_id"].as_str().expect("an id");
        let (arrived, sent, unsure) = (received.contains_key(child), row["sent"] == true, row["unsure"] == true);
        assert!(arrived || !sent, "seed {seed}: {child} is sent, and DfE never had it");
        assert!(sent || unsure || !arrived, "seed {seed}: DfE has {child}, and nothing here says that it may");
    }
}

fn is_done(authority: &Authority<'_>) -> bool {
    (authority.count("pending"), authority.count("error"), authority.open_intents()) == (0, 0, 0)
}

fn round(staged: &Authority<'_>, seed: u64, children: usize) -> Tally {
    let mut random = Rng::with_seed(seed);
    let dfe = Dfe::with(Settings { faults: faults(seed), ..Settings::default() });
    let authority = staged.copy(&format!("crashes_of_sqlserver_{seed}"), dfe.addr());
    // Thirty batches, however many children.
    authority.place.set("sink", &format!("max_records = {}\nrequest_timeout = \"400ms\"", children / 30));
    let has_second = seed.is_multiple_of(2);
    let mut tally = Tally::default();
    while !is_done(&authority) {
        tally.starts += 1;
        assert!(tally.starts < MOST_STARTS, "seed {seed}: it does not come to an end: {tally:?}");
        let mut senders = vec![start(&authority.place)];
        if has_second {
            std::thread::sleep(Duration::from_millis(random.u64(0..150)));
            senders.push(start(&authority.place));
        }
        // Ever longer, so that a slow machine comes to an end, too.
        let most = 800 + 100 * u64::from(tally.starts);
        if random.bool() {
            std::thread::sleep(Duration::from_millis(random.u64(0..most)));
            authority.server.drop_connections();
            tally.cuts += 1;
        }
        random.shuffle(&mut senders);
        for sender in &mut senders {
            std::thread::sleep(Duration::from_millis(random.u64(0..most)));
            kill(sender, &authority, &mut tally);
        }
        connections_are_gone(&authority);
        // What a dead sender left on its way arrives before it could be thought old.
        std::thread::sleep(Duration::from_millis(50));
        whole(&authority, &dfe, seed);
        if random.u8(0..4) > 0 {
            authority.age_intents();
        }
    }
    at_the_end(&authority, &dfe, seed, children, &mut tally);
    authority.drop_database();
    println!("seed {seed}: {tally:?}");
    tally
}

/// Every child is at DfE as its row says, and nobody came more often than there are reasons for.
fn at_the_end(authority: &Authority<'_>, dfe: &Dfe, seed: u64, children: usize, tally: &mut Tally) {
    let (held, received) = (dfe.children(), dfe.running().received("845"));
    assert_eq!((held.len(), received.len()), (children, children), "seed {seed}: a child is lost");
    assert_eq!(authority.count("sent"), children as i64, "seed {seed}");
    let query = format!(
        "SELECT s.person_id, s.json_payload::jsonb AS wanted, s.previous_json_payload::jsonb AS believed,
           COUNT(*) FILTER (WHERE outcome = 'unknown') AS unknown, COUNT(*) FILTER (WHERE outcome = 'accepted') AS accepted
         FROM {STAGING} s LEFT JOIN ssd_api_submission_log l ON l.person_id = s.person_id GROUP BY s.id"
    );
    for row in authority.rows(&query) {
        let child = row["person_id"].as_str().expect("an id");
        assert!(held.get(child) == Some(&row["wanted"]), "seed {seed}: DfE holds something else of {child}");
        assert!(row["wanted"] == row["believed"], "seed {seed}: {child} is believed to be otherwise");
        let count = |key: &str| row[key].as_u64().expect("a number");
        let (unknown, accepted) = (count("unknown"), count("accepted"));
        // It is sent again for each request that had no answer, also where a retry in the same run had one.
        assert!(
            accepted <= 1 + unknown,
            "seed {seed}: {child} was accepted {accepted} times, {unknown} without answer"
        );
        let times = received[child].applied;
        assert!(times <= accepted + unknown, "seed {seed}: {child} came {times} times, and the log knows of fewer");
        tally.twice += u32::from(times > 1);
    }
}

#[test]
fn senders_killed_at_any_moment_and_without_their_connections_lose_nobody() {
    let Some(postgres) = postgres() else { return };
    let (rounds, children) = if full() { (20, 1_200) } else { (2, 120) };
    let seeds = seeds(rounds);
    println!("{} rounds of {children} children from CSC_BRIDGE_SEED={}", seeds.end - seeds.start, seeds.start);
    let staged = Authority::staged(postgres, SYSTEMC, NOBODY, children);
    let mut total = Tally::default();
    for seed in seeds {
        let tally = round(&staged, seed, children);
        total.starts += tally.starts;
        total.killed += tally.killed;
        total.killed_while_sending += tally.killed_while_sending;
        total.cuts += tally.cuts;
        total.twice += tally.twice;
    }
    println!("all rounds: {total:?}");
    assert!(total.killed_while_sending > 0, "{total:?}");
}
