//! How fast two documents of real size become what has to be sent, beside parsing the two alone, and beside what one would otherwise
//! write: `serde_json::Value`, compared, and the whole document written.
//!
//! `cargo bench --bench delta`. Read the two as a ratio, from one run: machines differ, and so do their days.

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_bridge_core::config::{Names, PayloadConfig, Profile, RemovedValues, Semantics, load_definition};
use csc_bridge_core::delta::{Delta, Rules};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::payload::canonical::Json;
use csc_bridge_core::payload::definition::FieldType;
use csc_bridge_core::payload::plan::{BlockPlan, Member};
use jiff::civil::date;

/// Members of each list: three episodes with two of everything come to about 4 KB.
const EPISODES: usize = 3;
const INNER: usize = 1;

/// Writes a record with a value at every key of the definition.
fn object(block: &BlockPlan, number: usize, out: &mut String) {
    out.push('{');
    for (index, member) in block.members.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let written = match *member {
            Member::Field(at) => {
                let field = &block.fields[at];
                let value = match field.kind {
                    FieldType::Date => "\"2026-01-31\"".to_owned(),
                    FieldType::Boolean | FieldType::ConferenceFlag | FieldType::Found => "true".to_owned(),
                    FieldType::Integer => "17".to_owned(),
                    FieldType::CodeList | FieldType::Factors => "[\"1A\",\"2B\",\"3C\"]".to_owned(),
                    FieldType::Id => format!("\"{number:08}\""),
                    _ => "\"X1\"".to_owned(),
                };
                write!(out, "{comma}\"{}\":{value}", field.key)
            }
            Member::Block(at) => {
                let inner = &block.blocks[at];
                let result = write!(out, "{comma}\"{}\":", inner.key);
                match inner.list {
                    true => list(inner, out),
                    false => object(inner, 0, out),
                }
                result
            }
            Member::Purge => write!(out, "{comma}\"purge\":false"),
        };
        written.expect("a String takes all");
    }
    out.push('}');
}

fn list(block: &BlockPlan, out: &mut String) {
    out.push('[');
    for number in 0..if block.blocks.is_empty() { INNER } else { EPISODES } {
        if number > 0 {
            out.push(',');
        }
        object(block, number, out);
    }
    out.push(']');
}

/// Seconds for one call, over about a second.
fn seconds(call: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < Duration::from_secs(1) {
        (0..1000).for_each(|_| call());
        calls += 1000;
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn delta(criterion: &mut Criterion) {
    let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("a definition");
    let payload = PayloadConfig::default();
    let plan = Plan::new(&definition, &Profile::default(), &Names::default(), &payload, date(2026, 11, 20));
    let plan = plan.expect("a plan");
    let mut desired = String::new();
    object(&plan.root, 0, &mut desired);
    let held = desired.replacen("\"referral_source\":\"X1\"", "\"referral_source\":\"X2\"", 1);
    assert_ne!(held, desired);
    let rules = Rules { root: &plan.root, semantics: Semantics::Merge, removed_values: RemovedValues::Null };
    let (held_json, desired_json) = (Json::parse(&held).expect("JSON"), Json::parse(&desired).expect("JSON"));
    let compare = || black_box(rules.delta(Some(&held_json), &desired_json, &|_, _| false));
    let parse = || black_box((Json::parse(&held).is_ok(), Json::parse(&desired).is_ok()));
    let Delta::Partial(sent) = compare() else { panic!("one field changed") };
    println!("a document of {} bytes, of which {} are sent", desired.len(), sent.len());
    let ratio = seconds(&mut || {
        compare();
    }) / seconds(&mut || {
        parse();
    });
    println!("delta takes {ratio:.2} of the time that parsing the two documents takes");

    let mut group = criterion.benchmark_group("delta");
    group.throughput(Throughput::Elements(1));
    group.bench_function("delta, both parsed already", |bencher| bencher.iter(compare));
    group.bench_function("parsing the two alone", |bencher| bencher.iter(parse));
    group.bench_function("parsing and delta", |bencher| {
        bencher.iter(|| {
            let (held, desired) = (Json::parse(&held).expect("JSON"), Json::parse(&desired).expect("JSON"));
            black_box(rules.delta(Some(&held), &desired, &|_, _| false))
        });
    });
    group.bench_function("plain way: serde_json::Value, compared and written", |bencher| {
        bencher.iter(|| {
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            let (held, desired) = (read(&held), read(&desired));
            black_box((held != desired).then(|| serde_json::to_string(&desired).expect("a String takes all")))
        });
    });
    group.finish();
}

criterion_group!(benches, delta);
criterion_main!(benches);
