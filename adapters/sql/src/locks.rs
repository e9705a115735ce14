//! The locks of a staging table as a whole, for products that have locks by name, shared and exclusive.
//!
//! Whoever stages the table holds [`STAGE`]: alone what stages all of it, each its share the shards. Two numbers of shards at once would have
//! children in common, and two exclusive locks would keep the shards of one number from each other; so who comes asks whether those who
//! hold [`STAGE`] are of its number, and the [`GATE`] sees to it that nobody else comes meanwhile.

use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Shard;

use crate::Lock;

/// Held for moments: while tables are made, and while a lock of `stage` is asked for.
pub const GATE: &str = "gate";
/// Held by whoever stages.
pub const STAGE: &str = "stage";
/// Held by whoever sends, for products without row locks.
pub const SUBMIT: &str = "submit";

/// How often a lock is asked for. Some hold one for moments, and of one that ends its locks do not end all at once.
pub const TRIES: u32 = 10;
/// How long apart.
pub const PAUSE: Duration = Duration::from_millis(100);
/// How often the [`GATE`] is asked for: for half a minute.
pub const GATE_TRIES: u32 = 600;
/// How long apart.
pub const GATE_PAUSE: Duration = Duration::from_millis(50);

/// Whom a lock keeps out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Who wants it exclusively.
    Shared,
    /// Everybody.
    Exclusive,
}

/// The named locks of one staging table, as one session or process has them. All end with it, and when it is dropped.
#[async_trait]
pub trait NamedLocks: Send {
    /// Takes a lock that this session does not hold, or says at once that somebody else has it.
    async fn take(&mut self, name: &str, mode: Mode) -> Result<bool>;

    /// Gives a lock back.
    async fn release(&mut self, name: &str, mode: Mode) -> Result<()>;
}

/// Takes a lock, or says after a second (for [`Lock::Tables`], half a minute) that somebody else has it.
///
/// # Errors
/// What the product reports. The locks are then to be dropped.
pub async fn take(locks: &mut dyn NamedLocks, wanted: Lock) -> Result<bool> {
    match wanted {
        Lock::Tables => patiently(locks, GATE, GATE_TRIES, GATE_PAUSE).await,
        Lock::Submit => patiently(locks, SUBMIT, TRIES, PAUSE).await,
        Lock::Stage(shard) => {
            for at in 1.. {
                if !patiently(locks, GATE, GATE_TRIES, GATE_PAUSE).await? {
                    break;
                }
                let taken = match shard {
                    None => locks.take(STAGE, Mode::Exclusive).await?,
                    Some(shard) => take_shard(locks, shard).await?,
                };
                locks.release(GATE, Mode::Exclusive).await?;
                match taken {
                    true => return Ok(true),
                    false if at == TRIES => break,
                    false => tokio::time::sleep(PAUSE).await,
                }
            }
            Ok(false)
        }
    }
}

async fn patiently(locks: &mut dyn NamedLocks, name: &str, tries: u32, pause: Duration) -> Result<bool> {
    for _ in 1..tries {
        if locks.take(name, Mode::Exclusive).await? {
            return Ok(true);
        }
        tokio::time::sleep(pause).await;
    }
    locks.take(name, Mode::Exclusive).await
}

