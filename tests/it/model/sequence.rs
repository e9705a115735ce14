//! One sequence of events: what happens, step by step, and what is remembered of it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use csc_bridge_core::config::{Deletion, Deletions, Mode, RemovedValues, Semantics};
use csc_bridge_core::pipeline::submit;
use csc_bridge_core::staging::Staging;
use fastrand::Rng;
use jiff::civil::{Date, date};

use super::by_hand;
use super::database::Product;
use super::documents::has_skeleton;
use super::faults::Draw;
use super::office::{Office, Row, Terms};
use super::road::{Body, Road};
use super::ssd::Ssd;
use crate::program::STAGING;

/// Run dates, in order: days, then a year of the window, then another.
const DATES: [Date; 7] = [
    date(2026, 11, 19),
    date(2026, 11, 20),
    date(2027, 3, 31),
    date(2027, 4, 1),
    date(2027, 7, 7),
    date(2028, 4, 1),
    date(2028, 4, 2),
];

/// Ids that several rows of `ssd_person` have.
pub const DOUBLED: &str = "SELECT pers_person_id FROM ssd_person GROUP BY pers_person_id HAVING COUNT(*) > 1";

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// What happened, for people, and how often. Shared, so that it outlives a panic.
#[derive(Default)]
pub struct Story {
    pub trace: Vec<String>,
    pub counts: BTreeMap<String, u64>,
}

/// A sequence under way.
pub struct Sequence {
    pub office: Arc<Office>,
    pub ssd: Arc<Mutex<Ssd>>,
    pub terms: Terms,
    pub staging: Arc<dyn Staging>,
    /// Bodies still on the wire.
    pub late: Vec<Body>,
    /// Children for whom there is a cause to be sent again although DfE has what they are sent. A child becomes one of them
    /// when somebody edits its `submission_status`, when a request for it gets no answer (or one that nobody lives to
    /// record), and when somebody stages while a request for it is on its way. It is no longer one of them once an answer is recorded for
    /// it and nothing is in doubt any more: no request of it is open, and no record is believed in by its id alone.
    pub excused: BTreeSet<String>,
    /// Children whose row somebody set to pending though DfE holds what is desired: they stay to be sent until they have been, in
    /// full, or leave the cohort.
    pub wanted: BTreeSet<String>,
    /// Children whose status somebody has written since the last stage: what it says proves nothing.
    pub edited: BTreeSet<String>,
    story: Arc<Mutex<Story>>,
    pub rng: Rng,
    runs: u64,
}

impl Sequence {
    /// The authority before anything has happened.
    pub async fn begin(product: &Product, seed: u64, story: Arc<Mutex<Story>>) -> Sequence {
        let mut rng = Rng::with_seed(seed);
        let terms = terms(&mut rng);
        let office = Arc::new(Office::open(product, terms.semantics).await);
        let ssd = Arc::new(Mutex::new(Ssd::fill(&office, &mut rng)));
        let staging = office.staging();
        let mut sequence = Sequence {
            office,
            ssd,
            terms,
            staging,
            late: Vec::new(),
            excused: BTreeSet::new(),
            wanted: BTreeSet::new(),
            edited: BTreeSet::new(),
            story,
            rng,
            runs: 0,
        };
        sequence.count_terms();
        sequence
    }

    /// The steps, and after each of them what must hold at any time.
    pub async fn play(&mut self) -> Result<(), String> {
        for number in 0..self.rng.usize(30..38) {
            let trace = format!("step {number}");
            self.tell(&trace);
            self.step().await?;
            let left = by_hand::left(&self.office.rows());
            self.wanted.retain(|child| !left.contains(child));
            super::always::holds(self)?;
        }
        Ok(())
    }

    pub fn tell(&self, line: &str) {
        self.story.lock().expect("the story").trace.push(line.to_owned());
    }

    fn count(&self, what: &str) {
        *self.story.lock().expect("the story").counts.entry(what.to_owned()).or_default() += 1;
    }

