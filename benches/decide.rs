//! How fast a ledger of 100,000 children is decided where the hashes tell, beside comparing the hashes alone.
//!
//! `cargo bench --bench decide`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_bridge_core::delta::{Comparison, Desired, Policy, decide};
use csc_bridge_core::staging::{Hash, Held, LedgerRow, Outgoing, RowState, RowVersion, Status};

const ROWS: usize = 100_000;

/// Sent yesterday; of one in a hundred another document is wanted today.
fn ledger() -> Vec<(LedgerRow, Hash)> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut row = |number: usize| {
        let mut hash = Hash::default();
        random.fill(&mut hash);
        let version = RowVersion {
            previous_hash: Some(hash.to_vec()),
            status: Some("sent".into()),
            row_state: None,
            last_updated: None,
        };
        let row = LedgerRow {
            person_id: format!("{number:08}"),
            current_hash: Some(hash),
            held: Held::Document(hash),
            status: Status::Sent,
            row_state: RowState::Unchanged,
            version,
            open_intent: false,
            outgoing: Outgoing::Nothing,
            age: Duration::from_secs(86_400),
        };
        let wanted = if number.is_multiple_of(100) { [7; 32] } else { hash };
        (row, wanted)
    };
    (0..ROWS).map(&mut row).collect()
}

fn deciding(criterion: &mut Criterion) {
    let ledger = ledger();
    let policy = Policy::default();
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("a ledger", |bencher| {
        bencher.iter(|| {
            let changes = ledger.iter().filter(|(row, wanted)| {
                let same = row.current_hash == Some(*wanted);
                let same =
                    Comparison { current: same, held: row.held == Held::Document(*wanted), stored_exactly: same };
                decide(Some(row), &Desired::Document { hash: *wanted, same }, &policy).is_some()
            });
            assert_eq!(black_box(changes.count()), ROWS / 100);
        });
    });
    group.bench_function("floor: comparing the hashes", |bencher| {
        bencher.iter(|| black_box(ledger.iter().filter(|(row, wanted)| row.current_hash != Some(*wanted)).count()));
    });
    group.finish();
}

criterion_group!(benches, deciding);
criterion_main!(benches);
