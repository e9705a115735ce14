//! A request was made and its answer never came: DfE holds one of two documents, and what is sent next is right for both.

use csc_bridge_core::config::{RemovedValues, Semantics};
use csc_bridge_core::delta::{Delta, Rules, purge_form};
use csc_bridge_core::payload::canonical::Json;
use csc_bridge_core::payload::plan::BlockPlan;
use fastrand::Rng;

use super::delta_cases::{canonical, cases, is_whole_run, pair, parse, united};
use super::delta_counts::Counts;
use super::delta_edits::{edit, some_of};
use super::delta_model::{Fate, Node, plan};

/// A desired document after some changes.
fn edited(rng: &mut Rng, root: &BlockPlan, from: &Node) -> Node {
    let mut desired = from.clone();
    for _ in 0..rng.u8(..5) {
        edit(rng, root, &mut desired);
    }
    desired
}

/// The request whose answer never came.
fn lost(rng: &mut Rng, rules: &Rules<'_>, held: &Json<'_>, desired: &Json<'_>) -> String {
    let fate = Fate(rng.u64(..));
    match rng.u8(..20) {
        0 => purge_form("C-1", Some("M-1")),
        1 => rules.full(desired, Some(held), &|path, ids| fate.still(path, ids)),
        _ => match rules.delta(Some(held), desired, &|path, ids| fate.still(path, ids)) {
            Delta::Partial(sent) | Delta::Full(sent) => sent,
            Delta::None => "{\"la_child_id\":\"C-1\"}".to_owned(),
        },
    }
}

#[test]
fn a_full_document_is_right_for_whatever_may_be_held_and_so_is_what_follows() {
    let plan = plan(&[]);
    let root = &plan.root;
    let rules = Rules { root, semantics: Semantics::Merge, removed_values: RemovedValues::Null };
    let mut counts = Counts::default();
    cases("delta_unsure::a_full_document", |rng| {
        let (a, b) = pair(rng, root);
        let (was, is) = (a.text(root, false), b.text(root, true));
        let was = parse(&was);
        let lost = lost(rng, &rules, &was, &parse(&is));
        let lost = parse(&lost);
        let may_hold = rules.may_hold(Some(&was), &parse(&rules.mentioned(&lost)));
        let may_hold = parse(&may_hold);
        let may = Node::read(root, &may_hold);
        // It did not arrive; it did; or, so that nothing depends on two documents only, any part of what may be held.
        let any = some_of(rng, root, &may).text(root, false);
        let which = rng.u8(..3);
        let real = match which {
            0 => Some(was.clone()),
            1 => rules.apply(Some(&was), &lost),
            _ => Some(parse(&any)),
        };
        counts.add(if real.is_some() { "DfE holds something" } else { "DfE removed the child" });

        let desired = edited(rng, root, &b);
        let fate = Fate(rng.u64(..));
        counts.compare(root, &may, &desired, fate, &mut Vec::new());
        let is = desired.text(root, rng.bool());
        let full = rules.full(&parse(&is), Some(&may_hold), &|path, ids| fate.still(path, ids));
        let sent = parse(&full);
        let known = real.as_ref().map(|real| Node::read(root, real));
        let expected = united(root, known.as_ref(), Some(&may), &desired, fate);
        let real = rules.apply(real.as_ref(), &sent).expect("a document");
        assert_eq!(canonical(&real), expected, "lost {}; sent {full}", canonical(&lost));

        // Of records that no lost document mentioned, what is held is sure, and a partial document relies on it.
        if which > 1 {
            return;
        }
        // What follows: retired records of which only the id is known return, change or go.
        let held = rules.apply(Some(&may_hold), &sent).expect("a document");
        let (known, believed) = (Node::read(root, &real), Node::read(root, &held));
        let from = [&a, &b, &desired][usize::from(rng.u8(..3))];
        let desired = edited(rng, root, from);
        let fate = Fate(rng.u64(..));
        let is = desired.text(root, rng.bool());
        let expected = united(root, Some(&known), Some(&believed), &desired, fate);
        counts.compare(root, &believed, &desired, fate, &mut Vec::new());
        match rules.delta(Some(&held), &parse(&is), &|path, ids| fate.still(path, ids)) {
            Delta::None => assert_eq!(canonical(&real), expected, "nothing was sent; believed {}", canonical(&held)),
            Delta::Partial(sent) | Delta::Full(sent) => {
                let last = rules.apply(Some(&real), &parse(&sent)).expect("a document");
                assert_eq!(canonical(&last), expected, "sent {sent}; believed {}", canonical(&held));
            }
        }
    });
    let kinds =
        ["DfE holds something", "DfE removed the child", "skeleton that returned", "member retired", "member gone"];
    counts.report("unsure", &kinds, root, is_whole_run());
}
