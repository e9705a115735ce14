//! What the benchmarks share: a made-up cohort of fixed seed, read, and its documents.
#![allow(dead_code, reason = "each benchmark takes what it needs")]

use std::hint::black_box;
use std::num::NonZero;
use std::ops::Range;
use std::thread;

use arrow_array::RecordBatch;
use csc_bridge_core::config::Config;
use csc_bridge_core::payload::rows::ChunkRows;
use csc_bridge_core::payload::{Assembler, Findings, Plan, Verdict, read};
use csc_bridge_core::pipeline::judge;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{Scan, ScanEvent};
use csc_bridge_sqlite::SqliteAdapter;
use csc_bridge_synthetic::{GenerateOptions, Ssd};
use jiff::civil::date;

pub const CHILDREN: usize = 2000;

/// A made-up cohort, read.
pub struct Cohort {
    pub plan: Plan,
    pub rows: ChunkRows,
    pub ids: Vec<String>,
    /// The largest table, as its batches came.
    pub batches: Vec<RecordBatch>,
}

impl Cohort {
    /// Makes and reads it.
    pub fn new() -> Cohort {
        tokio::runtime::Runtime::new().expect("a runtime").block_on(cohort())
    }

    /// Assembles every child.
    pub fn assemble(&self) -> u64 {
        self.assemble_some(0..self.ids.len(), |document| {
            black_box(document);
        })
    }

    /// The same on all cores, each with children that stand side by side, as `stage` does.
    pub fn assemble_on_all_cores(&self) {
        on_all_cores(self.ids.len(), |range| {
            self.assemble_some(range, |document| {
                black_box(document);
            });
        });
    }

    /// The documents, from about 1 KB to 40 KB.
    pub fn documents(&self) -> Vec<String> {
        let mut documents = Vec::new();
        self.assemble_some(0..self.ids.len(), |document| documents.push(document.to_owned()));
        documents
    }

    fn assemble_some(&self, range: Range<usize>, mut take: impl FnMut(&str)) -> u64 {
        let mut assembler = Assembler::new(&self.plan);
        let mut findings = Findings::default();
        let mut count = 0;
        for number in range {
            let id = &self.ids[number];
            let verdict = assembler.assemble(&self.rows, number, id, &mut findings).expect("assembling does not fail");
            if let Verdict::Cohort(child) = verdict {
                count += 1;
                black_box(child.hash);
                take(child.document);
            }
        }
        count
    }
}

async fn cohort() -> Cohort {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "cms = \"sqlite\"\nla_code = \"845\"\n[source]\ndatabase = \"cohort.db\"\n";
    let config = Config::parse(&folder.path().join("csc-bridge.toml"), text).expect("a configuration");
    let run_date = date(2026, 11, 20);
    let options = GenerateOptions { children: CHILDREN, seed: 1, run_date, awkward: GenerateOptions::AWKWARD };
    let mut writer = SqliteAdapter.writer(&config.source.options).await.expect("a writer");
    let ssd = Ssd::new(&config.definition, &config.profile, "");
    csc_bridge_synthetic::generate(&mut *writer, &ssd, &options, &mut |_| {}).await.expect("a cohort");
    let plan =
        Plan::new(&config.definition, &config.profile, &config.names, &config.payload, run_date).expect("a plan");
    let source = SqliteAdapter.source(&config.source.options).expect("a source");
    let mut session = source.open(&plan.source_tables()).await.expect("a session");
    let people =
        judge(read::people(&mut *session, &plan).await.expect("people"), &plan, None, &mut Findings::default());
    let ids: Vec<String> = people.chunks(CHILDREN).flatten().collect();
    let rows = read::chunk(&mut *session, &plan, &ids).await.expect("rows");
    let table = plan.tables.iter().find(|table| table.ssd_name == "ssd_cin_assessments").expect("a table");
    let scan: &Scan = table.scans.first().expect("a way to the child");
    let mut batches = Vec::new();
    let mut stream = session.scan(scan).await.expect("a scan");
    while let ScanEvent::Rows(batch) = stream.next().await.expect("rows") {
        batches.push(batch);
    }
    drop(stream);
    Cohort { plan, rows, ids, batches }
}

/// Gives each core a share of so many things.
pub fn on_all_cores(count: usize, work: impl Fn(Range<usize>) + Sync) {
    let share = count.div_ceil(cores());
    thread::scope(|scope| {
        for begin in (0..count).step_by(share.max(1)) {
            let work = &work;
            scope.spawn(move || work(begin..count.min(begin + share)));
        }
    });
}

/// How many cores there are for this process.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Bytes of all texts.
pub fn bytes_of(documents: &[String]) -> u64 {
    documents.iter().map(|document| document.len() as u64).sum()
}
