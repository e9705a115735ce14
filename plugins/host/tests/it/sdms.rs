//! The conformance suite for sources of documents, on the example that reads a REST system, in the process and isolated.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::config::Config;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::Source;
use csc_bridge_plugin_host::PluginAdapter;
use csc_bridge_testkit::Checked;
use csc_bridge_testkit::documents::{Archive, System, run_all, run_twins};
use serde_json::json;
use tempfile::TempDir;

use crate::conformance::installed;
use crate::sdms_server::Sdms;
use crate::support::{Hosted, InProcess, Isolated};

struct Rest {
    name: String,
    adapter: PluginAdapter,
}

#[async_trait]
impl System for Rest {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fresh(&self) -> Checked<Box<dyn Archive>> {
        let folder = tempfile::tempdir().unwrap();
        let mapping = "id = \"/id\"\n[fields]\n\"child_details.first_name\" = \"/name\"\n";
        std::fs::write(folder.path().join("sdms-student.toml"), mapping).unwrap();
        Ok(Box::new(Records { folder, sdms: Sdms::start(), adapter: self.adapter.clone() }))
    }
}

struct Records {
    folder: TempDir,
    sdms: Sdms,
    adapter: PluginAdapter,
}

impl Records {
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("ids.csv")
    }

    fn list(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }
}

#[async_trait]
impl Archive for Records {
    fn source(&self) -> Checked<Arc<dyn Source>> {
        let text = format!(
            "cms = \"sqlite\"\nla_code = \"845\"\n[source]\nadapter = \"sdms-source\"\nendpoint = \"{}\"\nids = \"ids.csv\"\n\
             min_interval = \"0s\"\nmax_attempts = 2\n",
            self.sdms.endpoint()
        );
        let config = Config::parse(&Path::new(self.folder.path()).join("csc-bridge.toml"), &text)?;
        Ok(self.adapter.source(&config.source.options)?)
    }

    async fn put(&self, child: &str, text: &str) -> Checked {
        self.sdms.put(child, json!({"id": child, "name": text}));
        let list = self.list();
        if !list.lines().any(|line| line == child) {
            std::fs::write(self.path(), format!("{list}{child}\n")).unwrap();
        }
        Ok(())
    }

    async fn withhold(&self, child: &str) -> Checked {
        self.sdms.remove(child);
        Ok(())
    }

    async fn forget(&self, child: &str) -> Checked {
        let list = self.list();
        let rest: Vec<&str> = list.lines().filter(|line| *line != child).collect();
        std::fs::write(self.path(), rest.join("\r\n")).unwrap();
        Ok(())
    }

    async fn break_after(&self, documents: usize) -> Checked {
        self.sdms.answer_only(Some(documents));
        Ok(())
    }
}

fn rest(what: &str, hosted: Hosted) -> Rest {
    let adapter = installed("sdms-source", "sdms_source", hosted);
    Rest { name: format!("{what}, {hosted}"), adapter }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdms_plugin_conforms_in_process() {
    run_all(&rest("sdms-source", InProcess)).await.must_pass();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdms_plugin_conforms_isolated() {
    run_all(&rest("sdms-source", Isolated)).await.must_pass();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_source_of_documents_is_noticed() {
    run_twins(&rest("broken twins of sdms-source", InProcess)).await.must_pass();
}
