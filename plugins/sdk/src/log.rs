//! The plugin's log is the host's.
#![allow(unsafe_code)]

use std::fmt::{Debug, Write};
use std::panic::Location;

use csc_bridge_plugin_abi::message::one_line;
use csc_bridge_plugin_abi::table::{self, Bytes};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::here;
use crate::library::Library;

impl Library {
    /// One line into the host's log.
    pub(crate) fn log(&self, level: i32, text: &str) {
        let Some(host) = self.host() else { return };
        let Some(log) = host.log else { return };
        let line = one_line(text, "");
        // SAFETY: the header lets `log` be called from any thread until the process ends; `line` outlives the call.
        unsafe { log(host.context, level, Bytes::of(line.as_bytes())) }
    }

    pub(crate) fn log_panic(&self, at: Option<&Location<'_>>) {
        let (file, line) = at.map_or(("an unknown place", 0), |at| (at.file(), at.line()));
        self.log(table::LOG_ERROR, &format!("a panic in {} at {file}:{line}", self.definition.name));
    }
}

/// Sends events of the plugin's code to the host, unless somebody else takes them already.
pub(crate) fn forward(library: &'static Library) {
    let own = library.definition.module.split("::").next().unwrap_or_default();
    let _ = tracing::subscriber::set_global_default(Forward { library, own });
}

struct Forward {
    library: &'static Library,
    /// The author's crate.
    own: &'static str,
}

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    /// Events of the author's crate and of csc-bridge. Those of drivers quote statements and values.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let of = metadata.target().split("::").next().unwrap_or_default();
        metadata.is_event() && (of == self.own || of.starts_with("csc_bridge"))
    }

    fn event(&self, event: &Event<'_>) {
        let level = match *event.metadata().level() {
            Level::ERROR => table::LOG_ERROR,
            Level::WARN => table::LOG_WARN,
            Level::INFO => table::LOG_INFO,
            Level::DEBUG => table::LOG_DEBUG,
            Level::TRACE => table::LOG_TRACE,
        };
        let mut line = Line(String::new());
        event.record(&mut line);
        here::library().unwrap_or(self.library).log(level, &line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The message, then `name=value` for every field.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // A String takes whatever is written.
        let _ = match field.name() {
            "message" => {
                let fields = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{fields}")
            }
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
