//! A plugin for tests: the built-in sink that writes files, unchanged.
#![warn(missing_docs)]

use std::sync::Arc;

use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_file::FileSink;
use csc_bridge_plugin_sdk::error::Result;
use csc_bridge_plugin_sdk::sink::{Facts, Limits, Probe, Receipt, Record, SendError, Sent, Sink};
use csc_bridge_plugin_sdk::{Options, PluginSink, async_trait, export_sink};

struct Files(Arc<dyn Sink>);

impl PluginSink for Files {
    fn from_options(options: &Options, la_code: &str) -> Result<Files> {
        FileSink.sink(options, la_code).map(Files)
    }

    fn facts(options: &Options) -> Result<Facts> {
        FileSink.facts(options)
    }
}

#[async_trait]
impl Sink for Files {
    fn limits(&self) -> Limits {
        self.0.limits()
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        self.0.send(records).await
    }

    async fn send_with_request_id(&self, records: &[Record<'_>]) -> Sent {
        self.0.send_with_request_id(records).await
    }

    async fn probe(&self) -> Probe {
        self.0.probe().await
    }
}

export_sink!(Files);
