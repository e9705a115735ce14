//! A source at the plugin's end, and a read session of it.

use std::sync::Arc;

use csc_bridge_core::error::Result;
use csc_bridge_plugin_abi::table::{Entry, Handle};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::rows::{Expected, PluginRows};
use crate::Plugin;
use crate::line::{Answer, Line};
use crate::plugin::Limits;

/// The turn to make calls on a session.
pub(crate) type Held = OwnedMutexGuard<()>;

/// Where the plugin has a source for each session: calls on one handle come one at a time.
pub(crate) struct Sessions {
    plugin: Arc<Plugin>,
    /// The input of `source_new`. It may name secrets.
    options: Vec<u8>,
    /// The one that was made to check the options, until the first session takes it.
    ready: std::sync::Mutex<Option<Made>>,
}

/// A source that the plugin made.
struct Made {
    line: Line,
    limits: Limits,
    /// The session, once there is one, then the source.
    handles: Vec<Handle>,
    turn: Arc<Mutex<()>>,
}

impl Drop for Made {
    /// After a stream that is still being given up.
    fn drop(&mut self) {
        let turn = self.turn.clone();
        let handles = std::mem::take(&mut self.handles);
        self.line.release(handles, move || turn.blocking_lock_owned(), self.limits.start);
    }
}

impl Sessions {
    /// Has the plugin check the options. Blocks.
    pub fn new(plugin: Arc<Plugin>, options: Vec<u8>) -> Result<Sessions> {
        let made = make(&plugin, &options)?;
        Ok(Sessions { plugin, options, ready: std::sync::Mutex::new(Some(made)) })
    }

    /// Opens a session. `open` is the input of `source_open`. A child that died since is replaced.
    pub async fn open(&self, open: Vec<u8>) -> Result<Session> {
        let ready = self.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let mut made = match ready.filter(|ready| ready.line.transport.is_usable()) {
            Some(ready) => ready,
            None => {
                let (plugin, options) = (self.plugin.clone(), self.options.clone());
                // Ends in time: every call in it has its limit.
                let made = tokio::task::spawn_blocking(move || make(&plugin, &options)).await;
                made.unwrap_or_else(|_| Err(ended_without()))?
            }
        };
        let source = made.handles.first().copied().unwrap_or_default();
        let held = made.turn.clone().lock_owned().await;
        let (answer, held) = made.line.call(Entry::SourceOpen, source, open, held).await?;
        let session = answer.handle(Entry::SourceOpen)?;
        made.handles.insert(0, session);
        drop(held);
        Ok(Session { made, session })
    }
}

fn ended_without() -> csc_bridge_core::error::Error {
    csc_bridge_core::error::Error::internal("a task that called a plugin ended without a result")
}

fn make(plugin: &Plugin, options: &[u8]) -> Result<Made> {
    let (line, limits) = (plugin.line()?, plugin.limits());
    let source = line.call_blocking(Entry::SourceNew, 0, options.to_vec(), limits.start)?.handle(Entry::SourceNew)?;
    Ok(Made { line, limits, handles: vec![source], turn: Arc::new(Mutex::new(())) })
}

/// One read session.
pub(crate) struct Session {
    made: Made,
    session: Handle,
}

impl Session {
    /// Waits until no stream of the session is open.
    async fn turn(&self, entry: Entry) -> Result<Held> {
        let waited = tokio::time::timeout(self.made.line.limit, self.made.turn.clone().lock_owned()).await;
        waited.map_err(|_| self.made.line.abandon(entry, self.made.line.limit))
    }

    /// A call that answers at once.
    pub async fn call(&self, entry: Entry, input: Vec<u8>) -> Result<Answer> {
        let held = self.turn(entry).await?;
        Ok(self.made.line.call(entry, self.session, input, held).await?.0)
    }

    /// A call that begins a stream.
    pub async fn stream(&self, entry: Entry, input: Vec<u8>, expected: Expected) -> Result<PluginRows> {
        let held = self.turn(entry).await?;
        let (answer, held) = self.made.line.call(entry, self.session, input, held).await?;
        let stream = answer.handle(entry)?;
        Ok(PluginRows::start(&self.made.line, stream, held, expected, self.made.limits.start))
    }
}
