//! Calls with a limit, to a plugin wherever it runs.
//!
//! A call may never come back. So each runs on a thread of its own, not one of Tokio's, which the program would wait for at its end; whoever
//! asked waits for the answer as long as the limit says.

use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_plugin_abi::message::{NewHandle, broke_protocol, decode_answer, read_error};
use csc_bridge_plugin_abi::table::{self, Entry, Handle, Status};
use tokio::sync::oneshot;

/// What a call came to.
pub(crate) struct Answer {
    pub status: Status,
    pub output: Vec<u8>,
}

impl Answer {
    /// The output of a call that was done; what the plugin says where it was not.
    pub fn done(self, entry: Entry) -> Result<Vec<u8>> {
        match self.status {
            table::OK => Ok(self.output),
            table::ERROR => Err(read_error(entry, &self.output)),
            _ => Err(broke_protocol(format!("the plugin ended {entry} as a stream ends"))),
        }
    }

    /// The handle that a call made.
    pub fn handle(self, entry: Entry) -> Result<Handle> {
        let output = self.done(entry)?;
        Ok(decode_answer::<NewHandle>(entry, &output)?.handle.get())
    }
}

/// One plugin at the end of a call.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Makes one call, however long it takes. Blocks. The status is `OK`, `COMPLETE` (of `stream_next` alone) or `ERROR`; everything else is
    /// an error here.
    fn call(&self, entry: Entry, of: Handle, input: &[u8]) -> Result<Answer>;

    /// Asks that the call that runs on the handle end soon. Does not block.
    fn cancel(self: Arc<Self>, of: Handle);

    /// Nobody waits for the call that runs on the handle, nor for another call on it. Does not block.
    fn drop_call(self: Arc<Self>, of: Handle);

    /// A call did not come back in time: nothing is to be called any more.
    fn abandon(&self);

    /// Whether another call is worth a try.
    fn is_usable(&self) -> bool;
}

/// A transport with its limit.
#[derive(Clone)]
pub(crate) struct Line {
    pub transport: Arc<dyn Transport>,
    pub plugin: &'static str,
    pub limit: Duration,
}

impl Line {
    /// Makes a call. `held` stays with the call until it ends, also where nobody waits for it any more, and comes back with the answer.
    /// Dropping the future cancels the call.
    pub async fn call<H: Send + 'static>(
        &self,
        entry: Entry,
        of: Handle,
        input: Vec<u8>,
        held: H,
    ) -> Result<(Answer, H)> {
        let (send, receive) = oneshot::channel();
        let line = self.clone();
        let mut cancelling = Cancelling { line: self, of: Some(of) };
        std::thread::spawn(move || {
            let answer = line.transport.call(entry, of, &input);
            if let Err((Ok(answer), _held)) = send.send((answer, held)) {
                line.forget(entry, answer);
            }
        });
        let ended = tokio::time::timeout(self.limit, receive).await;
        cancelling.of = None;
        match ended {
            Ok(Ok((answer, held))) => Ok((answer?, held)),
            Ok(Err(_)) => Err(Error::internal("a thread that called a plugin ended without an answer")),
            Err(_) => Err(self.abandon(entry, self.limit)),
        }
    }

    /// Makes a call and blocks, for functions that cannot wait otherwise. `limit`: for calls that do nothing slow.
    pub fn call_blocking(&self, entry: Entry, of: Handle, input: Vec<u8>, limit: Duration) -> Result<Answer> {
        let line = self.clone();
        match within(limit, move || line.transport.call(entry, of, &input)) {
            Some(answer) => answer,
            None => Err(self.abandon(entry, limit)),
        }
    }

    /// Nobody took what a call made: it is released.
    fn forget(&self, entry: Entry, answer: Answer) {
        use Entry::*;
        if matches!(entry, SourceNew | SourceOpen | SessionList | SessionScan | SessionDocuments | SinkNew)
            && let Ok(handle) = answer.handle(entry)
        {
            let _ = self.transport.call(Release, handle, &[]);
        }
    }

    /// The call is given up, and with it the plugin at this end.
    pub fn abandon(&self, entry: Entry, limit: Duration) -> Error {
        self.transport.abandon();
        timed_out(self.plugin, entry.name(), broken_off(entry), limit)
    }

    /// Releases handles in this order, once `wait` has come back. Returns at once; the line is kept that long. What takes longer than the
    /// limit is given up.
    pub fn release<H: Send + 'static>(
        &self,
        handles: Vec<Handle>,
        wait: impl FnOnce() -> H + Send + 'static,
        limit: Duration,
    ) {
        let line = self.clone();
        std::thread::spawn(move || {
            let Some(_held) = within(limit, wait) else { return line.transport.abandon() };
            for handle in handles {
                if line.transport.is_usable() {
                    let _ = line.call_blocking(Entry::Release, handle, Vec::new(), limit);
                }
            }
        });
    }
}

struct Cancelling<'a> {
    line: &'a Line,
    of: Option<Handle>,
}

impl Drop for Cancelling<'_> {
    fn drop(&mut self) {
        if let Some(of) = self.of {
            self.line.transport.clone().drop_call(of);
        }
    }
}

/// Runs blocking work on a thread; `None` where it takes longer. The thread is lost then.
pub(crate) fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || send.send(work()));
    receive.recv_timeout(limit).ok()
}

/// The kind of an error for a plugin that broke off in a call: a read that began was not read to its end.
pub(crate) fn broken_off(entry: Entry) -> Kind {
    use Entry::*;
    match entry {
        SourceOpen | SessionList | SessionCount | SessionSelect | SessionScan | SessionDocuments | StreamNext => {
            Kind::Incomplete
        }
        _ => Kind::Unreachable,
    }
}

pub(crate) fn timed_out(plugin: &str, what: &str, kind: Kind, limit: Duration) -> Error {
    Error::new(
        kind,
        format!("the plugin {plugin} did not end {what} within {limit:?}, and was given up"),
        "run again; if it needs more time, set timeout for it in [plugins] allow",
    )
}
