//! How fast rows become documents: assembling, canonical form and hash together, beside SHA-256 of the same bytes alone.
//!
//! `cargo bench --bench assemble`. Read the two as a ratio, from one run: machines differ, and so do their days.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_bridge_core::config::Config;
use csc_bridge_core::payload::rows::ChunkRows;
use csc_bridge_core::payload::{Assembler, Findings, Plan, Verdict, read};
use csc_bridge_core::pipeline::judge;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_sqlite::SqliteAdapter;
use csc_bridge_synthetic::{GenerateOptions, Ssd};
use jiff::civil::date;
use sha2::{Digest, Sha256};

const CHILDREN: usize = 2000;

/// A made-up cohort, read.
struct Cohort {
    plan: Plan,
    rows: ChunkRows,
    ids: Vec<String>,
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
    Cohort { plan, rows, ids }
}

/// Assembles every child and hands each document over; returns how many there were.
fn assemble(cohort: &Cohort, mut take: impl FnMut(&str)) -> u64 {
    let mut assembler = Assembler::new(&cohort.plan);
    let mut findings = Findings::default();
    let mut count = 0;
    for (number, id) in cohort.ids.iter().enumerate() {
        let verdict = assembler.assemble(&cohort.rows, number, id, &mut findings).expect("assembling does not fail");
        if let Verdict::Cohort(child) = verdict {
            count += 1;
            black_box(child.hash);
            take(child.document);
        }
    }
    count
}

fn documents(criterion: &mut Criterion) {
    let cohort = tokio::runtime::Runtime::new().expect("a runtime").block_on(cohort());
    let mut documents = Vec::new();
    let count = assemble(&cohort, |document| documents.push(document.to_owned()));
    let bytes: usize = documents.iter().map(String::len).sum();
    println!("{count} documents, {} bytes on average", bytes / documents.len());
    let mut group = criterion.benchmark_group("documents");
    group.throughput(Throughput::Elements(count));
    group.bench_function("assemble + canonical form + hash", |bencher| {
        bencher.iter(|| {
            assemble(&cohort, |document| {
                black_box(document);
            })
        });
    });
    group.bench_function("SHA-256 of the same bytes alone", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                black_box(Sha256::digest(document.as_bytes()));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, documents);
criterion_main!(benches);
