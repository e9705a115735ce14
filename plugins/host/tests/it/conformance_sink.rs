//! The sink part of the conformance suite through a plugin: the sink that writes files, in the process and isolated.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::config::Config;
use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_core::sink::Sink;
use csc_bridge_plugin_host::PluginAdapter;
use csc_bridge_testkit::sink::{Destination, End, run_all, run_twins};
use csc_bridge_testkit::{Checked, Failure};

use crate::conformance::installed;
use crate::support::{Hosted, InProcess, Isolated};

struct ThroughPlugin {
    name: String,
    adapter: PluginAdapter,
}

#[async_trait]
impl Destination for ThroughPlugin {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fresh(&self) -> Checked<Box<dyn End>> {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("out")).unwrap();
        Ok(Box::new(Folder { home, adapter: self.adapter.clone() }))
    }
}

struct Folder {
    home: tempfile::TempDir,
    adapter: PluginAdapter,
}

#[async_trait]
impl End for Folder {
    fn sink(&self) -> Checked<Arc<dyn Sink>> {
        let text = "cms = \"sqlite\"\nla_code = \"845\"\n[sink]\nadapter = \"file-plugin\"\nfolder = \"out\"\n";
        let config = Config::parse(&self.home.path().join("csc-bridge.toml"), text)?;
        Ok(self.adapter.sink(&config.sink.options, "845")?)
    }

    async fn arrived(&self) -> Checked<Vec<String>> {
        // No folder, no file; the names begin with the time.
        let Ok(files) = fs::read_dir(self.home.path().join("out")) else { return Ok(Vec::new()) };
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        let mut documents = Vec::new();
        for path in paths {
            let batch: Vec<serde_json::Value> = serde_json::from_str(&fs::read_to_string(path).unwrap())
                .map_err(|error| Failure::broken("an array of JSON", error))?;
            documents.extend(batch.iter().map(serde_json::Value::to_string));
        }
        Ok(documents)
    }

    async fn take_away(&self) -> Checked {
        fs::remove_dir_all(self.home.path().join("out")).unwrap();
        Ok(())
    }
}

fn through(hosted: Hosted) -> ThroughPlugin {
    ThroughPlugin { name: format!("file-plugin, {hosted}"), adapter: installed("file-plugin", "file_plugin", hosted) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_conforms_in_process() {
    run_all(&through(InProcess)).await.must_pass();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_conforms_isolated() {
    run_all(&through(Isolated)).await.must_pass();
}

/// The twin is wrong on the host's side: what arrives by the plugin is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn each_broken_sink_is_noticed_beside_the_plugin() {
    run_twins(&through(InProcess)).await.must_pass();
}