    fn count_terms(&mut self) {
        let Terms { semantics, mode, removed_values, deletions, concurrency, max_records, .. } = self.terms;
        self.count(&format!("config: {semantics:?} {mode:?}, removed values {removed_values:?}"));
        self.count(&format!("config: gone {:?}, left {:?}", deletions.gone, deletions.left));
        self.count(&format!("config: grace {} days", deletions.grace.as_secs() / 86400));
        self.count(&format!("config: {concurrency} at once, {max_records} records at most"));
        self.tell(&format!("{:?}", self.terms));
    }

    /// One event. What would be none (nothing is on the wire, nobody is out) is a change of the SSD instead.
    async fn step(&mut self) -> Result<(), String> {
        let has_rows = self.office.has_staging();
        let name = match self.rng.u8(..100) {
            0..22 => self.change(),
            22..36 => return self.stage().await,
            36..58 => return self.run().await,
            58..60 => return self.submit(false).await,
            60..63 => return self.stage_and_die().await,
            63..66 if has_rows => self.edit_status(),
            66..71 if has_rows => self.resubmit(),
            71..73 => self.restart(),
            73..80 if !self.late.is_empty() => return self.arrive().await,
            80..90 if !self.office.waiting().is_empty() => return self.age_intents().await,
            90..92 if has_rows => return self.recover().await,
            92..94 if self.office.rows().values().any(Row::is_out) => self.age_rows(),
            94..97 => self.move_date(),
            97..99 => self.reconfigure(),
            _ => self.change(),
        };
        self.count(&format!("step: {name}"));
        Ok(())
    }

