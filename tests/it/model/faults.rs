//! What goes wrong on the way to DfE, and which of it happens to which request.

use std::hash::{DefaultHasher, Hash, Hasher};

use fastrand::Rng;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Nothing: it is delivered and answered.
    None,
    /// It is delivered as told, and the answer is lost.
    NoAnswer(Way),
    /// The other end says that it failed, whatever it did with the batch.
    Failure(Way),
    /// It is delivered, and the answer speaks of fewer records.
    ShortAnswer,
    /// Not taken: try again.
    Retry,
    /// Not taken: who are you?
    Reauthenticate,
    /// Not taken: too large.
    TooLarge,
    /// Not taken, and nothing else would be.
    GiveUp,
    /// The process dies while it waits for the answer.
    Crash(Way),
    /// The process dies when it has the answer and has not recorded it.
    CrashAfterAnswer,
    /// The SSD changes and somebody stages.
    Stage(When),
}

/// What becomes of a request without an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    Arrives,
    IsLost,
    /// It arrives when the sender has long given it up.
    IsLate,
}

/// When somebody stages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    Before,
    After,
    /// It begins before, and when it has decided and is about to write, the answer is recorded first.
    Across,
}

/// How bad records are refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal {
    Named,
    Unnamed,
    Forbidden,
}

/// Decides what goes wrong in one submit; of `None`, nothing does. What happens to a request follows from this number and from its
/// children, not from the order in which workers come to send.
#[derive(Clone, Copy)]
pub struct Draw(pub Option<u64>);

impl Draw {
    /// Random numbers that belong to something.
    pub fn rng(&self, what: &impl Hash) -> Rng {
        let mut hasher = DefaultHasher::new();
        (self.0, what).hash(&mut hasher);
        Rng::with_seed(hasher.finish())
    }

    /// What happens to a request for these children, their so many-th.
    pub fn fault(&self, children: &[String], tries: u64) -> Fault {
        if self.0.is_none() {
            return Fault::None;
        }
        let mut rng = self.rng(&(children, tries));
        let way = [Way::Arrives, Way::IsLost, Way::IsLate][rng.usize(..3)];
        match rng.u8(..100) {
            0..8 => Fault::NoAnswer(way),
            8..17 => Fault::Failure(way),
            17..19 => Fault::ShortAnswer,
            19..22 => Fault::Retry,
            22..24 => Fault::Reauthenticate,
            24..27 => Fault::TooLarge,
            27..28 => Fault::GiveUp,
            28..34 => Fault::Crash(way),
            34..37 => Fault::CrashAfterAnswer,
            37..49 => Fault::Stage([When::Before, When::After, When::Across][rng.usize(..3)]),
            _ => Fault::None,
        }
    }

    /// Who is refused in this submit, and how.
    pub fn bad(&self, children: &[String]) -> (Vec<usize>, Refusal) {
        let Some(_) = self.0 else { return (Vec::new(), Refusal::Named) };
        let refusal = [Refusal::Named, Refusal::Unnamed, Refusal::Forbidden][self.rng(&"refusal").usize(..3)];
        let is_bad = |child: &String| self.rng(&("bad", child)).u8(..100) < 8;
        let bad = children.iter().enumerate().filter(|(_, child)| is_bad(child)).map(|(at, _)| at);
        (bad.collect(), refusal)
    }
}
