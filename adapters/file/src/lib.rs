//! A sink that writes the batches to a folder: nothing leaves the authority.
//!
//! For looking at what would be sent, and for authorities that carry the files elsewhere by their own means. Each batch becomes one file
//! `batch-<time>-<uuid>.json` with exactly the body that DfE's API would get: a JSON array of documents. A file appears whole
//! under that name or not at all, so another program may pick up whatever it sees. Each record's receipt is
//! `<file name>#<position>`.
//!
//! The files hold children's data. On Unix they are readable by the account that runs csc-bridge only; on Windows they have the
//! folder's permissions.
#![warn(missing_docs)]

mod batch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_core::sink::{Facts, Limits, Probe, Receipt, Record, SendError, Sink, Then, array};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Long enough for a slow network folder. A write cannot be called back, so it is only a guess of how long one can take.
const WRITE_LIFE: Duration = Duration::from_secs(120);

/// The adapter `file`: see [`SinkAdapter`].
///
/// Its keys in `[sink]`: `folder`, and optionally `max_records` (100) and `max_bytes` (4,000,000).
pub struct FileSink;

impl SinkAdapter for FileSink {
    fn name(&self) -> &'static str {
        "file"
    }

    fn facts(&self, options: &Options) -> Result<Facts> {
        Ok(Facts { limits: options.parse::<Keys>()?.limits(), is_local: true })
    }

    /// # Errors
    /// [`Kind::Config`] for the keys; [`Kind::Io`] where the folder is not there.
    fn sink(&self, options: &Options, _la_code: &str) -> Result<Arc<dyn Sink>> {
        let keys: Keys = options.parse()?;
        let folder = options.path(&keys.folder);
        if !folder.is_dir() {
            return Err(Error::new(
                Kind::Io,
                format!("[sink] folder {} is not there, or is not a folder", folder.display()),
                "make the folder, on an encrypted disk that only the account that runs csc-bridge may read",
            ));
        }
        Ok(Arc::new(Folder { folder, limits: keys.limits() }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    folder: PathBuf,
    #[serde(default = "default_max_records", deserialize_with = "positive")]
    max_records: usize,
    #[serde(default = "default_max_bytes", deserialize_with = "positive")]
    max_bytes: usize,
}

impl Keys {
    fn limits(&self) -> Limits {
        Limits { max_records: self.max_records, max_bytes: self.max_bytes, request_life: WRITE_LIFE }
    }
}

/// As many as DfE's API takes, so that a file is what would be sent there.
fn default_max_records() -> usize {
    100
}

fn default_max_bytes() -> usize {
    4_000_000
}

fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        0 => Err(D::Error::custom("a file needs room for a record; write at least 1")),
        number => Ok(number),
    }
}

struct Folder {
    folder: PathBuf,
    limits: Limits,
}

#[async_trait]
impl Sink for Folder {
    fn limits(&self) -> Limits {
        self.limits
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        let now = jiff::Timestamp::now();
        let body = array(records);
        let name = format!("batch-{}-{}.json", now.strftime("%Y%m%dT%H%M%S%.3fZ"), uuid::Uuid::new_v4());
        let (folder, file) = (self.folder.clone(), name.clone());
        // Disks block, network folders longer.
        let written = tokio::task::spawn_blocking(move || batch::write(&folder, &file, &body)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(failed)) => return Err(failed.error(&self.folder)),
            Err(_) => {
                let error = Error::internal("writing a batch to a file was broken off");
                return Err(SendError { error, then: Then::Unknown, status: None, detail: None });
            }
        }
        let received_at = now.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
        let receipt = |position| Receipt { id: format!("{name}#{position}"), received_at: Some(received_at.clone()) };
        Ok((0..records.len()).map(receipt).collect())
    }

    /// Writes an empty file and takes it away.
    async fn probe(&self) -> Probe {
        let folder = self.folder.clone();
        let tried = tokio::task::spawn_blocking(move || batch::try_writing(&folder)).await;
        let reach = match tried {
            Ok(Ok(())) => Ok(format!("files can be written to {}", self.folder.display())),
            Ok(Err(failed)) => Err(failed.error(&self.folder).error),
            Err(_) => Err(Error::internal("writing a file was broken off")),
        };
        Probe { reach: Some(reach), ..Probe::default() }
    }
}