/// Takes the locks of a shard, all of them or none. With the [`GATE`].
async fn take_shard(locks: &mut dyn NamedLocks, shard: Shard) -> Result<bool> {
    let number = format!("shards of {}", shard.of());
    if locks.take(STAGE, Mode::Exclusive).await? {
        // Nobody stages.
        locks.release(STAGE, Mode::Exclusive).await?;
    } else if locks.take(&number, Mode::Exclusive).await? {
        // Somebody does, and it is no shard of this number.
        locks.release(&number, Mode::Exclusive).await?;
        return Ok(false);
    }
    let own = format!("shard {shard}");
    let wanted = [(STAGE, Mode::Shared), (&number, Mode::Shared), (&own, Mode::Exclusive)];
    for (at, (name, mode)) in wanted.into_iter().enumerate() {
        if !locks.take(name, mode).await? {
            for (name, mode) in &wanted[..at] {
                locks.release(name, *mode).await?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is said where somebody else has the lock. `advice` is about [`Lock::Stage`] and [`Lock::Submit`].
pub fn busy(table: &TableName, wanted: Lock, advice: impl Into<String>) -> Error {
    let (message, advice) = match wanted {
        Lock::Stage(None) => (format!("another csc-bridge stages {table} at this moment"), advice.into()),
        Lock::Stage(Some(shard)) => (
            format!(
                "another csc-bridge stages {table} at this moment: shard {shard} of it, all of it, or shards of another number"
            ),
            advice.into(),
        ),
        Lock::Submit => (format!("another csc-bridge sends from {table} at this moment"), advice.into()),
        Lock::Tables => (
            format!("another csc-bridge keeps others from making tables beside {table}, and does not come to an end"),
            "see which csc-bridge hangs, end it, and run again".to_owned(),
        ),
    };
    Error::new(Kind::Busy, message, advice)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Who holds what, of a product that is a table in memory.
    type Held = Arc<Mutex<HashMap<String, Vec<(u32, Mode)>>>>;

    struct Session(u32, Held);

    #[async_trait]
    impl NamedLocks for Session {
        async fn take(&mut self, name: &str, mode: Mode) -> Result<bool> {
            let mut held = self.1.lock().expect("nobody panicked");
            let holders = held.entry(name.to_owned()).or_default();
            let is_free =
                holders.iter().all(|(who, held)| *who == self.0 || (mode, *held) == (Mode::Shared, Mode::Shared));
            holders.extend(is_free.then_some((self.0, mode)));
            Ok(is_free)
        }

        async fn release(&mut self, name: &str, mode: Mode) -> Result<()> {
            let mut held = self.1.lock().expect("nobody panicked");
            let holders = held.get_mut(name).expect("what is released is held");
            let at = holders.iter().position(|holder| *holder == (self.0, mode)).expect("what is released is held");
            holders.remove(at);
            Ok(())
        }
    }

    fn lock(text: &str) -> Lock {
        Lock::Stage((text != "all").then(|| text.parse().expect("a shard")))
    }

    /// Which of them, coming in this order and staying, may stage.
    async fn admitted(wanted: &[&str]) -> Vec<bool> {
        let held = Held::default();
        let mut admitted = Vec::new();
        for (who, text) in wanted.iter().enumerate() {
            let mut session = Session(u32::try_from(who).expect("a number"), held.clone());
            let is_in = take(&mut session, lock(text)).await.expect("an answer");
            if !is_in {
                let held = held.lock().expect("nobody panicked");
                assert!(held.values().flatten().all(|(holder, _)| *holder != session.0), "it left something behind");
            }
            admitted.push(is_in);
        }
        admitted
    }

    #[tokio::test(start_paused = true)]
    async fn shards_of_one_number_stage_together_and_nobody_else_with_them() {
        assert_eq!(
            admitted(&["1/2", "2/2", "1/2", "all", "1/4", "2/2"]).await,
            [true, true, false, false, false, false]
        );
        assert_eq!(admitted(&["all", "1/2", "all"]).await, [true, false, false]);
        assert_eq!(admitted(&["3/4", "1/2", "0/4", "2/3", "1/1"]).await, [true, false, true, false, false]);
        assert_eq!(admitted(&["1/1", "1/1", "all"]).await, [true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_waited_for_a_moment() {
        let held = Held::default();
        let (mut one, mut two) = (Session(1, held.clone()), Session(2, held));
        assert!(take(&mut one, lock("all")).await.expect("an answer"));
        let ends = async {
            tokio::time::sleep(PAUSE * 3).await;
            one.release(STAGE, Mode::Exclusive).await.expect("an answer");
        };
        let (taken, ()) = tokio::join!(take(&mut two, lock("1/4")), ends);
        assert!(taken.expect("an answer"));
    }
}
