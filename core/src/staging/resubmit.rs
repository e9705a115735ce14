//! Sending children again because somebody asks for it: what [`super::Staging::resubmit`] makes of a row.
//!
//! A row at rest becomes `pending` and nothing else: with current = held that is the wish by itself, which `stage` keeps and answers with
//! a full document. On a row that waits for another reason the wish could not be told from the waiting, and would be lost if the change
//! were taken back; such a row becomes unsure.

use super::{Choice, Hash, Held, RowState, Status};

/// What became of a child whose full document was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resubmitted {
    /// Its row is marked.
    Marked,
    /// Its row needed no mark: the full document goes out as it is.
    AlreadyPending,
    /// The child is out of the cohort, or withdrawn: it is not sent, whatever somebody wants.
    Out,
    /// The row has a status of somebody's own (`testing`), or no document: it is left as it is.
    Kept,
    /// A request of the child has no answer yet, or somebody holds the row. Where the answer never comes, the child is sent again in full
    /// without being asked for.
    Waiting,
    /// The child has no row.
    Unknown,
}

/// A row, as far as a mark depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markable {
    /// `submission_status`.
    pub status: Status,
    /// `row_state`.
    pub row_state: RowState,
    /// What DfE is believed to hold.
    pub held: Held,
    /// `current_hash`.
    pub current_hash: Option<Hash>,
    /// Whether `partial_json_payload` holds anything.
    pub is_prepared: bool,
    /// Whether `json_payload` holds anything.
    pub has_document: bool,
}

/// What is written into a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// `pending`.
    Pending,
    /// Unsure, and `pending`, but that a row in error stays so: it is tried again after everything else.
    Unsure,
}

impl Markable {
    /// The mark that makes a full document go out, or why there is none.
    pub fn mark(&self, choice: Choice) -> Result<Mark, Resubmitted> {
        let waits = match self.status {
            _ if self.row_state.is_out() => return Err(Resubmitted::Out),
            Status::Withdrawn => return Err(Resubmitted::Out),
            Status::Other => return Err(Resubmitted::Kept),
            _ if !self.has_document => return Err(Resubmitted::Kept),
            Status::Pending | Status::Error => true,
            Status::Sent => false,
        };
        // Somebody else's rows: their hashes are no proof of what is held, and only the word is ours to write.
        let by_another_reason = match (choice, self.held) {
            (Choice::Sql, _) | (_, Held::Nothing | Held::Unsure) => false,
            // What is prepared may be what changed: where DfE merges, something that had retired may be gone.
            (Choice::Prepared, Held::Document(_)) if waits && self.is_prepared => true,
            (_, Held::Document(held)) => self.current_hash != Some(held),
        };
        match (by_another_reason, waits) {
            (true, _) => Ok(Mark::Unsure),
            (false, false) => Ok(Mark::Pending),
            (false, true) => Err(Resubmitted::AlreadyPending),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Markable = Markable {
        status: Status::Sent,
        row_state: RowState::Unchanged,
        held: Held::Document([1; 32]),
        current_hash: Some([1; 32]),
        is_prepared: false,
        has_document: true,
    };
    const CHOICES: [Choice; 3] = [Choice::AsStaged, Choice::Prepared, Choice::Sql];

    fn with_status(status: Status) -> Markable {
        Markable { status, ..REST }
    }

    #[test]
    fn a_row_at_rest_becomes_pending_and_is_left_alone_once_it_is() {
        for choice in CHOICES {
            assert_eq!(REST.mark(choice), Ok(Mark::Pending), "{choice:?}");
            for status in [Status::Pending, Status::Error] {
                assert_eq!(with_status(status).mark(choice), Err(Resubmitted::AlreadyPending), "{choice:?}");
            }
        }
    }

    #[test]
    fn a_row_that_waits_for_a_change_becomes_unsure_but_where_it_is_somebody_elses() {
        for status in [Status::Pending, Status::Error, Status::Sent] {
            let row = Markable { current_hash: Some([2; 32]), ..with_status(status) };
            for choice in [Choice::AsStaged, Choice::Prepared] {
                assert_eq!(row.mark(choice), Ok(Mark::Unsure), "{status:?} {choice:?}");
                let without_hash = Markable { current_hash: None, ..row };
                assert_eq!(without_hash.mark(choice), Ok(Mark::Unsure), "{status:?} {choice:?}");
                // Unsure, it needs no second mark.
                let again = Markable { held: Held::Unsure, status: Status::Pending, ..row }.mark(choice);
                assert_eq!(again, Err(Resubmitted::AlreadyPending), "{status:?} {choice:?}");
            }
            let sent = status == Status::Sent;
            let theirs = if sent { Ok(Mark::Pending) } else { Err(Resubmitted::AlreadyPending) };
            assert_eq!(row.mark(Choice::Sql), theirs, "{status:?}");
        }
    }

    #[test]
    fn what_is_prepared_for_a_row_that_waits_is_not_trusted_to_be_full() {
        let row = Markable { is_prepared: true, ..with_status(Status::Pending) };
        assert_eq!(row.mark(Choice::Prepared), Ok(Mark::Unsure));
        assert_eq!(row.mark(Choice::AsStaged), Err(Resubmitted::AlreadyPending));
        for held in [Held::Nothing, Held::Unsure] {
            let full = Markable { held, ..row };
            assert_eq!(full.mark(Choice::Prepared), Err(Resubmitted::AlreadyPending), "{held:?}");
        }
    }

    #[test]
    fn of_a_child_of_whom_nothing_is_held_nothing_is_made_unsure() {
        let row = Markable { held: Held::Nothing, ..REST };
        for choice in CHOICES {
            assert_eq!(row.mark(choice), Ok(Mark::Pending), "{choice:?}");
        }
    }

    #[test]
    fn who_is_out_or_withdrawn_is_never_marked_and_a_word_of_somebodys_own_stays() {
        for choice in CHOICES {
            for row_state in [RowState::Deleted, RowState::Left] {
                for status in [Status::Pending, Status::Sent, Status::Error, Status::Other] {
                    let row = Markable { row_state, ..with_status(status) };
                    assert_eq!(row.mark(choice), Err(Resubmitted::Out), "{row:?}");
                }
            }
            assert_eq!(with_status(Status::Withdrawn).mark(choice), Err(Resubmitted::Out));
            assert_eq!(with_status(Status::Other).mark(choice), Err(Resubmitted::Kept));
            assert_eq!(Markable { has_document: false, ..REST }.mark(choice), Err(Resubmitted::Kept));
        }
    }
}
