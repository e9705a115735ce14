//! Running many random cases, and the small words their tests are written in.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use csc_bridge_core::payload::canonical::Json;
use csc_bridge_core::payload::plan::BlockPlan;
use fastrand::Rng;

use super::delta_edits::{document, edit};
use super::delta_model::{Fate, Node, Three, union};

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs the cases of one test. Each has a seed of its own, so that a failing one runs alone.
pub fn cases(test: &str, mut case: impl FnMut(&mut Rng)) {
    let full = std::env::var("CSC_BRIDGE_EFFORT").is_ok_and(|effort| effort == "full");
    let count = match environment("CSC_BRIDGE_CASES") {
        Some(count) => count,
        None if full => 1_000_000,
        None => 20_000,
    };
    let first = environment("CSC_BRIDGE_SEED").unwrap_or(1);
    for number in 0..count {
        let seed = first.wrapping_add(number);
        let run = catch_unwind(AssertUnwindSafe(|| case(&mut Rng::with_seed(seed))));
        if let Err(panic) = run {
            println!("{test}: case {number} failed, seed {seed}; run it alone with");
            println!("CSC_BRIDGE_SEED={seed} CSC_BRIDGE_CASES=1 cargo test -p csc-bridge-core {test} -- --nocapture");
            resume_unwind(panic);
        }
    }
    println!("{test}: {count} cases from seed {first}");
}

/// Whether all kinds of change must have come up: not where somebody runs one case.
pub fn is_whole_run() -> bool {
    environment("CSC_BRIDGE_CASES").is_none()
}

/// Held and desired: mostly edits of one another.
pub fn pair(rng: &mut Rng, root: &BlockPlan) -> (Node, Node) {
    let held = document(rng, root);
    if rng.u8(..16) == 0 {
        let desired = document(rng, root);
        return (held, desired);
    }
    let mut desired = held.clone();
    for _ in 0..rng.u8(..8) {
        edit(rng, root, &mut desired);
    }
    (held, desired)
}

pub fn canonical(json: &Json<'_>) -> String {
    let mut out = Vec::new();
    json.write(&[], &mut out);
    String::from_utf8(out).expect("UTF-8")
}

pub fn parse(text: &str) -> Json<'_> {
    Json::parse(text).expect("JSON")
}

/// The union as text.
pub fn united(root: &BlockPlan, real: Option<&Node>, held: Option<&Node>, desired: &Node, fate: Fate) -> String {
    let three = Three { real, held, desired: Some(desired) };
    union(root, three, fate, &mut Vec::new()).expect("a document").text(root, false)
}
