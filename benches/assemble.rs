//! How fast rows become documents: assembling, canonical form and hash together, on one core and on all, beside SHA-256 of the same bytes.
//!
//! `cargo bench --bench assemble`. Read the two as a ratio, from one run: machines differ, and so do their days.

mod common;

use std::hint::black_box;

use common::{Cohort, bytes_of, cores, on_all_cores};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};

fn assemble(criterion: &mut Criterion) {
    let cohort = Cohort::new();
    let documents = cohort.documents();
    let asked = allocation_counter::measure(|| {
        cohort.assemble();
    });
    let (count, bytes) = (documents.len() as u64, bytes_of(&documents));
    println!(
        "{count} documents, {} bytes on average, {} at most; {:.1} allocations a child; {} cores",
        bytes / count,
        documents.iter().map(String::len).max().unwrap_or_default(),
        asked.count_total as f64 / cohort.ids.len() as f64,
        cores()
    );
    let hash = |document: &String| {
        black_box(Sha256::digest(document.as_bytes()));
    };
    let mut group = criterion.benchmark_group("assemble");
    group.throughput(Throughput::Elements(count));
    group.bench_function("one core", |bencher| bencher.iter(|| cohort.assemble()));
    group.bench_function("one core, floor: SHA-256 of the same bytes", |bencher| {
        bencher.iter(|| documents.iter().for_each(hash));
    });
    group.bench_function("all cores", |bencher| bencher.iter(|| cohort.assemble_on_all_cores()));
    group.bench_function("all cores, floor: SHA-256 of the same bytes", |bencher| {
        bencher.iter(|| {
            on_all_cores(documents.len(), |range| documents[range].iter().for_each(hash));
        });
    });
    group.finish();
}

criterion_group!(benches, assemble);
criterion_main!(benches);
