//! A sink for tests: its options say what becomes of a batch.

use std::time::Duration;

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::jiff::SignedDuration;
use csc_bridge_plugin_sdk::serde::Deserialize;
use csc_bridge_plugin_sdk::sink::{Facts, Limits, Probe, Receipt, Record, SendError, Sent, Sink, Then};
use csc_bridge_plugin_sdk::{Options, PluginSink, async_trait};

use crate::toy::NAME;

pub const BATCH: &str =
    r#"{"records":[{"person_id":"1","document":"{\"a\":\"é\"}"},{"person_id":"2","document":"{}"}]}"#;

#[derive(Deserialize)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
struct Keys {
    #[serde(default)]
    then: String,
    #[serde(default)]
    panics: String,
    #[serde(default)]
    #[expect(dead_code, reason = "the toy source's")]
    batches: usize,
}

pub struct ToySink {
    keys: Keys,
    la_code: String,
}

fn maybe_panic(keys: &Keys, place: &str) {
    assert!(keys.panics != place, "{NAME} in {place}");
}

const LIMITS: Limits = Limits { max_records: 7, max_bytes: 1000, request_life: Duration::from_millis(1500) };

impl PluginSink for ToySink {
    fn from_options(options: &Options, la_code: &str) -> Result<ToySink> {
        let keys: Keys = options.parse()?;
        maybe_panic(&keys, "sink");
        Ok(ToySink { keys, la_code: la_code.to_owned() })
    }

    fn facts(options: &Options) -> Result<Facts> {
        maybe_panic(&options.parse()?, "facts");
        Ok(Facts { limits: LIMITS, is_local: true })
    }
}

/// What may be done, by its word in a test.
pub fn then(word: &str) -> Option<Then> {
    let after = Some(Duration::from_millis(1234));
    Some(match word {
        "retry" => Then::Retry { after },
        "retry_unsure" => Then::RetryUnsure { after: None },
        "reauthenticate" => Then::Reauthenticate,
        "too_large" => Then::TooLarge,
        "bad_records" => Then::BadRecords(vec![1]),
        "give_up" => Then::GiveUp,
        "unknown" => Then::Unknown,
        _ => return None,
    })
}

#[async_trait]
impl Sink for ToySink {
    fn limits(&self) -> Limits {
        LIMITS
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        maybe_panic(&self.keys, "send");
        if self.keys.then == "never" {
            std::future::pending::<()>().await;
        }
        if let Some(then) = then(&self.keys.then) {
            let error = Error::new(Kind::Permission, "the batch is refused", "ask DfE");
            return Err(SendError { error, then, status: Some(418), detail: Some(format!("{NAME} is bad")) });
        }
        let receipt = |record: &Record| Receipt {
            id: format!("{}-{}-{}", self.la_code, record.person_id, record.document),
            received_at: Some("2026-11-20 02:14:55.120".into()),
        };
        Ok(records.iter().map(receipt).collect())
    }

    async fn send_with_request_id(&self, records: &[Record<'_>]) -> Sent {
        Sent { result: self.send(records).await, request_id: Some("00-4bf9".into()) }
    }

    async fn probe(&self) -> Probe {
        maybe_panic(&self.keys, "probe");
        Probe {
            token: Some(Ok("granted".into())),
            reach: Some(Err(Error::new(Kind::Permission, "the key is refused", "ask DfE"))),
            clock_ahead: Some(SignedDuration::from_secs(-2)),
        }
    }
}
