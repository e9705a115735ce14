//! The model-based test: random sequences of everything that can happen to an authority, after each of which DfE must hold what the
//! SSD says (design, section 7: convergence is the system's main test).
//!
//! One file for each thing: [`office`] the authority, [`database`] its database, [`on_sqlite`], [`on_postgres`],
//! [`on_sqlserver`] and `on_oracle` which one, [`dfe`] the simulator, [`ssd`] and [`tables`] what happens in the SSD, [`road`] what happens to a request and [`faults`] why, [`sequence`] the
//! steps, [`by_hand`] those on the staging table itself, [`always`] what must hold after each, [`drained`] what must hold in the end,
//! [`documents`] how documents are compared.
//!
//! 200 sequences on SQLite, 20 on PostgreSQL and 5 each on SQL Server and Oracle, with `CSC_BRIDGE_EFFORT=full` 5,000, 500 and 100 each; `CSC_BRIDGE_SEED=N` plays the one sequence
//! of that seed and tells what happened (with `--nocapture`), `CSC_BRIDGE_SEED=N..M` those from N on before M. With one worker a seed
//! plays the same sequence every time; with two, when the second sends is up to the machine.
//!
//! On a server a seed begins with the same SSD and draws its steps and faults from the same numbers. What differs:
//! - A process that dies at its so many-th turn has come as far as the server's answers let it, which is not the same every time.
//! - A stage in the middle of a request leaves that request's rows for the next run, for the claim holds their locks; on SQLite it writes
//!   them, and the answer finds them changed. No invariant asks which of the two it was, and a stage beside which nobody sends leaves
//!   nothing on either.
//! - After a death the next process begins when the server has noticed it: [`office::Office::dead_are_gone`].

mod always;
mod by_hand;
mod database;
mod dfe;
mod documents;
mod drained;
mod faults;
mod office;
#[cfg(feature = "oracle")]
mod on_oracle;
mod on_postgres;
mod on_sqlite;
mod on_sqlserver;
mod road;
mod sequence;
mod ssd;
mod tables;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use database::Product;
#[cfg(feature = "oracle")]
use on_oracle::Oracle;
use on_postgres::Postgres;
use on_sqlserver::SqlServer;
use sequence::{Sequence, Story};

/// Threads. More than there are processors: a stage that meets a sender waits for its lock, and does nothing meanwhile.
const AT_ONCE: usize = 6;

/// What the threads share.
struct Playing {
    product: Product,
    /// The test, for whoever plays a sequence again.
    test: &'static str,
    next: AtomicU64,
    first: u64,
    end: u64,
    counts: Mutex<BTreeMap<String, u64>>,
    failed: Mutex<Vec<String>>,
    has_failed: AtomicBool,
}

#[test]
fn after_any_sequence_of_events_dfe_holds_what_the_ssd_says() {
    play_all(Product::Sqlite, "after_any_sequence_of_events_dfe_holds_what_the_ssd_says", 200, 5000);
}

#[test]
fn after_any_sequence_of_events_dfe_holds_what_the_ssd_says_on_postgres() {
    let Some(server) = Postgres::start() else { return };
    let product = Product::Postgres(Arc::new(server));
    play_all(product, "after_any_sequence_of_events_dfe_holds_what_the_ssd_says_on_postgres", 20, 500);
}

#[test]
fn after_any_sequence_of_events_dfe_holds_what_the_ssd_says_on_sqlserver() {
    let Some(servers) = SqlServer::start() else { return };
    let product = Product::SqlServer(Arc::new(servers));
    play_all(product, "after_any_sequence_of_events_dfe_holds_what_the_ssd_says_on_sqlserver", 5, 100);
}

#[cfg(feature = "oracle")]
#[test]
fn after_any_sequence_of_events_dfe_holds_what_the_ssd_says_on_oracle() {
    let Some(oracle) = Oracle::start() else { return };
    let product = Product::Oracle(Arc::new(oracle));
    play_all(product, "after_any_sequence_of_events_dfe_holds_what_the_ssd_says_on_oracle", 5, 100);
}

/// Plays so many sequences, or so many in full.
fn play_all(product: Product, test: &'static str, usual: u64, full: u64) {
    let (first, end) = seeds(usual, full);
    let playing = Playing {
        product,
        test,
        next: AtomicU64::new(first),
        first,
        end,
        counts: Mutex::default(),
        failed: Mutex::default(),
        has_failed: AtomicBool::new(false),
    };
    println!("CSC_BRIDGE_SEED={first}..{end}");
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(usize::try_from(end - first).unwrap_or(AT_ONCE)) {
            scope.spawn(|| playing.play_on());
        }
    });
    for (what, count) in &*playing.counts.lock().expect("the counts") {
        println!("{count:>8}  {what}");
    }
    println!("{} sequences in {:.1} s", end - first, began.elapsed().as_secs_f64());
    let failed = playing.failed.into_inner().expect("the failures");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// The first seed and the one after the last.
fn seeds(usual: u64, full: u64) -> (u64, u64) {
    let number = |text: &str| text.parse::<u64>().expect("CSC_BRIDGE_SEED is a number, or two: 5 or 5..10");
    match std::env::var("CSC_BRIDGE_SEED").as_deref().map(|seeds| seeds.split_once("..").ok_or(seeds)) {
        Ok(Ok((first, end))) => (number(first), number(end)),
        Ok(Err(seed)) => (number(seed), number(seed) + 1),
        Err(_) if std::env::var("CSC_BRIDGE_EFFORT").is_ok_and(|effort| effort == "full") => (0, full),
        Err(_) => (0, usual),
    }
}

impl Playing {
    /// Plays sequences until there are no more, or one has failed.
    fn play_on(&self) {
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end || self.has_failed.load(Ordering::Relaxed) {
                return;
            }
            let story = Arc::new(Mutex::new(Story::default()));
            let played = catch_unwind(AssertUnwindSafe(|| play(&self.product, seed, story.clone())));
            let played = played.unwrap_or_else(|panic| Err(format!("panicked: {}", said(&*panic))));
            let story = std::mem::take(&mut *story.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            if self.end - self.first == 1 {
                println!("{}", story.trace.join("\n"));
            }
            if let Err(wrong) = played {
                self.has_failed.store(true, Ordering::Relaxed);
                let again = format!("CSC_BRIDGE_SEED={seed} cargo test --test it model::{} -- --exact", self.test);
                let failed = format!("{}\nsequence {seed}: {wrong}\nplay it again: {again}", story.trace.join("\n"));
                self.failed.lock().expect("the failures").push(failed);
            }
            let mut counts = self.counts.lock().expect("the counts");
            for (what, count) in story.counts {
                *counts.entry(what).or_default() += count;
            }
        }
    }
}

/// One sequence.
fn play(product: &Product, seed: u64, story: Arc<Mutex<Story>>) -> Result<(), String> {
    // One thread: what happens depends on the seed and on little else.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut sequence = Sequence::begin(product, seed, story).await;
        sequence.play().await?;
        drained::drained(&mut sequence).await
    })
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
