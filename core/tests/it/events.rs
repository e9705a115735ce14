//! Every pair of consecutive events, and every longer sequence of them: all states that a child's row can reach are visited, and from
//! each of them every event is tried. A small model of `submit` stands beside the real [`decide`].
//!
//! A document is a letter. What DfE really holds is kept beside the row, so that what the row believes can be checked.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use csc_bridge_core::config::{Deletion, Deletions, Mode, Semantics};
use csc_bridge_core::delta::{Comparison, Desired, Policy, decide};
use csc_bridge_core::staging::{Hash, Held, LedgerRow, Outgoing, RowState, RowVersion, Status};

const DOCUMENTS: [u8; 3] = [1, 2, 3];
const GRACE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What the SSD says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Document(u8),
    Gone,
    Left,
    Refused,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The SSD says this, and `stage` runs.
    Stage(Says),
    /// A week passes.
    Wait,
    /// `submit` runs, and DfE accepts.
    Accepted,
    /// `submit` runs, and DfE refuses.
    Refused,
    /// `submit` runs, DfE takes it or not, and the answer is lost; the next run makes the row unsure.
    Lost(bool),
    /// Somebody sets the row pending.
    SetPending,
    /// Somebody sets the row sent.
    SetSent,
}

/// One child.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Child {
    says: Says,
    row: Option<Row>,
    /// What DfE really holds.
    dfe: Option<u8>,
    /// Somebody asked for the child to be sent whatever DfE holds, and it has not been since.
    wished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    current: Option<u8>,
    held: u8,
    status: Status,
    row_state: RowState,
    outgoing: u8,
    waited: bool,
}

fn hash(document: u8) -> Hash {
    [document; 32]
}

const OUTGOING: [Outgoing; 5] =
    [Outgoing::Nothing, Outgoing::Full, Outgoing::Changes, Outgoing::Purge, Outgoing::Other];

fn ledger(row: &Row) -> LedgerRow {
    LedgerRow {
        person_id: "1".to_owned(),
        current_hash: row.current.map(hash),
        held: match row.held {
            0 => Held::Nothing,
            255 => Held::Unsure,
            document => Held::Document(hash(document)),
        },
        status: row.status,
        row_state: row.row_state,
        version: RowVersion { previous_hash: None, status: None, row_state: None, last_updated: None },
        open_intent: false,
        outgoing: OUTGOING[usize::from(row.outgoing)],
        age: if row.waited { GRACE } else { Duration::ZERO },
    }
}

fn to_be_sent(row: &Row) -> bool {
    matches!(row.status, Status::Pending | Status::Error)
}

impl Child {
    fn stage(&mut self, says: Says, policy: &Policy) {
        self.says = says;
        // A wish ends where the child leaves.
        self.wished &= matches!(says, Says::Document(_));
        let known = self.row.as_ref().map(ledger);
        let desired = match says {
            Says::Document(document) => {
                let same = known.as_ref().map_or(Comparison::NOTHING, |row| {
                    let current = row.current_hash == Some(hash(document));
                    Comparison { current, held: row.held == Held::Document(hash(document)), stored_exactly: current }
                });
                Desired::Document { hash: hash(document), same }
            }
            Says::Gone => Desired::Gone,
            Says::Left => Desired::Left,
            Says::Refused => Desired::Refused,
        };
        let Some(change) = decide(known.as_ref(), &desired, policy) else { return };
        let stays = self.row.as_ref().is_some_and(|row| row.row_state == change.row_state && change.row_state.is_out());
        let row = Row {
            current: change.current_hash.map(|hash| hash[0]),
            held: match change.held {
                Held::Nothing => 0,
                Held::Unsure => 255,
                Held::Document(hash) => hash[0],
            },
            status: change.status,
            row_state: change.row_state,
            outgoing: OUTGOING.iter().position(|one| *one == change.outgoing).expect("one of them") as u8,
            waited: stays && self.row.as_ref().is_some_and(|row| row.waited),
        };
        // Nothing twice: deciding again finds nothing to do.
        let again = ledger(&row);
        let desired = match desired {
            Desired::Document { hash, .. } => {
                let held = again.held == Held::Document(hash);
                Desired::Document { hash, same: Comparison { current: true, held, stored_exactly: true } }
            }
            other => other,
        };
        assert_eq!(decide(Some(&again), &desired, policy), None, "{row:?} after {says:?}");
        self.row = Some(row);
    }

