//! A folder with a list and a mapping, and a plugin that reads them as its host would.

use std::path::{Path, PathBuf};

use csc_bridge_plugin_sdk::error::Result;
use csc_bridge_plugin_sdk::{Documents, Options};
use sdms_source::Sdms;
use serde_json::{Value, json};

use crate::server;

pub const MAPPING: &str = "id = \"/id\"\n[fields]\n\"child_details.first_name\" = \"/name\"\n";

pub struct Place {
    folder: tempfile::TempDir,
    pub sdms: server::Sdms,
}

impl Place {
    /// With a record for each of these ids, which the list names.
    pub fn with(ids: &[&str]) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap(), sdms: server::Sdms::start() };
        place.write("sdms-student.toml", MAPPING);
        place.write("ids.csv", &ids.join("\n"));
        for id in ids {
            place.sdms.put(id, json!({"id": id, "name": format!("name of {id}")}));
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The plugin, with more keys in its section.
    pub fn plugin(&self, more: Value) -> Result<Sdms> {
        let mut keys = json!({"endpoint": self.sdms.endpoint(), "ids": "ids.csv", "min_interval": "0s"});
        keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Sdms::from_options(&Options::from_json("source", Path::new(self.folder.path()), keys.as_object().unwrap())?)
    }
}

/// The ids, and the documents of those that are asked for, as csc-bridge asks.
pub async fn read(sdms: &Sdms) -> Result<Vec<(String, Option<String>)>> {
    let mut documents = Vec::new();
    for id in sdms.ids().await? {
        let document = sdms.document(&id).await?;
        documents.push((id, document));
    }
    Ok(documents)
}

/// The first names in the documents; `-` for one that could not be had.
pub fn names(documents: &[(String, Option<String>)]) -> Vec<String> {
    let name = |document: &Option<String>| {
        let document: Value = serde_json::from_str(document.as_ref()?).unwrap();
        Some(document["child_details"]["first_name"].as_str().unwrap().to_owned())
    };
    documents.iter().map(|(_, document)| name(document).unwrap_or_else(|| "-".to_owned())).collect()
}
