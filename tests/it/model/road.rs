//! The way to DfE, on which things go wrong: a sink that hands batches over, or not, and tells the sender the truth, or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::{Deletion, Semantics};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::pipeline::{Event, StageReport};
use csc_bridge_core::sink::{Limits, Receipt, Record, SendError, Sink, Then};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::faults::{Draw, Fault, Refusal, Way, When};
use super::office::{Office, REQUEST_LIFE, Terms};
use super::sequence::Sequence;
use super::ssd::Ssd;

/// A stage that has decided, and waits to write.
struct Staging {
    go: mpsc::Sender<()>,
    ended: JoinHandle<Ended>,
}

/// What the SSD's changes were, and what came of a stage.
type Ended = (Vec<String>, Result<StageReport, String>);

/// What is known at the end of a submit.
#[derive(Default)]
pub struct Log {
    /// What happened, for people.
    pub trace: Vec<String>,
    /// How often each fault occurred.
    pub counts: BTreeMap<String, u64>,
    /// Bodies that are still to arrive, with their children.
    pub late: Vec<Body>,
    /// Children whose request had no answer, or one that nobody recorded.
    pub doubtful: BTreeSet<String>,
    /// Children who were staged again while a request for them was on its way.
    pub overtaken: BTreeSet<String>,
    /// Children who were out of the cohort when somebody had staged.
    pub left: Vec<String>,
    /// Children of any request.
    pub sent: BTreeSet<String>,
    /// Requests.
    pub requests: u64,
    /// What must not happen.
    pub wrong: Option<String>,
    /// How often each group of children was sent.
    tries: BTreeMap<Vec<String>, u64>,
}

/// A request's body.
#[derive(Clone)]
pub struct Body {
    pub children: Vec<String>,
    pub text: String,
}

/// The sink of one submit.
pub struct Road {
    pub office: Arc<Office>,
    pub terms: Terms,
    /// What changes during a request.
    pub ssd: Arc<Mutex<Ssd>>,
    /// What goes wrong.
    pub draw: Draw,
    /// Children for whom it is no fault to be sent without need: see [`Sequence::excused`].
    pub excused: BTreeSet<String>,
    /// Children with a request that may still be answered: nothing may be sent for them.
    pub waiting: BTreeSet<String>,
    /// Children whom somebody wants sent again: in full.
    pub wanted: BTreeSet<String>,
    /// Told when the process is to die.
    pub crash: Notify,
    /// Held by whoever stages meanwhile: another process, which does not die with this one.
    pub others: Arc<()>,
    /// A stage that waits.
    across: Mutex<Option<Staging>>,
    log: Mutex<Log>,
}