    /// What `submit` would send: the new state of DfE. `None`: nothing is sent. Withdraws what must not be sent.
    fn outgoing(&mut self, policy: &Policy) -> Option<Option<u8>> {
        let row = self.row.as_mut().filter(|row| to_be_sent(row))?;
        if row.row_state.is_out() {
            let deletion = match row.row_state {
                RowState::Deleted => policy.deletions.gone,
                _ => policy.deletions.left,
            };
            if deletion == Deletion::Purge && OUTGOING[usize::from(row.outgoing)] == Outgoing::Purge {
                return Some(None);
            }
            (row.status, row.outgoing) = (Status::Withdrawn, 0);
            self.wished = false;
            return None;
        }
        let prepared = !matches!(OUTGOING[usize::from(row.outgoing)], Outgoing::Nothing | Outgoing::Purge);
        if policy.semantics == Semantics::Merge && !prepared {
            return None;
        }
        // Changes are only right on what DfE really holds.
        if OUTGOING[usize::from(row.outgoing)] == Outgoing::Changes {
            assert_eq!(self.dfe, Some(row.held), "a partial document on something else: {row:?}");
        }
        Some(row.current)
    }

    fn accept(&mut self, sent: Option<u8>) {
        self.dfe = sent;
        self.wished = false;
        let Some(row) = &mut self.row else { return };
        (row.status, row.outgoing) = (Status::Sent, 0);
        match sent {
            Some(document) => (row.held, row.row_state) = (document, RowState::Unchanged),
            None => (row.held, row.current) = (0, None),
        }
    }

    fn lose(&mut self, sent: Option<u8>, taken: bool) {
        if taken {
            self.dfe = sent;
        }
        let Some(row) = &mut self.row else { return };
        (row.held, row.outgoing) = (255, 0);
        match row.row_state.is_out() {
            true => row.status = Status::Withdrawn,
            false => (row.status, row.row_state) = (Status::Pending, RowState::Updated),
        }
    }

    fn apply(&mut self, event: Event, policy: &Policy) {
        match event {
            Event::Stage(says) => self.stage(says, policy),
            Event::Wait => self.row.iter_mut().for_each(|row| row.waited = true),
            Event::Accepted => {
                if let Some(sent) = self.outgoing(policy) {
                    self.accept(sent);
                }
            }
            Event::Refused => {
                if self.outgoing(policy).is_some() {
                    self.row.iter_mut().for_each(|row| row.status = Status::Error);
                }
            }
            Event::Lost(taken) => {
                if let Some(sent) = self.outgoing(policy) {
                    self.lose(sent, taken);
                }
            }
            Event::SetPending => {
                if let Some(row) = &mut self.row {
                    // On a row that waits already the mark cannot be told from the waiting.
                    self.wished |= !row.row_state.is_out() && row.current == Some(row.held);
                    row.status = Status::Pending;
                }
            }
            Event::SetSent => {
                self.wished = false;
                self.row.iter_mut().for_each(|row| row.status = Status::Sent);
            }
        }
    }

    /// What must hold at any moment.
    fn check(&self) {
        let Some(row) = &self.row else { return assert_eq!(self.dfe, None) };
        if row.held != 255 {
            let believed = (row.held != 0).then_some(row.held);
            assert_eq!(self.dfe, believed, "the row believes something else than DfE holds");
        }
    }

