//! SHA-256 by `sha2`, `ring` and `aws-lc-rs`, on documents of real sizes.
//!
//! `cargo bench --bench hash`. Which one the program has, and why: docs/decisions/0017-the-hash.md.

mod common;

use std::hint::black_box;

use common::Cohort;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};

/// Bytes of a small, a usual and a large document.
const SIZES: [usize; 4] = [1_500, 2_100, 8_000, 40_000];

fn hash(criterion: &mut Criterion) {
    let text = Cohort::new().documents().concat();
    let mut group = criterion.benchmark_group("hash");
    for size in SIZES {
        let document = &text.as_bytes()[..size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("sha2", size), |bencher| {
            bencher.iter(|| black_box(Sha256::digest(black_box(document))));
        });
        group.bench_function(BenchmarkId::new("ring", size), |bencher| {
            bencher.iter(|| black_box(ring::digest::digest(&ring::digest::SHA256, black_box(document))));
        });
        group.bench_function(BenchmarkId::new("aws-lc-rs", size), |bencher| {
            bencher.iter(|| black_box(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, black_box(document))));
        });
    }
    group.finish();
}

criterion_group!(benches, hash);
criterion_main!(benches);
