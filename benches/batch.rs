//! How fast documents become the body of a request, beside what one would otherwise write, and beside a copy of the same bytes.
//!
//! `cargo bench --bench batch`. The other way is a list of `serde_json::Value`, written.

mod common;

use std::hint::black_box;

use common::{Cohort, bytes_of};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_bridge_core::sink::{Record, array};

/// Records of a request, as DfE has them at most.
const RECORDS: usize = 100;

fn batch(criterion: &mut Criterion) {
    let mut documents = Cohort::new().documents();
    documents.truncate(documents.len() / RECORDS * RECORDS);
    let records: Vec<Record<'_>> =
        documents.iter().map(|document| Record { person_id: "", document: document.as_str() }).collect();
    let bodies: Vec<Vec<u8>> = records.chunks(RECORDS).map(array).collect();
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Bytes(bytes_of(&documents)));
    group.bench_function("a batch", |bencher| {
        bencher.iter(|| records.chunks(RECORDS).for_each(|records| drop(black_box(array(records)))));
    });
    group.bench_function("plain way: serde_json::Value, read and written", |bencher| {
        bencher.iter(|| {
            for records in documents.chunks(RECORDS) {
                let values = records.iter().map(|text| serde_json::from_str(text).expect("JSON"));
                let values: Vec<serde_json::Value> = values.collect();
                black_box(serde_json::to_vec(&values).expect("a Vec takes all"));
            }
        });
    });
    group.bench_function("floor: a copy", |bencher| {
        bencher.iter(|| bodies.iter().for_each(|body| drop(black_box(body.clone()))));
    });
    group.finish();
}

criterion_group!(benches, batch);
criterion_main!(benches);
