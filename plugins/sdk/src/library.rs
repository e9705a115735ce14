//! One plugin: what its author exports, the things that the host has handles for, and the runtime that they live in.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::{Facts, Sink};
use csc_bridge_core::source::Source;
use csc_bridge_plugin_abi::message::SourceKind;
use csc_bridge_plugin_abi::table::{Handle, Host};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinHandle};

use crate::documents::OneByOne;
use crate::session::{Session, Stream};
use crate::turn::Turn;
use crate::whole::Whole;
use crate::{Documents, PluginSink, PluginSource, WholeTables, here};

/// What an author exports.
pub struct Definition {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The path of the module that the macro stands in.
    pub(crate) module: &'static str,
    pub(crate) source: Option<SourceMaker>,
    pub(crate) sink: Option<SinkMaker>,
}

#[derive(Clone, Copy)]
pub(crate) struct SourceMaker {
    pub kind: SourceKind,
    pub new: fn(&Options) -> Result<Arc<dyn Source>>,
}

#[derive(Clone, Copy)]
pub(crate) struct SinkMaker {
    pub facts: fn(&Options) -> Result<Facts>,
    pub new: fn(&Options, &str) -> Result<Arc<dyn Sink>>,
}

impl Definition {
    /// Nothing yet. A name that the host would refuse does not compile.
    pub const fn new(name: &'static str, version: &'static str, module: &'static str) -> Definition {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= 64, "a plugin's package name has at most 64 letters");
        let mut at = 0;
        while at < bytes.len() {
            let good = bytes[at].is_ascii_lowercase() || bytes[at].is_ascii_digit() || bytes[at] == b'-';
            assert!(good, "a plugin's package name is lower-case letters, digits and hyphens");
            at += 1;
        }
        Definition { name, version, module, source: None, sink: None }
    }

    /// With a source of tables.
    pub const fn source<T: PluginSource>(self) -> Definition {
        self.with(SourceMaker { kind: SourceKind::Tables, new: |options| Ok(Arc::new(T::from_options(options)?)) })
    }

    /// With a source of whole tables.
    pub const fn whole_tables<T: WholeTables>(self) -> Definition {
        let new = |options: &Options| Ok(Arc::new(Whole::new(T::from_options(options)?)) as Arc<dyn Source>);
        self.with(SourceMaker { kind: SourceKind::WholeTables, new })
    }

    /// With a source of documents.
    pub const fn documents<T: Documents>(self) -> Definition {
        let new = |options: &Options| Ok(Arc::new(OneByOne::new(T::from_options(options)?)) as Arc<dyn Source>);
        self.with(SourceMaker { kind: SourceKind::Documents, new })
    }

    /// With a sink.
    pub const fn sink<T: PluginSink>(self) -> Definition {
        assert!(self.sink.is_none(), "a library has one sink");
        let new = |options: &Options, la_code: &str| Ok(Arc::new(T::from_options(options, la_code)?) as Arc<dyn Sink>);
        Definition { sink: Some(SinkMaker { facts: T::facts, new }), ..self }
    }

    const fn with(self, source: SourceMaker) -> Definition {
        assert!(self.source.is_none(), "a library has one source");
        Definition { source: Some(source), ..self }
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Ended {
    Error(Error),
    /// The author's code panicked; the library is poisoned.
    Panic,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::Error(error)
    }
}

/// A thing that the host has a handle for.
#[derive(Clone)]
pub(crate) enum Thing {
    Source(Arc<Kept<dyn Source>>),
    Session(Arc<Session>),
    Stream(Arc<Stream>),
    Sink(Arc<Kept<dyn Sink>>),
}

impl Thing {
    pub fn turn(&self) -> &Turn {
        match self {
            Thing::Source(source) => &source.turn,
            Thing::Session(session) => session.turn(),
            Thing::Stream(stream) => stream.turn(),
            Thing::Sink(sink) => &sink.turn,
        }
    }
}

/// A source or a sink, called once at a time.
pub(crate) struct Kept<T: ?Sized> {
    pub turn: Turn,
    pub it: Arc<T>,
}

/// One plugin's state. Static: a library is never unloaded.
pub struct Library {
    pub(crate) definition: Definition,
    host: OnceLock<Host>,
    starting: Mutex<()>,
    runtime: OnceLock<Runtime>,
    poisoned: AtomicBool,
    things: Mutex<Things>,
}

struct Things {
    /// The last handle given out. None is given out twice.
    last: Handle,
    by_handle: BTreeMap<Handle, Thing>,
}

impl Library {
    /// Before its init.
    pub const fn new(definition: Definition) -> Library {
        Library {
            definition,
            host: OnceLock::new(),
            starting: Mutex::new(()),
            runtime: OnceLock::new(),
            poisoned: AtomicBool::new(false),
            things: Mutex::new(Things { last: 0, by_handle: BTreeMap::new() }),
        }
    }

    /// The first host stays: there is one in a process.
    pub(crate) fn meet(&self, host: Host) {
        let _ = self.host.set(host);
    }

    pub(crate) fn host(&self) -> Option<&Host> {
        self.host.get()
    }

    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Started when it is first asked for.
    pub(crate) fn runtime(&'static self) -> Result<&'static Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let _one = lock(&self.starting);
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(self.definition.name)
            .on_thread_start(move || here::stay(self))
            .enable_all()
            .build()
            .map_err(|error| {
                let message = format!("the plugin {} cannot start its threads: {}", self.definition.name, error.kind());
                Error::new(Kind::Io, message, "see whether this machine is out of memory or threads")
            })?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Runs the author's code on the runtime. Dropped before its end, it is aborted.
    pub(crate) async fn spawned<T: Send + 'static>(
        &'static self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T, Ended> {
        let mut task = AbortOnDrop(self.runtime()?.spawn(work));
        match (&mut task.0).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// What a task that did not come to its end means.
    pub(crate) fn lost(&self, error: JoinError) -> Ended {
        match error.try_into_panic() {
            Ok(payload) => {
                // It may hold data, and its drop may panic in its turn.
                std::mem::forget(payload);
                self.poison();
                Ended::Panic
            }
            Err(_) => Ended::Error(crate::turn::interrupted()),
        }
    }

    pub(crate) fn keep(&self, thing: Thing) -> NonZeroU64 {
        let mut things = lock(&self.things);
        things.last += 1;
        let handle = things.last;
        things.by_handle.insert(handle, thing);
        NonZeroU64::new(handle).unwrap_or(NonZeroU64::MAX)
    }

    pub(crate) fn find(&self, handle: Handle) -> Option<Thing> {
        lock(&self.things).by_handle.get(&handle).cloned()
    }

    pub(crate) fn forget(&self, handle: Handle) -> Option<Thing> {
        lock(&self.things).by_handle.remove(&handle)
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A lock that a panic let go is as good as any: the library is poisoned then, and nothing is half done under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
