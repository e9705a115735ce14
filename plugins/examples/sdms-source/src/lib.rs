//! A REST system without listing endpoints as a source of documents: ids from a CSV file, one request for each, and a mapping from the
//! system's JSON to the payload's shape. `README.md` says how it is configured.
//!
//! | module | what |
//! |---|---|
//! | [`ids`] | the list |
//! | [`client`] | requests: rate limit, back-off, what an answer means |
//! | [`mapping`] | the system's JSON as a document |
//! | [`position`] | the file from which a read that was cut off goes on |
//! | [`options`] | the keys of `[source]` |
#![warn(missing_docs)]

pub mod client;
pub mod ids;
pub mod mapping;
pub mod options;
pub mod position;

use std::collections::BTreeSet;

use csc_bridge_plugin_sdk::error::{Error, Result};
use csc_bridge_plugin_sdk::tokio::sync::Mutex;
use csc_bridge_plugin_sdk::{Documents, Options, async_trait, export_documents, tracing};

use client::{Answer, Client};
use ids::List;
use options::Settings;
use position::Position;

export_documents!(Sdms);

/// The system.
pub struct Sdms {
    settings: Settings,
    client: Client,
    /// Says what went wrong with one line of the list. Never an id.
    tell: fn(&str),
    reading: Mutex<Option<Reading>>,
}

/// A read that has begun.
struct Reading {
    list: List,
    position: Position,
    /// Ids that may be asked for yet.
    left: BTreeSet<String>,
    /// A record that is asked for once more after the end is not kept.
    has_ended: bool,
    tally: Tally,
}

/// What came of a read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Documents.
    pub synced: u64,
    /// Lines that hold no id, and records that could not be had.
    pub errors: u64,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} synced, {} errors", self.synced, self.errors)
    }
}

#[async_trait]
impl Documents for Sdms {
    fn from_options(options: &Options) -> Result<Sdms> {
        Sdms::telling(options, |what| tracing::warn!("{what}"))
    }

    async fn ids(&self) -> Result<Vec<String>> {
        let mut reading = self.reading.lock().await;
        // The file is free again before it is opened anew.
        *reading = None;
        let mut begun = self.begin().await?;
        let ids = begun.list.all();
        if begun.left.is_empty() {
            begun.end()?;
        }
        *reading = Some(begun);
        Ok(ids)
    }

    async fn document(&self, id: &str) -> Result<Option<String>> {
        let mut reading = self.reading.lock().await;
        let reading =
            reading.as_mut().ok_or_else(|| Error::internal("a document was asked for before the ids were"))?;
        let document = self.answer(reading, id).await?;
        reading.pass(id)?;
        Ok(document)
    }
}

impl Sdms {
    /// The system, with somebody who hears what went wrong with single lines of the list.
    ///
    /// # Errors
    /// As [`Documents::from_options`].
    pub fn telling(options: &Options, tell: fn(&str)) -> Result<Sdms> {
        let settings = Settings::read(options)?;
        let client = Client::new(&settings)?;
        Ok(Sdms { settings, client, tell, reading: Mutex::new(None) })
    }

    /// Fetches every record of the list that the position does not have yet, and leaves them there: the next read takes them from it.
    ///
    /// # Errors
    /// As [`Documents::document`]; what was fetched stays.
    pub async fn sync(&self) -> Result<Tally> {
        let mut reading = self.begin().await?;
        for id in std::mem::take(&mut reading.left) {
            self.answer(&mut reading, &id).await?;
        }
        Ok(reading.tally)
    }

    async fn begin(&self) -> Result<Reading> {
        let list = List::read(&self.settings.ids)?;
        for (line, what) in &list.faults {
            (self.tell)(&format!("line {line} of the list: {what}"));
        }
        let position =
            Position::open(&self.settings.position, &self.settings.digest, self.settings.resume_within).await?;
        if position.count() > 0 {
            tracing::info!(records = position.count(), "the last read was cut off: it goes on from there");
        }
        let tally = Tally { synced: 0, errors: list.errors() };
        Ok(Reading { left: list.askable(), list, position, has_ended: false, tally })
    }

    /// A record's document, from the position or from the system.
    async fn answer(&self, reading: &mut Reading, id: &str) -> Result<Option<String>> {
        if let Some(known) = reading.position.get(id)? {
            reading.tally.count(known.is_some());
            return Ok(known);
        }
        let what = match self.client.get(id).await? {
            Answer::Found(record) => match self.settings.mapping.document(id, &record) {
                Ok(document) => {
                    reading.keep(id, Some(&document))?;
                    reading.tally.count(true);
                    return Ok(Some(document));
                }
                Err(what) => what,
            },
            Answer::Refused(what) => what,
            // Not a word on the record: the next read asks again.
            Answer::Unavailable => {
                self.say(reading, id, "the system did not answer in time, or failed");
                return Ok(None);
            }
        };
        reading.keep(id, None)?;
        self.say(reading, id, what);
        Ok(None)
    }

    fn say(&self, reading: &mut Reading, id: &str, what: &str) {
        reading.tally.count(false);
        match reading.list.line(id) {
            Some(line) => (self.tell)(&format!("line {line} of the list: {what}")),
            None => (self.tell)(&format!("a record: {what}")),
        }
    }
}

impl Reading {
    fn keep(&mut self, id: &str, document: Option<&str>) -> Result<()> {
        if self.has_ended { Ok(()) } else { self.position.put(id, document) }
    }

    /// This record was asked for. csc-bridge asks in the order of ids: what stands before it and was not asked for will not be, such as an
    /// id that it takes for none.
    fn pass(&mut self, id: &str) -> Result<()> {
        self.left = self.left.split_off(id);
        self.left.remove(id);
        if self.left.is_empty() && !self.has_ended { self.end() } else { Ok(()) }
    }

    /// Every record was asked for: the next read begins anew.
    fn end(&mut self) -> Result<()> {
        self.has_ended = true;
        tracing::info!("{}", self.tally);
        self.position.finish()
    }
}

impl Tally {
    fn count(&mut self, is_good: bool) {
        *(if is_good { &mut self.synced } else { &mut self.errors }) += 1;
    }
}
