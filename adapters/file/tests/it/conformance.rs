//! The file sink keeps to the contract, and the suite that says so notices every broken twin of it.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::sink::Sink;
use csc_bridge_testkit::sink::{Destination, End, run_all, run_twins};
use csc_bridge_testkit::{Checked, Failure};

struct Files;

#[async_trait]
impl Destination for Files {
    fn name(&self) -> &str {
        "file"
    }

    async fn fresh(&self) -> Checked<Box<dyn End>> {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join("out")).expect("a folder");
        Ok(Box::new(Folder { home }))
    }
}

struct Folder {
    home: tempfile::TempDir,
}

#[async_trait]
impl End for Folder {
    fn sink(&self) -> Checked<Arc<dyn Sink>> {
        Ok(super::sink(self.home.path(), "folder = \"out\"")?)
    }

    async fn arrived(&self) -> Checked<Vec<String>> {
        let out = self.home.path().join("out");
        let mut documents = Vec::new();
        // No folder, no file; the names begin with the time.
        let mut names = if out.is_dir() { super::names(&out) } else { Vec::new() };
        names.sort();
        for name in names {
            let text = fs::read_to_string(out.join(name)).expect("text");
            let batch: Vec<serde_json::Value> =
                serde_json::from_str(&text).map_err(|error| Failure::broken("an array of JSON", error))?;
            documents.extend(batch.iter().map(serde_json::Value::to_string));
        }
        Ok(documents)
    }

    async fn take_away(&self) -> Checked {
        fs::remove_dir_all(self.home.path().join("out")).expect("gone");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_sink_conforms() {
    run_all(&Files).await.must_pass();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_twin_is_noticed() {
    run_twins(&Files).await.must_pass();
}