    /// What must hold after `stage`.
    fn check_staged(&self, policy: &Policy) {
        self.check();
        let Some(row) = &self.row else { return };
        match self.says {
            Says::Document(document) => {
                assert_eq!(row.current, Some(document));
                assert!(!row.row_state.is_out());
                // The one rule (design, section 6).
                let needs = row.held == 255 || row.held != document || self.wished;
                assert_eq!(
                    to_be_sent(row),
                    needs,
                    "it needs sending exactly if it is unsure, differs, or was asked for"
                );
            }
            says => {
                let deletion = match says {
                    Says::Gone => policy.deletions.gone,
                    Says::Left => policy.deletions.left,
                    _ => Deletion::Mark,
                };
                let purge = OUTGOING[usize::from(row.outgoing)] == Outgoing::Purge;
                assert_eq!(to_be_sent(row), purge, "nothing but a purge is sent of a child out of the cohort");
                assert!(!purge || (deletion == Deletion::Purge && row.held != 0));
            }
        }
    }
}

fn events() -> Vec<Event> {
    let mut events = vec![Event::Wait, Event::Accepted, Event::Refused, Event::Lost(true), Event::Lost(false)];
    events.extend([Event::SetPending, Event::SetSent]);
    events.extend(DOCUMENTS.map(|document| Event::Stage(Says::Document(document))));
    events.extend([Says::Gone, Says::Left, Says::Refused].map(Event::Stage));
    events
}

/// Visits every state; returns how many there are and how many pairs of events were tried.
fn explore(policy: &Policy) -> (usize, usize) {
    let first = Child { says: Says::Gone, row: None, dfe: None, wished: false };
    let mut seen = BTreeSet::from([first.clone()]);
    let mut queue = VecDeque::from([first]);
    let mut pairs = 0;
    while let Some(child) = queue.pop_front() {
        for event in events() {
            let mut after = child.clone();
            after.apply(event, policy);
            if let Err(found) = std::panic::catch_unwind(|| {
                match event {
                    Event::Stage(_) => after.check_staged(policy),
                    _ => after.check(),
                }
                converges(&after, policy);
            }) {
                println!("{policy:?}\n{child:?}\nafter {event:?}\n{after:?}");
                std::panic::resume_unwind(found);
            }
            pairs += events().len();
            if seen.insert(after.clone()) {
                queue.push_back(after);
            }
        }
    }
    (seen.len(), pairs)
}

/// Two undisturbed nights after the grace bring DfE to what the SSD says, whatever happened before.
fn converges(child: &Child, policy: &Policy) {
    let mut child = child.clone();
    let says = child.says;
    for _ in 0..2 {
        child.apply(Event::Wait, policy);
        child.stage(says, policy);
        child.apply(Event::Accepted, policy);
    }
    let before = child.clone();
    child.stage(says, policy);
    assert_eq!(child, before, "the third night finds nothing to do");
    match says {
        Says::Document(document) => assert_eq!(child.dfe, Some(document)),
        Says::Gone if policy.deletions.gone == Deletion::Purge => assert_eq!(child.dfe, None),
        Says::Left if policy.deletions.left == Deletion::Purge => assert_eq!(child.dfe, None),
        _ => {}
    }
    assert!(!child.row.as_ref().is_some_and(to_be_sent));
}

#[test]
fn every_pair_of_events_keeps_the_one_rule_and_converges() {
    for (semantics, mode) in
        [(Semantics::Replace, Mode::Full), (Semantics::Merge, Mode::Full), (Semantics::Merge, Mode::Partial)]
    {
        for (gone, left) in [
            (Deletion::Mark, Deletion::Mark),
            (Deletion::Purge, Deletion::Mark),
            (Deletion::Mark, Deletion::Purge),
            (Deletion::Purge, Deletion::Purge),
        ] {
            for grace in [Duration::ZERO, GRACE] {
                let policy = Policy { semantics, mode, deletions: Deletions { gone, left, grace } };
                let (states, pairs) = explore(&policy);
                println!(
                    "{semantics:?} {mode:?} gone {gone:?} left {left:?} grace {grace:?}: {states} states, {pairs} pairs"
                );
                assert!(states > 100);
            }
        }
    }
}
