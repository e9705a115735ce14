//! How fast a document that somebody else wrote comes into canonical form, beside what one would otherwise write, and beside reading it alone.
//!
//! `cargo bench --bench canonical`. The other ways are `serde_json::Value`, whose maps are sorted by key, and the same written by
//! `serde_json_canonicalizer` (RFC 8785); both lose the digits of numbers.

mod common;

use std::hint::black_box;

use common::{Cohort, bytes_of};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_bridge_core::payload::canonical::Json;

fn canonical(criterion: &mut Criterion) {
    let documents = Cohort::new().documents();
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group("canonical");
    group.throughput(Throughput::Bytes(bytes_of(&documents)));
    group.bench_function("ours: read and write", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                out.clear();
                Json::parse(document).expect("JSON").write(&[], &mut out);
                black_box(&out);
            }
        });
    });
    group.bench_function("plain way: serde_json::Value", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                let value: serde_json::Value = serde_json::from_str(document).expect("JSON");
                out.clear();
                serde_json::to_writer(&mut out, &value).expect("a Vec takes all");
                black_box(&out);
            }
        });
    });
    group.bench_function("plain way: serde_json_canonicalizer", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                let value: serde_json::Value = serde_json::from_str(document).expect("JSON");
                out.clear();
                serde_json_canonicalizer::to_writer(&value, &mut out).expect("a Vec takes all");
                black_box(&out);
            }
        });
    });
    group.bench_function("floor: serde_json::from_slice, nothing kept", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                black_box(serde_json::from_slice::<serde::de::IgnoredAny>(document.as_bytes()).is_ok());
            }
        });
    });
    group.bench_function("floor: a copy", |bencher| {
        bencher.iter(|| {
            for document in &documents {
                out.clear();
                out.extend_from_slice(document.as_bytes());
                black_box(&out);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, canonical);
criterion_main!(benches);