    /// The SSD changes.
    fn change(&mut self) -> &'static str {
        let ssd = self.ssd.clone();
        let mut ssd = ssd.lock().expect("the SSD");
        let (office, rng) = (&self.office, &mut self.rng);
        let (name, told) = match rng.u8(..20) {
            0..2 => ("a child goes from the SSD", ssd.remove(office, rng)),
            2..5 => ("a child comes back", ssd.bring_back(office, rng)),
            5..7 => ("a child grows too old, or young again", ssd.age(office, rng)),
            7..9 => ("a child leaves the window, or enters it", ssd.shift(office, rng)),
            9..10 => ("a child's id is doubled, or single again", ssd.double(office, rng)),
            _ => {
                let changes: Vec<String> = (0..rng.usize(1..8)).map(|_| ssd.change(office, rng)).collect();
                ("rows change", changes.join(", "))
            }
        };
        self.tell(&format!("  {told}"));
        name
    }

    /// Somebody stages.
    pub async fn stage(&mut self) -> Result<(), String> {
        self.count("step: stage");
        let staged = self.office.stage(&self.terms, self.staging.clone(), &mut |_| {}).await?;
        self.tell(&format!("  staged: {} unsure, {:?}", staged.recovered, staged.staged));
        if staged.left_for_next_run > 0 {
            return Err("nobody else writes, and rows were left for the next run".to_owned());
        }
        // Who cannot be told apart from another is left as it is.
        let (doubled, left) = (self.office.column::<String>(DOUBLED), by_hand::left(&self.office.rows()));
        self.wanted.retain(|child| !left.contains(child));
        self.edited.retain(|child| doubled.contains(child));
        super::always::purges_are_right(self)
    }

    /// Somebody begins to stage, and the process dies.
    async fn stage_and_die(&mut self) -> Result<(), String> {
        self.count("step: stage, and die");
        let turns = self.rng.usize(1..self.office.turns());
        let staged = cut(self.office.stage(&self.terms, self.staging.clone(), &mut |_| {}), turns).await;
        self.tell(&format!("  died while staging, after {turns} turns at most; ended before: {}", staged.is_some()));
        if staged.is_some() {
            self.count("step: stage, and die when it is over");
        }
        self.staging = self.office.staging();
        self.office.dead_are_gone().await
    }

    /// Somebody sends, having staged where there would be nothing to send.
    async fn run(&mut self) -> Result<(), String> {
        let (rows, waiting) = (self.office.rows(), self.office.waiting());
        let is_ready =
            |(child, row): (&String, &Row)| row.status == "pending" && !row.is_out() && !waiting.contains(child);
        if !rows.iter().any(is_ready) && self.rng.u8(..10) > 0 {
            self.change();
            self.stage().await?;
        }
        self.submit(true).await
    }

    /// Somebody sends, and things go wrong or do not.
    pub async fn submit(&mut self, with_faults: bool) -> Result<(), String> {
        self.count(if with_faults { "step: submit, with faults" } else { "step: submit" });
        self.runs += 1;
        let draw = Draw(with_faults.then(|| self.rng.u64(..)));
        let road = Arc::new(Road::of(self, draw));
        let run_id = format!("run-{}", self.runs);
        let ended = {
            let settings = self.office.submit_settings(&self.terms, run_id.clone());
            let sending = submit(self.staging.clone(), road.clone(), settings, Arc::new(|_, _| {}));
            tokio::select! {
                biased;
                () = road.crash.notified() => None,
                report = sending => Some(report),
            }
        };
        road.let_stage_end().await;
        if ended.is_none() {
            self.staging = self.office.staging();
            // The workers die with the process, and keep nothing of it.
            let is_over = async {
                while Arc::strong_count(&road) + Arc::strong_count(&road.others) > 2 {
                    tokio::time::sleep(Duration::from_micros(200)).await;
                }
            };
            let is_over = tokio::time::timeout(Duration::from_secs(30), is_over).await;
            is_over.map_err(|_| "a submit was dropped, and something of it lives on".to_owned())?;
            self.office.dead_are_gone().await?;
        }
        self.learn(&road, &run_id, ended.is_none());
        let wrong = road.log().wrong.take();
        match (ended, wrong) {
            (_, Some(wrong)) => Err(wrong),
            (Some(Err(error)), _) => Err(format!("submit: {error}")),
            (Some(Ok(report)), _) => {
                self.tell(&format!(
                    "  submitted: {} unsure, {:?}, {:?}",
                    report.recovered, report.submitted, report.stopped
                ));
                match report.error.filter(|_| report.stopped.is_none()) {
                    Some(error) => Err(format!("submit: {error}")),
                    None => Ok(()),
                }
            }
            (None, _) => {
                self.tell("  died while sending");
                Ok(())
            }
        }
    }

    /// Takes over what a submit has to tell.
    fn learn(&mut self, road: &Road, run_id: &str, has_died: bool) {
        let mut log = road.log();
        let mut story = self.story.lock().expect("the story");
        story.trace.append(&mut log.trace);
        for (fault, count) in &log.counts {
            *story.counts.entry(format!("fault: {fault}")).or_default() += count;
        }
        drop(story);
        self.late.append(&mut log.late);
        self.wanted.retain(|child| !log.left.contains(child));
        self.excused.extend(if has_died { log.sent.clone() } else { log.doubtful.clone() });
        if has_died {
            // Of several workers one may have died between its intent and its request: nobody can know that it never left.
            self.excused.extend(self.office.waiting());
        }
        let recorded = format!(
            "SELECT person_id FROM ssd_api_submission_log WHERE run_id = '{run_id}' AND outcome IN ('accepted', 'purged')"
        );
        let (waiting, rows) = (self.office.waiting(), self.office.rows());
        for child in self.office.column::<String>(&recorded) {
            self.wanted.remove(&child);
            let in_doubt = |row: &Row| row.is_unsure() || row.held.as_ref().is_some_and(has_skeleton);
            if !waiting.contains(&child) && !rows.get(&child).is_some_and(in_doubt) {
                self.excused.remove(&child);
            }
        }
        self.excused.extend(log.overtaken.iter().cloned());
    }

    fn restart(&mut self) -> &'static str {
        self.staging = self.office.staging();
        "restart"
    }

    /// A body that was on the wire for long arrives.
    async fn arrive(&mut self) -> Result<(), String> {
        self.count("step: a late body arrives");
        let at = self.rng.usize(..self.late.len());
        let body = self.late.swap_remove(at);
        self.tell(&format!("  {} arrive late", body.children.join(" ")));
        let waiting = self.office.waiting();
        match body.children.iter().find(|child| !waiting.contains(*child)) {
            Some(child) => Err(format!("a request for {child} is on the wire, and no intent says so")),
            None => self.office.dfe.deliver(&body.text).await.map(drop),
        }
    }

    /// What is on the wire arrives or is lost for good, and so much time passes that nobody waits for an answer any more.
    pub async fn age_intents(&mut self) -> Result<(), String> {
        while !self.late.is_empty() {
            match self.rng.bool() {
                true => self.arrive().await?,
                false => drop(self.late.pop()),
            }
        }
        self.count("step: requests grow old");
        if self.office.has_staging() {
            let aged = "UPDATE ssd_api_submission_log SET opened_at = '2001-01-01 00:00:00.000' WHERE outcome IS NULL";
            let aged = self.office.execute(aged, &[]);
            self.tell(&format!("  {aged} requests grew old"));
        }
        Ok(())
    }

    async fn recover(&mut self) -> Result<(), String> {
        self.count("step: recover");
        let rows = self.office.recover(&self.terms, &*self.staging).await?;
        self.tell(&format!("  {rows} rows became unsure"));
        Ok(())
    }

    /// So much time passes that a purge's grace is over.
    pub fn age_rows(&mut self) -> &'static str {
        if self.office.has_staging() {
            let aged = format!(
                "UPDATE {STAGING} SET last_updated = '2001-01-01 00:00:00.000' WHERE lower(row_state) IN ('deleted', 'left')"
            );
            let aged = self.office.execute(&aged, &[]);
            self.tell(&format!("  {aged} children have been out for long"));
        }
        "grace passes"
    }

    fn move_date(&mut self) -> &'static str {
        let later = DATES.iter().position(|date| *date == self.terms.date).and_then(|at| DATES.get(at + 1));
        self.terms.date = later.copied().unwrap_or(self.terms.date);
        self.tell(&format!("  it is {}", self.terms.date));
        "the run date moves"
    }

    /// Somebody changes what may be changed between two runs.
    fn reconfigure(&mut self) -> &'static str {
        let other = terms(&mut self.rng);
        if self.terms.semantics == Semantics::Merge && other.semantics == Semantics::Merge {
            (self.terms.mode, self.terms.removed_values) = (other.mode, other.removed_values);
        }
        self.terms.deletions = other.deletions;
        self.tell(&format!("  {:?}", self.terms));
        "other configuration"
    }
}

fn terms(rng: &mut Rng) -> Terms {
    let deletion = |rng: &mut Rng| if rng.bool() { Deletion::Purge } else { Deletion::Mark };
    let semantics = if rng.u8(..3) == 0 { Semantics::Replace } else { Semantics::Merge };
    let is_partial = semantics == Semantics::Merge && rng.u8(..3) > 0;
    let (gone, left) = (deletion(rng), deletion(rng));
    Terms {
        semantics,
        mode: if is_partial { Mode::Partial } else { Mode::Full },
        removed_values: if rng.u8(..3) == 0 { RemovedValues::Full } else { RemovedValues::Null },
        deletions: Deletions { gone, left, grace: if rng.bool() { WEEK } else { Duration::ZERO } },
        concurrency: rng.usize(1..=2),
        max_records: [1, 2, 3, 100][rng.usize(..4)],
        // Now and then several chunks, so that the seams between them are stepped on.
        chunk: [2, 100, 100, 100][rng.usize(..4)],
        date: DATES[rng.usize(..3)],
    }
}

/// Lets something have so many turns; `None` if it was not done by then.
async fn cut<F: Future>(future: F, turns: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = turns;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
