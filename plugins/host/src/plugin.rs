//! A loaded plugin, wherever it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use csc_bridge_core::error::{Kind, Result};
use csc_bridge_plugin_abi::message::Description;

use crate::isolated::{Isolated, Program};
use crate::library::Library;
use crate::line::{Line, Transport, timed_out, within};
use crate::log;
use crate::trust::Verified;

/// How long a plugin may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one call: a batch of rows, a batch of records.
    pub call: Duration,
    /// For what does nothing slow: loading, init, describe, the options, a release.
    pub start: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { call: Duration::from_secs(600), start: Duration::from_secs(30) }
    }
}

/// A plugin that was allowed, loaded, and asked what it is.
pub struct Plugin {
    name: &'static str,
    description: Description,
    limits: Limits,
    hosting: Hosting,
}

enum Hosting {
    InProcess(Arc<Library>),
    Isolated {
        /// As they were hashed: each child gets them.
        library: Arc<[u8]>,
        program: Program,
        /// The child that was asked for the description, until the first line takes it.
        spare: Mutex<Option<Arc<Isolated>>>,
    },
}

impl Plugin {
    /// Loads a plugin as the list says: in this process, or by `program` in another. Its `timeout` is the limit of a call. Blocks, for
    /// half a minute at most.
    ///
    /// # Errors
    /// [`Kind::Io`]: it cannot be loaded, or no process started. [`Kind::Protocol`]: it is no plugin, of another version, or breaks the
    /// protocol. [`Kind::Unreachable`]: it did not start in time, or died.
    pub fn load(verified: Verified, program: Program) -> Result<Plugin> {
        let limits = Limits { call: verified.allowed.timeout, ..Limits::default() };
        match verified.allowed.isolate {
            true => Plugin::isolated(verified, program, limits),
            false => Plugin::in_process(verified, limits),
        }
    }

    /// Loads a plugin into this process.
    ///
    /// # Errors
    /// As [`Plugin::load`].
    pub fn in_process(verified: Verified, limits: Limits) -> Result<Plugin> {
        let name = leak(&verified.manifest.name);
        let listener = Box::new(move |level: i32, line: &str| log::write(name, level, line));
        let loaded = within(limits.start, move || Library::load(name, &verified.library, listener));
        let library = loaded
            .unwrap_or_else(|| Err(timed_out(name, "its start", Kind::Unreachable, limits.start)))
            .map_err(|error| about(name, error))?;
        let description = library.description().clone();
        Ok(Plugin { name, description, limits, hosting: Hosting::InProcess(Arc::new(library)) })
    }

    /// Loads a plugin into children of this process.
    ///
    /// # Errors
    /// As [`Plugin::load`].
    pub fn isolated(verified: Verified, program: Program, limits: Limits) -> Result<Plugin> {
        let name = leak(&verified.manifest.name);
        let library: Arc<[u8]> = verified.library.into();
        let child = Isolated::start(name, &library, &program, limits.start).map_err(|error| about(name, error))?;
        let description = child.description()?.clone();
        let hosting = Hosting::Isolated { library, program, spare: Mutex::new(Some(child)) };
        Ok(Plugin { name, description, limits, hosting })
    }

    /// Its name, which is the adapter's in TOML.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// A line to the plugin: in the process always the same library, isolated a child of its own. Blocks while a child starts.
    ///
    /// # Errors
    /// As [`Plugin::load`].
    pub(crate) fn line(&self) -> Result<Line> {
        let transport: Arc<dyn Transport> = match &self.hosting {
            Hosting::InProcess(library) => library.clone(),
            Hosting::Isolated { library, program, spare } => {
                let spare = spare.lock().unwrap_or_else(PoisonError::into_inner).take();
                match spare.filter(|spare| spare.is_usable()) {
                    Some(child) => child,
                    None => Isolated::start(self.name, library, program, self.limits.start)
                        .map_err(|error| about(self.name, error))?,
                }
            }
        };
        Ok(Line { transport, plugin: self.name, limit: self.limits.call })
    }
}

/// Core keeps adapters by names that live for ever. A process loads a handful of plugins, each once.
fn leak(name: &str) -> &'static str {
    Box::leak(name.into())
}

fn about(name: &str, error: csc_bridge_core::error::Error) -> csc_bridge_core::error::Error {
    error.within(format_args!("starting the plugin {name}"))
}