impl Road {
    /// The way on which this sequence's next submit goes.
    pub fn of(sequence: &Sequence, draw: Draw) -> Self {
        Road {
            office: sequence.office.clone(),
            terms: sequence.terms,
            ssd: sequence.ssd.clone(),
            draw,
            excused: sequence.excused.clone(),
            waiting: sequence.office.may_be_answered(),
            wanted: sequence.wanted.clone(),
            crash: Notify::new(),
            others: Arc::default(),
            across: Mutex::default(),
            log: Mutex::default(),
        }
    }

    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("the log")
    }

    /// A child waits for the answer to an earlier request, nobody is purged whom the configuration keeps, what is sent is what the row
    /// says at this moment, and one that somebody wants sent again, or of whom nobody knows what DfE holds, is sent in full.
    fn may_be_sent(&self, child: &str, document: &str) {
        let rows = self.office.rows();
        let (Some(row), Ok(sent)) = (rows.get(child), serde_json::from_str::<Value>(document)) else { return };
        let deletions = self.terms.deletions;
        let may_purge = match row.state.as_str() {
            "deleted" => deletions.gone == Deletion::Purge,
            "left" => deletions.left == Deletion::Purge,
            // It came back since its purge was claimed, which is tested below.
            _ => true,
        };
        let is_purge = sent["purge"] == true;
        let replaces = self.terms.semantics == Semantics::Replace;
        let says = if is_purge || !replaces { &row.outgoing } else { &row.current };
        // Nobody has an expected date of birth here: only a full document mentions it, where DfE merges.
        let is_full = replaces || is_purge || sent["child_details"].get("expected_date_of_birth").is_some();
        let wrong = if self.waiting.contains(child) {
            "is sent, and an earlier request for it has no answer yet"
        } else if is_purge && !may_purge {
            "is purged, and the configuration keeps it"
        } else if self.terms.concurrency == 1 && says.as_ref() != Some(&sent) {
            // Of several workers one may be overtaken by what the others do just now.
            "is sent with something else than its row says"
        } else if (self.wanted.contains(child) || row.is_unsure()) && !is_full {
            "is to be sent in full, and is sent in part"
        } else {
            return;
        };
        self.log().wrong = Some(format!("{child} {wrong}: {document}"));
    }

    fn note(&self, fault: &str, children: &[String]) {
        let mut log = self.log();
        *log.counts.entry(fault.to_owned()).or_default() += 1;
        let line = format!("    request {} for {}: {fault}", log.requests, children.join(" "));
        log.trace.push(line);
    }

    /// Hands a batch over. Where that changes nothing at DfE's end, there must be an excuse for having sent it.
    async fn deliver(&self, body: &Body) -> Vec<Receipt> {
        let before = self.office.dfe.children();
        let answer = self.office.dfe.deliver(&body.text).await;
        let after = self.office.dfe.children();
        let mut log = self.log();
        for child in &body.children {
            let is_excused = self.excused.contains(child) || log.doubtful.contains(child);
            let judged =
                if is_excused { "delivered, with an excuse" } else { "delivered, and has to change something" };
            *log.counts.entry(judged.to_owned()).or_default() += 1;
            if before.get(child) == after.get(child) && !is_excused {
                log.wrong = Some(format!("{child} was sent, and DfE had it already: {}", body.text));
            }
        }
        let receipt = |id: String| Receipt { id, received_at: None };
        match answer {
            Ok(ids) => ids.into_iter().map(receipt).collect(),
            Err(error) => {
                log.wrong = Some(error);
                Vec::new()
            }
        }
    }

    async fn unanswered(&self, body: Body, way: Way) {
        match way {
            Way::Arrives => drop(self.deliver(&body).await),
            Way::IsLost => {}
            Way::IsLate => self.log().late.push(body.clone()),
        }
        self.log().doubtful.extend(body.children);
    }

    /// Whatever is on its way may be decided again.
    fn overtake(&self) {
        let mut log = self.log();
        let sent = log.sent.clone();
        log.overtaken.extend(sent);
    }

    /// The SSD changes, and another process stages: on a thread and a runtime of its own. Where `waits`, it comes back when that has
    /// decided, and is about to write what it decided.
    async fn stage(&self, children: &[String], waits: bool) {
        self.overtake();
        let (office, terms, ssd, other) = (self.office.clone(), self.terms, self.ssd.clone(), self.others.clone());
        let (mut rng, children) = (self.draw.rng(&("stage", children)), children.to_vec());
        let (decided, has_decided) = oneshot::channel();
        let (go, may_go) = mpsc::channel();
        let mut first = waits.then_some(decided);
        let ended = tokio::task::spawn_blocking(move || {
            let _other = other;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let ssd = ssd.lock().expect("the SSD");
            let mut changes: Vec<String> = (0..rng.usize(0..4)).map(|_| ssd.change(&office, &mut rng)).collect();
            // Most of all it matters what happens to those who are on their way.
            changes.push(ssd.rename(&office, &children[rng.usize(..children.len())], rng.bool()));
            let mut tell = move |event: Event<'_>| {
                let has_decided = matches!(event, Event::Done(_));
                if let Some(decided) = first.take_if(|_| has_decided) {
                    let _ = decided.send(());
                    // An end of the process that sends ends the wait, too.
                    let _ = may_go.recv();
                }
            };
            let staged = runtime.block_on(office.stage(&terms, office.staging(), &mut tell));
            (changes, staged)
        });
        *self.across.lock().expect("the stage") = Some(Staging { go, ended });
        match waits {
            // An error says that it came to its end without anybody to decide about.
            true => drop(has_decided.await),
            false => self.let_stage_end().await,
        }
    }

    /// Lets a stage that waits write.
    pub async fn let_stage_end(&self) {
        let Some(Staging { go, ended }) = self.across.lock().expect("the stage").take() else { return };
        let _ = go.send(());
        let (changes, staged) = ended.await.unwrap_or_else(|panic| (Vec::new(), Err(panic.to_string())));
        self.overtake();
        let left = super::by_hand::left(&self.office.rows());
        let mut log = self.log();
        log.left.extend(left);
        log.trace.push(format!("      {}", changes.join(", ")));
        match staged {
            Ok(staged) => {
                let left = staged.left_for_next_run;
                *log.counts.entry("rows that a stage meanwhile left for the next run".to_owned()).or_default() += left;
                log.trace.push(format!("      staged: {} rows written, {left} left", staged.staged.written));
            }
            Err(error) => log.wrong = Some(error),
        }
    }

    async fn suffer(&self, fault: Fault, body: Body) -> Result<Vec<Receipt>, SendError> {
        match fault {
            Fault::None => Ok(self.deliver(&body).await),
            Fault::NoAnswer(way) => {
                self.unanswered(body, way).await;
                Err(refused(None, Then::Unknown))
            }
            Fault::Failure(way) => {
                self.unanswered(body, way).await;
                Err(refused(Some(500), Then::RetryUnsure { after: Some(Duration::ZERO) }))
            }
            Fault::ShortAnswer => {
                let mut receipts = self.deliver(&body).await;
                receipts.pop();
                self.log().doubtful.extend(body.children);
                Ok(receipts)
            }
            Fault::Retry => Err(refused(Some(429), Then::Retry { after: Some(Duration::ZERO) })),
            Fault::Reauthenticate => Err(refused(Some(401), Then::Reauthenticate)),
            Fault::TooLarge => Err(refused(Some(413), Then::TooLarge)),
            Fault::GiveUp => Err(refused(Some(404), Then::GiveUp)),
            Fault::Crash(way) => {
                self.unanswered(body, way).await;
                self.crash.notify_one();
                std::future::pending().await
            }
            Fault::CrashAfterAnswer => {
                let receipts = self.deliver(&body).await;
                self.crash.notify_one();
                Ok(receipts)
            }
            Fault::Stage(when) => {
                if when != When::After {
                    self.stage(&body.children, when == When::Across).await;
                }
                let receipts = self.deliver(&body).await;
                if when == When::After {
                    self.stage(&body.children, false).await;
                }
                Ok(receipts)
            }
        }
    }
}

