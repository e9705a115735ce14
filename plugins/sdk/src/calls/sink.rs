//! The entries of a sink.

use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::{SendError, Sent, Sink, Then};
use csc_bridge_plugin_abi::message::{
    NewSink, ProbeAnswer, SendRecords, SinkFacts, SinkHandle, decode_input, write_sent,
};
use csc_bridge_plugin_abi::table::{Entry, Handle};

use super::stranger;
use crate::library::{Ended, Kept, Library, Thing};
use crate::output::{Answer, Output, json};
use crate::turn::{Turn, misuse, wait};

pub(crate) fn sink_facts(library: &'static Library, _: Handle, input: &[u8]) -> Answer {
    let maker = library.definition.sink.ok_or_else(stranger)?;
    let (options, _) = options(Entry::SinkFacts, input)?;
    let facts = wait(library.spawned(async move { (maker.facts)(&options) }))?;
    json(&SinkFacts::from(facts))
}

pub(crate) fn sink_new(library: &'static Library, _: Handle, input: &[u8]) -> Answer {
    let maker = library.definition.sink.ok_or_else(stranger)?;
    let (options, la_code) = options(Entry::SinkNew, input)?;
    let la_code = la_code.ok_or_else(|| misuse("the host's input of sink_new lacks the field la_code"))?;
    let making = async move {
        let sink = (maker.new)(&options, &la_code)?;
        let limits = sink.limits();
        Ok((sink, limits))
    };
    let (it, limits) = wait(library.spawned(making))?;
    let handle = library.keep(Thing::Sink(Arc::new(Kept { turn: Turn::default(), it })));
    json(&SinkHandle::new(handle, limits))
}

pub(crate) fn sink_send(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let sink = sink(library, of)?;
    // The task may outlive the call, where that is cancelled; the host's bytes do not.
    let (it, input) = (sink.it.clone(), input.to_vec());
    let sending = async move {
        let batch: SendRecords = decode_input(Entry::SinkSend, &input)?;
        if batch.records.is_empty() {
            return Err(misuse("a batch without records came"));
        }
        Ok(it.send_with_request_id(&batch.records()).await)
    };
    let (status, bytes) = write_sent(&sink.turn.run(library.spawned(sending))?);
    Ok(Output::new(status, bytes))
}

/// A batch that never reached the sink, or was cancelled on its way.
pub(crate) fn refused(error: Error) -> Output {
    let then = if error.kind() == Kind::Interrupted { Then::Unknown } else { Then::GiveUp };
    let sent = Sent { result: Err(SendError { error, then, status: None, detail: None }), request_id: None };
    let (status, bytes) = write_sent(&sent);
    Output::new(status, bytes)
}

pub(crate) fn sink_probe(library: &'static Library, of: Handle, _: &[u8]) -> Answer {
    let sink = sink(library, of)?;
    let it = sink.it.clone();
    let probe = sink.turn.run(library.spawned(async move { Ok(it.probe().await) }))?;
    json(&ProbeAnswer::from(&probe))
}

fn sink(library: &Library, of: Handle) -> Result<Arc<Kept<dyn Sink>>, Ended> {
    match library.find(of) {
        Some(Thing::Sink(sink)) => Ok(sink),
        _ => Err(stranger().into()),
    }
}

fn options(entry: Entry, input: &[u8]) -> Result<(Options, Option<String>)> {
    let NewSink { options, folder, la_code } = decode_input(entry, input)?;
    Ok((Options::from_json("sink", Path::new(&folder), &options)?, la_code))
}
