//! A plugin that takes documents.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use csc_bridge_core::error::{Directive, Error, Result};
use csc_bridge_core::sink::{Facts, Limits, Probe, Receipt, Record, SendError, Sent, Sink, Then};
use csc_bridge_plugin_abi::message::{
    ProbeAnswer, SendRecords, SinkFacts, SinkHandle, decode_answer, encode, read_sent,
};
use csc_bridge_plugin_abi::table::{Entry, Handle};

use crate::Plugin;
use crate::line::Line;

/// What the options say. Blocks.
pub(super) fn facts(plugin: &Plugin, input: Vec<u8>) -> Result<Facts> {
    let line = plugin.line()?;
    let output = line.call_blocking(Entry::SinkFacts, 0, input, plugin.limits().start)?.done(Entry::SinkFacts)?;
    Facts::try_from(decode_answer::<SinkFacts>(Entry::SinkFacts, &output)?)
}

/// A sink with as many handles of the plugin as there are batches under way: on one of them, one is sent at a time.
pub(super) struct PluginSink {
    plugin: Arc<Plugin>,
    /// The input of `sink_new`. It may name secrets.
    options: Vec<u8>,
    limits: Limits,
    idle: Mutex<Vec<Made>>,
}

/// A sink that the plugin made.
struct Made {
    line: Line,
    handle: Handle,
    limits: crate::Limits,
}

impl Drop for Made {
    fn drop(&mut self) {
        self.line.release(vec![self.handle], || (), self.limits.start);
    }
}

impl PluginSink {
    /// Has the plugin check the options. Blocks.
    pub fn new(plugin: Arc<Plugin>, options: Vec<u8>) -> Result<PluginSink> {
        let (made, limits) = make(&plugin, &options)?;
        Ok(PluginSink { plugin, options, limits, idle: Mutex::new(vec![made]) })
    }

    async fn take(&self) -> Result<Made> {
        // Those whose child died are left.
        while let Some(made) = self.idle().pop() {
            if made.line.transport.is_usable() {
                return Ok(made);
            }
        }
        let (plugin, options) = (self.plugin.clone(), self.options.clone());
        // Ends in time: every call in it has its limit.
        match tokio::task::spawn_blocking(move || make(&plugin, &options)).await {
            Ok(made) => Ok(made?.0),
            Err(_) => Err(Error::internal("a task that called a plugin ended without a result")),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Made>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tried(&self) -> Result<Probe> {
        let made = self.take().await?;
        let (line, handle) = (made.line.clone(), made.handle);
        let (answer, made) = line.call(Entry::SinkProbe, handle, Vec::new(), made).await?;
        self.idle().push(made);
        let output = answer.done(Entry::SinkProbe)?;
        Probe::try_from(decode_answer::<ProbeAnswer>(Entry::SinkProbe, &output)?)
    }
}

fn make(plugin: &Plugin, options: &[u8]) -> Result<(Made, Limits)> {
    let (line, limits) = (plugin.line()?, plugin.limits());
    let output = line.call_blocking(Entry::SinkNew, 0, options.to_vec(), limits.start)?.done(Entry::SinkNew)?;
    let new: SinkHandle = decode_answer(Entry::SinkNew, &output)?;
    let made = Made { line, handle: new.handle.get(), limits };
    Ok((made, new.limits()?))
}

#[async_trait]
impl Sink for PluginSink {
    fn limits(&self) -> Limits {
        self.limits
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        self.send_with_request_id(records).await.result
    }

    async fn send_with_request_id(&self, records: &[Record<'_>]) -> Sent {
        let input = match encode(&SendRecords::from(records)) {
            Ok(input) => input,
            Err(error) => return failed(error, Then::GiveUp),
        };
        let made = match self.take().await {
            Ok(made) => made,
            // The batch was not handed over.
            Err(error) if error.kind().directive() == Directive::NextRun => {
                return failed(error, Then::Retry { after: None });
            }
            Err(error) => return failed(error, Then::GiveUp),
        };
        let (line, handle) = (made.line.clone(), made.handle);
        match line.call(Entry::SinkSend, handle, input, made).await {
            Ok((answer, made)) => {
                self.idle().push(made);
                read_sent(answer.status, &answer.output, records.len())
            }
            // It died or did not answer, with the batch in its hands.
            Err(error) => failed(error, Then::Unknown),
        }
    }

    async fn probe(&self) -> Probe {
        match self.tried().await {
            Ok(probe) => probe,
            Err(error) => Probe { reach: Some(Err(error)), ..Probe::default() },
        }
    }
}

fn failed(error: Error, then: Then) -> Sent {
    Sent { result: Err(SendError { error, then, status: None, detail: None }), request_id: None }
}
