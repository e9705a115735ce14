use std::time::Duration;

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::table::{COMPLETE, Entry};
use csc_bridge_plugin_sdk::__plugin;
use csc_bridge_plugin_sdk::arrow_array::cast::AsArray;
use csc_bridge_plugin_sdk::arrow_array::{Array, RecordBatch};
use csc_bridge_plugin_sdk::error::{Error, Result};
use csc_bridge_plugin_sdk::serde::Deserialize;
use csc_bridge_plugin_sdk::{Documents, Options, async_trait, tokio};

use crate::host::{Loaded, load};

#[derive(Deserialize)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
struct Archive {
    ids: Vec<String>,
    /// At which id it fails, panics, or takes its time.
    #[serde(default)]
    fails: String,
    #[serde(default)]
    panics: String,
    #[serde(default)]
    slow: String,
}

#[async_trait]
impl Documents for Archive {
    fn from_options(options: &Options) -> Result<Archive> {
        options.parse()
    }

    async fn ids(&self) -> Result<Vec<String>> {
        Ok(self.ids.clone())
    }

    async fn document(&self, id: &str) -> Result<Option<String>> {
        assert!(id != self.panics, "{id}");
        if id == self.fails {
            return Err(Error::new(Kind::Unreachable, "it is down", "wait"));
        }
        if id == self.slow {
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        Ok((id != "none").then(|| format!("{{\"la_child_id\":\"{id}\"}}")))
    }
}

fn ask(plugin: &Loaded, session: u64, children: &str) -> (Vec<RecordBatch>, u64) {
    let stream = plugin.call(Entry::SessionDocuments, session, &format!(r#"{{"children":{children}}}"#)).handle();
    let read = plugin.read(stream);
    plugin.call(Entry::Release, stream, "").json();
    read
}

#[test]
fn ids_and_documents_come_and_no_tables() {
    __plugin!(P, documents: Archive);
    let plugin = load::<P>();
    assert_eq!(plugin.call(Entry::Describe, 0, "").json()["source"], "documents");
    let absent = [Entry::SessionList, Entry::SessionCount, Entry::SessionSelect, Entry::SessionScan, Entry::SinkNew];
    assert!(absent.into_iter().all(|entry| !plugin.has(entry)));
    let (_, session) = plugin.session(r#"{"ids":["2","none","10"]}"#);
    let (batches, rows) = ask(&plugin, session, "null");
    let ids: Vec<_> = batches[0]["person_id"].as_string::<i32>().iter().flatten().collect();
    assert_eq!((ids, rows, batches[0]["document"].null_count()), (vec!["2", "none", "10"], 3, 3));
    let (batches, rows) = ask(&plugin, session, r#"["10","none"]"#);
    let documents: Vec<_> = batches[0]["document"].as_string::<i32>().iter().collect();
    assert_eq!((documents, rows), (vec![Some("{\"la_child_id\":\"10\"}"), None], 2));
    assert_eq!(ask(&plugin, session, "[]"), (vec![], 0));
}

#[test]
fn documents_before_a_failure_come_and_no_good_end() {
    __plugin!(P, documents: Archive);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"ids":[],"fails":"2"}"#);
    let stream = plugin.call(Entry::SessionDocuments, session, r#"{"children":["1","2","3"]}"#).handle();
    loop {
        let answer = plugin.call(Entry::StreamNext, stream, "");
        assert_ne!(answer.status, COMPLETE);
        if answer.status != csc_bridge_plugin_abi::table::OK {
            assert_eq!(answer.error().kind(), Kind::Unreachable);
            break;
        }
    }
}

#[test]
fn a_panic_over_one_document_poisons_and_says_nothing_of_it() {
    __plugin!(P, documents: Archive);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"ids":[],"panics":"Zaphod"}"#);
    let stream = plugin.call(Entry::SessionDocuments, session, r#"{"children":["Zaphod"]}"#).handle();
    assert_eq!(plugin.call(Entry::StreamNext, stream, "").status, csc_bridge_plugin_abi::table::PANIC);
    assert!(!format!("{:?}", plugin.logged()).contains("Zaphod"), "{:?}", plugin.logged());
}

#[test]
fn a_batch_goes_when_it_is_large_enough_or_has_taken_long_enough() {
    __plugin!(P, documents: Archive);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"ids":[],"slow":"C0002"}"#);
    let children: Vec<String> = (0..1200).map(|at| format!("\"C{at:04}\"")).collect();
    let (batches, rows) = ask(&plugin, session, &format!("[{}]", children.join(",")));
    let sizes: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!((sizes, rows), (vec![3, 500, 500, 197], 1200));
}
