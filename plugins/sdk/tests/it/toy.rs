//! A source for tests: its options say what it does, and a watch what it did. It is written as an author's would be, with what the SDK
//! re-exports.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use csc_bridge_plugin_sdk::arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray, UInt64Array};
use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::serde::Deserialize;
use csc_bridge_plugin_sdk::source::{ReadSession, RowStream, Scan, ScanEvent, Source, Table, TableName};
use csc_bridge_plugin_sdk::{Options, PluginSource, async_trait, tracing};

/// A child's name, as a careless panic says it.
pub const NAME: &str = "Ottilie-10023";

#[derive(Deserialize, Clone)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
pub struct Toy {
    /// By whom its watch is found.
    #[serde(default)]
    pub watch: String,
    /// Batches of a scan or list, of two rows each.
    #[serde(default)]
    batches: usize,
    /// Where it panics, waits, blocks its thread, or fails.
    #[serde(default)]
    panics: String,
    #[serde(default)]
    waits: String,
    #[serde(default)]
    blocks: String,
    #[serde(default)]
    fails: String,
}

/// What the toys of one test did.
#[derive(Default)]
pub struct Watch {
    pub fetched: AtomicUsize,
    pub sessions: AtomicUsize,
    pub streams: AtomicUsize,
    /// Some code waits or blocks.
    pub stuck: AtomicBool,
    pub waiting: AtomicUsize,
    /// Lets what blocks go on.
    pub go: AtomicBool,
}

pub fn watch(name: &str) -> Arc<Watch> {
    static WATCHES: Mutex<BTreeMap<String, Arc<Watch>>> = Mutex::new(BTreeMap::new());
    WATCHES.lock().unwrap().entry(name.to_owned()).or_default().clone()
}

/// Waits until it is so.
pub fn until(so: impl Fn() -> bool) {
    while !so() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Counts while it waits.
struct Waits(Arc<Watch>);

impl Waits {
    fn begin(watch: Arc<Watch>) -> Waits {
        watch.waiting.fetch_add(1, Ordering::SeqCst);
        Waits(watch)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Toy {
    async fn at(&self, place: &str) -> Result<()> {
        self.maybe_panic(place);
        let watch = watch(&self.watch);
        if self.waits == place {
            watch.stuck.store(true, Ordering::SeqCst);
            let _waits = Waits::begin(watch.clone());
            std::future::pending::<()>().await;
        }
        if self.blocks == place {
            watch.stuck.store(true, Ordering::SeqCst);
            until(|| watch.go.load(Ordering::SeqCst));
        }
        match self.fails == place {
            true => Err(Error::new(Kind::Unreachable, format!("no answer to {place}"), "check the VPN")),
            false => Ok(()),
        }
    }

    fn maybe_panic(&self, place: &str) {
        assert!(self.panics != place, "{NAME} in {place}");
    }
}

impl PluginSource for Toy {
    fn from_options(options: &Options) -> Result<Toy> {
        let toy: Toy = options.parse()?;
        toy.maybe_panic("new");
        Ok(toy)
    }
}

#[async_trait]
impl Source for Toy {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        self.at("open").await?;
        if let Some(table) = tables.iter().find(|table| table.name.table != "t") {
            return Err(Error::new(Kind::Schema, format!("no table {}", table.name), "grant it"));
        }
        tracing::info!(tables = tables.len(), "a session begins");
        tracing::info!(target: "some_driver", "SELECT {NAME}");
        watch(&self.watch).sessions.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Session { toy: self.clone(), children: vec![] }))
    }
}

struct Session {
    toy: Toy,
    children: Vec<String>,
}

#[async_trait]
impl ReadSession for Session {
    async fn list(&mut self, _: &TableName, _: &[String]) -> Result<Box<dyn RowStream + '_>> {
        self.toy.at("list").await?;
        Ok(Rows::begin(&self.toy, None))
    }

    async fn count(&mut self, _: &TableName) -> Result<u64> {
        self.toy.at("count").await?;
        Ok(self.toy.batches as u64 * 2)
    }

    async fn select(&mut self, children: &[String]) -> Result<()> {
        self.toy.at("select").await?;
        self.children = children.to_vec();
        Ok(())
    }

    async fn scan(&mut self, _: &Scan) -> Result<Box<dyn RowStream + '_>> {
        self.toy.at("scan").await?;
        Ok(Rows::begin(&self.toy, Some(&self.children)))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        watch(&self.toy.watch).sessions.fetch_sub(1, Ordering::SeqCst);
        if !std::thread::panicking() {
            self.toy.maybe_panic("drop");
        }
    }
}

/// Two rows a batch: of the two first children, or of nobody.
struct Rows<'a> {
    toy: &'a Toy,
    children: Option<&'a [String]>,
    batch: usize,
}

impl<'a> Rows<'a> {
    fn begin(toy: &'a Toy, children: Option<&'a [String]>) -> Box<dyn RowStream + 'a> {
        watch(&toy.watch).streams.fetch_add(1, Ordering::SeqCst);
        Box::new(Rows { toy, children, batch: 0 })
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        watch(&self.toy.watch).streams.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl RowStream for Rows<'_> {
    async fn next(&mut self) -> Result<ScanEvent> {
        if self.batch == self.toy.batches {
            self.toy.at("end").await?;
            return Ok(ScanEvent::Complete { rows: self.batch as u64 * 2 });
        }
        self.toy.at("next").await?;
        self.batch += 1;
        watch(&self.toy.watch).fetched.fetch_add(1, Ordering::SeqCst);
        let ids = match self.children {
            Some(children) => children.to_vec(),
            None => vec![format!("a{}", self.batch), format!("b{}", self.batch)],
        };
        let id = match self.toy.fails.as_str() {
            "type" => Arc::new(UInt64Array::from(vec![1, 2])) as ArrayRef,
            _ => Arc::new(StringArray::from(ids)) as ArrayRef,
        };
        let id = ("id", id);
        let child = self.children.map(|_| ("child", Arc::new(Int32Array::from(vec![0, 1])) as ArrayRef));
        Ok(ScanEvent::Rows(RecordBatch::try_from_iter(child.into_iter().chain([id])).unwrap()))
    }
}
