//! The law of design section 7 over random documents: `apply(held, delta(held, desired))` is desired and what retired.
//!
//! 20,000 cases each; 1,000,000 with CSC_BRIDGE_EFFORT=full. A failure prints how to run its case alone.

use csc_bridge_core::config::{RemovedValues, Semantics};
use csc_bridge_core::delta::{Delta, Rules, Still};

use super::delta_cases::{canonical, cases, is_whole_run, pair, parse, united};
use super::delta_counts::Counts;
use super::delta_edits::forget;
use super::delta_model::{Fate, plan};

/// As in SystemC's profile: ids that the CMS makes anew.
const UNSTABLE: [&str; 2] = [
    "social_care_episodes[].social_care_episode_id",
    "social_care_episodes[].child_in_need_plans[].child_in_need_plan_id",
];

#[test]
fn under_replace_dfe_then_holds_what_is_desired() {
    let plan = plan(&[]);
    let root = &plan.root;
    let rules = Rules { root, semantics: Semantics::Replace, removed_values: RemovedValues::Null };
    let mut counts = Counts::default();
    cases("delta_law::under_replace", |rng| {
        let (held, desired) = pair(rng, root);
        let fate = Fate(rng.u64(..));
        let (was, is) = (held.text(root, rng.bool()), desired.text(root, rng.bool()));
        counts.compare(root, &held, &desired, fate, &mut Vec::new());
        let still: &Still<'_> = &|path, ids| fate.still(path, ids);
        match rules.delta(Some(&parse(&was)), &parse(&is), still) {
            Delta::None => {
                assert_eq!(was, is);
                counts.add("None");
            }
            Delta::Full(sent) => {
                assert_ne!(was, is);
                assert_eq!(sent, is);
                let after = rules.apply(Some(&parse(&was)), &parse(&sent)).expect("a document");
                assert_eq!(canonical(&after), is);
                counts.add("Full");
            }
            Delta::Partial(_) => panic!("nothing is partial under replace"),
        }
    });
    let kinds =
        ["member new", "member changed", "block new", "block gone", "value new", "value changed", "None", "Full"];
    counts.report("replace", &kinds, root, is_whole_run());
}

#[test]
fn under_merge_dfe_then_holds_what_is_desired_and_what_retired() {
    let plans = [plan(&[]), plan(&UNSTABLE)];
    let mut counts = Counts::default();
    cases("delta_law::under_merge", |rng| {
        let root = &plans[usize::from(rng.u8(..8) == 0)].root;
        let removed_values = if rng.u8(..8) == 0 { RemovedValues::Full } else { RemovedValues::Null };
        let rules = Rules { root, semantics: Semantics::Merge, removed_values };
        let (mut real, desired) = pair(rng, root);
        // Mostly it is sure what DfE holds.
        let held = if rng.u8(..4) == 0 { forget(rng, root, &mut real) } else { real.clone() };
        let fate = Fate(rng.u64(..));
        let went = counts.compare(root, &held, &desired, fate, &mut Vec::new());
        let (was, is) = (held.text(root, rng.bool()), desired.text(root, rng.bool()));
        let (was, is) = (parse(&was), parse(&is));
        let still: &Still<'_> = &|path, ids| fate.still(path, ids);
        let expected = united(root, Some(&real), Some(&held), &desired, fate);
        let really = real.text(root, rng.bool());
        let sent = match rules.delta(Some(&was), &is, still) {
            Delta::None => {
                counts.add("None");
                assert_eq!(real.text(root, false), expected, "nothing was sent");
                return;
            }
            Delta::Full(sent) => {
                counts.add("Full");
                sent
            }
            Delta::Partial(sent) => {
                counts.add("Partial");
                assert!(!went || removed_values == RemovedValues::Null, "a value went, and a null was not to say so");
                sent
            }
        };
        let (really, sent_json) = (parse(&really), parse(&sent));
        let after = rules.apply(Some(&really), &sent_json).expect("a document");
        assert_eq!(canonical(&after), expected, "sent {sent} to {}", canonical(&really));
        let full = rules.full(&is, Some(&was), still);
        assert!(sent.len() < full.len() || sent == full, "a partial document is smaller: {sent}");
        // The rest costs more than all before.
        if rng.u8(..4) > 0 {
            return;
        }
        let again = rules.apply(Some(&after), &sent_json).expect("a document");
        assert_eq!(canonical(&again), expected, "sent again: {sent}");
        let believed = rules.apply(Some(&was), &sent_json).expect("a document");
        assert_eq!(rules.delta(Some(&believed), &is, still), Delta::None, "after {sent}");
        let after = rules.apply(Some(&really), &parse(&full)).expect("a document");
        assert_eq!(canonical(&after), expected, "sent in full: {full}");
    });
    let kinds = [
        "member new",
        "member changed",
        "member gone",
        "member retired",
        "block new",
        "block gone",
        "block retired",
        "value new",
        "value changed",
        "value gone",
        "list sent whole",
        "skeleton that returned",
        "None",
        "Partial",
        "Full",
    ];
    counts.report("merge", &kinds, &plans[0].root, is_whole_run());
}

#[test]
fn equal_documents_need_nothing_however_they_are_written() {
    let plan = plan(&[]);
    let root = &plan.root;
    cases("delta_law::equal_documents", |rng| {
        let (held, _) = pair(rng, root);
        let semantics = if rng.bool() { Semantics::Merge } else { Semantics::Replace };
        let rules = Rules { root, semantics, removed_values: RemovedValues::Null };
        let backwards = semantics == Semantics::Merge && rng.bool();
        let (was, is) = (held.text(root, false), held.text(root, backwards));
        // Spaces and nulls say nothing.
        let was = was.replacen(":{", ": { \"zzz\" : null, ", 1).replacen(", }", "}", 1);
        assert_eq!(rules.delta(Some(&parse(&was)), &parse(&is), &|_, _| false), Delta::None, "{was}");
    });
}