#[async_trait]
impl Sink for Road {
    fn limits(&self) -> Limits {
        Limits { max_records: self.terms.max_records, max_bytes: 1 << 20, request_life: REQUEST_LIFE }
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        for record in records {
            self.may_be_sent(record.person_id, record.document);
        }
        self.let_stage_end().await;
        let children: Vec<String> = records.iter().map(|record| record.person_id.to_owned()).collect();
        let documents: Vec<&str> = records.iter().map(|record| record.document).collect();
        let body = Body { children: children.clone(), text: format!("[{}]", documents.join(",")) };
        let tries = {
            let mut log = self.log();
            log.requests += 1;
            log.sent.extend(children.iter().cloned());
            let tries = log.tries.entry(children.clone()).or_default();
            *tries += 1;
            *tries
        };
        for (child, document) in children.iter().zip(&documents) {
            self.log().trace.push(format!("      {child}: {}", shown(document)));
        }
        let fault = self.draw.fault(&children, tries);
        let (bad, refusal) = self.draw.bad(&children);
        if bad.is_empty() || !matches!(fault, Fault::None | Fault::Stage(_)) {
            self.note(&format!("{fault:?}"), &children);
            return self.suffer(fault, body).await;
        }
        self.note(&format!("Refused({refusal:?})"), &children);
        if let Fault::Stage(when) = fault {
            self.note("a stage before the refusal", &children);
            self.stage(&children, when == When::Across).await;
        }
        Err(match refusal {
            Refusal::Named => refused(Some(400), Then::BadRecords(bad)),
            Refusal::Unnamed => refused(Some(400), Then::BadRecords(Vec::new())),
            Refusal::Forbidden => refused(Some(403), Then::GiveUp),
        })
    }
}

fn refused(status: Option<u16>, then: Then) -> SendError {
    SendError { error: Error::new(Kind::Protocol, "made up", "made up"), then, status, detail: None }
}

/// A document, for people: without what says nothing.
fn shown(document: &str) -> String {
    fn spare(value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let says = |(key, value): &(String, Value)| !value.is_null() && (key != "purge" || *value == true);
                Value::Object(object.into_iter().filter(says).map(|(key, value)| (key, spare(value))).collect())
            }
            Value::Array(list) => Value::Array(list.into_iter().map(spare).collect()),
            value => value,
        }
    }
    serde_json::from_str(document).map_or_else(|_| document.to_owned(), |value| spare(value).to_string())
}
