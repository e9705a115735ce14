//! One call at a time on a thing, made by the host's thread, ended by `cancel` from another.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use csc_bridge_core::error::{Error, Kind};
use tokio::sync::Notify;

use crate::library::{Ended, lock};

/// The call that runs on a thing.
#[derive(Default)]
pub(crate) struct Turn(Mutex<Option<Arc<Notify>>>);

impl Turn {
    /// Waits here for `work`, which is dropped where `cancel` comes first.
    ///
    /// # Errors
    /// Those of `work`; [`Kind::Interrupted`]; [`Kind::Protocol`] where another call runs.
    pub fn run<T>(&self, work: impl Future<Output = Result<T, Ended>>) -> Result<T, Ended> {
        let cancelled = Arc::new(Notify::new());
        match &mut *lock(&self.0) {
            Some(_) => return Err(misuse("two calls came at once on one handle").into()),
            free => *free = Some(cancelled.clone()),
        }
        let _over = Over(self);
        wait(async {
            tokio::select! {
                biased;
                () = cancelled.notified() => Err(interrupted().into()),
                done = work => done,
            }
        })
    }

    /// Ends the call that runs; does nothing where none does.
    pub fn cancel(&self) {
        if let Some(call) = &*lock(&self.0) {
            call.notify_one();
        }
    }
}

struct Over<'a>(&'a Turn);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        *lock(&self.0.0) = None;
    }
}

/// Waits on this thread, which is the host's and may be one of its own runtime: tokio's `block_on` would refuse that.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    // The host's runtime, where it is the same tokio, would count these polls against its own task.
    let mut work = pin!(tokio::task::unconstrained(work));
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What a call that `cancel` ended says.
pub(crate) fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "the call was cancelled", "nothing to do: csc-bridge asked for it")
}

/// The host broke the header's rules.
pub(crate) fn misuse(what: &'static str) -> Error {
    Error::new(Kind::Protocol, what, "this is a fault of csc-bridge; please report it with the log of this run")
}
