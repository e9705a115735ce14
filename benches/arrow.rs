//! How fast rows cross the boundary of a plugin: Arrow IPC, written and read, beside a copy of the same bytes.
//!
//! `cargo bench --bench arrow`.

mod common;

use std::hint::black_box;

use common::Cohort;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_bridge_plugin_abi::rows::{self, RowReader};

fn arrow(criterion: &mut Criterion) {
    let cohort = Cohort::new();
    let batch = cohort.batches.first().expect("a batch");
    let mut bytes = Vec::new();
    rows::write(batch, &mut bytes).expect("a batch that can be written");
    println!("{} rows, {} bytes", batch.num_rows(), bytes.len());
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group("arrow");
    group.throughput(Throughput::Elements(batch.num_rows() as u64));
    group.bench_function("write", |bencher| bencher.iter(|| rows::write(batch, &mut out).expect("as before")));
    group.bench_function("read", |bencher| {
        bencher.iter(|| black_box(RowReader::new().read(&bytes).expect("a batch")));
    });
    group.bench_function("floor: a copy", |bencher| bencher.iter(|| black_box(bytes.clone())));
    group.finish();
}

criterion_group!(benches, arrow);
criterion_main!(benches);
