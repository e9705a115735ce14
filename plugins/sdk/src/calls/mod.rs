//! The body of every entry: input to answer.

mod sink;
mod source;

use csc_bridge_core::error::Error;
use csc_bridge_plugin_abi::message::{Description, NOTHING};
use csc_bridge_plugin_abi::table::{Handle, OK};

use crate::library::{Ended, Library, Thing};
use crate::output::{Answer, Output, json};
use crate::turn::misuse;

pub(crate) use sink::{refused, sink_facts, sink_new, sink_probe, sink_send};
pub(crate) use source::{
    session_count, session_documents, session_list, session_scan, session_select, source_new, source_open, stream_next,
};

pub(crate) fn describe(library: &'static Library, _: Handle, _: &[u8]) -> Answer {
    let definition = &library.definition;
    json(&Description {
        name: definition.name.into(),
        version: definition.version.into(),
        source: definition.source.map(|source| source.kind),
        sink: definition.sink.is_some(),
    })
}

pub(crate) fn cancel(library: &'static Library, of: Handle, _: &[u8]) -> Answer {
    library.find(of).ok_or_else(stranger)?.turn().cancel();
    Ok(nothing())
}

pub(crate) fn release(library: &'static Library, of: Handle, _: &[u8]) -> Answer {
    match library.forget(of).ok_or_else(stranger)? {
        Thing::Session(session) => session.release(library),
        Thing::Stream(stream) => stream.release(),
        Thing::Source(_) | Thing::Sink(_) => {}
    }
    // A panic in the session's last moments.
    if library.is_poisoned() { Err(Ended::Panic) } else { Ok(nothing()) }
}

fn nothing() -> Output {
    Output::new(OK, NOTHING.to_vec())
}

/// A handle that is none, was released, or is of another kind.
fn stranger() -> Error {
    misuse("a call came with a handle that is not there, or of another kind")
}
