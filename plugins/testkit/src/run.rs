//! Runs checks and shows what came of them.

use std::fmt;

use futures_util::stream::{self, StreamExt};

use crate::failure::{Checked, Failure};
use crate::{Check, Database, Needs, checks};

/// Checks that run at once. Each has a place of its own, and waits for its database most of the time.
pub(crate) const AT_ONCE: usize = 4;

/// What came of one check.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The promise is kept.
    Passed,
    /// It is not, for this reason.
    Failed(String),
    /// The product has nothing of the kind, for this reason.
    NotApplicable(String),
    /// A broken twin was found out, by this failure.
    Noticed(String),
}

impl Verdict {
    pub(crate) fn of(ended: Result<Checked, tokio::task::JoinError>) -> Verdict {
        match ended {
            Ok(Ok(())) => Verdict::Passed,
            Ok(Err(Failure::NotApplicable(reason))) => Verdict::NotApplicable(reason),
            Ok(Err(failure)) => Verdict::Failed(failure.to_string()),
            Err(_) => Verdict::Failed("the check panicked; its message stands above".to_owned()),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "FAILED",
            Verdict::NotApplicable(_) => "n/a",
            Verdict::Noticed(_) => "noticed",
        }
    }
}

/// Checks, and what came of each.
pub struct Table {
    product: String,
    rows: Vec<(String, Verdict)>,
}

impl Table {
    pub(crate) fn new(product: &str) -> Table {
        Table { product: product.to_owned(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, sentence: String, verdict: Verdict) {
        self.rows.push((sentence, verdict));
    }

    /// Sentence and verdict of each check, in the order in which they ran.
    pub fn rows(&self) -> &[(String, Verdict)] {
        &self.rows
    }

    /// Those that failed, with their reasons, a line for each.
    pub fn failures(&self) -> Vec<String> {
        let failed = |(sentence, verdict): &(String, Verdict)| match verdict {
            Verdict::Failed(why) => Some(format!("{sentence}: {why}")),
            _ => None,
        };
        self.rows.iter().filter_map(failed).collect()
    }

    /// What came of all checks, as a line of a table: product, way, passed, failed, not applicable.
    pub fn line(&self) -> String {
        let (product, way) = self.product.split_once(", ").unwrap_or((&self.product, "built in"));
        let [passed, failed, not_applicable] = self.counts();
        format!("| {product} | {way} | {passed} | {failed} | {not_applicable} |")
    }

    fn counts(&self) -> [usize; 3] {
        let count = |word: &str| self.rows.iter().filter(|(_, verdict)| verdict.word() == word).count();
        [count("passed") + count("noticed"), count("FAILED"), count("n/a")]
    }

    /// Prints the table, and its [`Table::line`] (`cargo test -- --nocapture` shows it).
    ///
    /// # Panics
    /// Where a check failed, with all that did: this is for tests.
    pub fn must_pass(&self) {
        println!("{self}\n{}", self.line());
        let failures = self.failures();
        assert!(failures.is_empty(), "{} checks failed on {}:\n{}", failures.len(), self.product, failures.join("\n"));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(sentence, _)| sentence.len()).max().unwrap_or(0);
        writeln!(f, "{:width$}  {}", "check", self.product)?;
        for (sentence, verdict) in &self.rows {
            write!(f, "{sentence:width$}  {}", verdict.word())?;
            match verdict {
                Verdict::NotApplicable(reason) | Verdict::Noticed(reason) => writeln!(f, " ({reason})")?,
                Verdict::Passed | Verdict::Failed(_) => writeln!(f)?,
            }
        }
        let [passed, failed, not_applicable] = self.counts();
        write!(f, "{passed} passed, {failed} failed, {not_applicable} not applicable")
    }
}

/// Runs one check in a place of its own. A panic is a failure like any other.
pub async fn run(check: &'static Check, database: &dyn Database) -> Verdict {
    match database.fresh().await {
        Ok(place) => Verdict::of(tokio::spawn(async move { (check.run)(place.as_ref()).await }).await),
        Err(failure) => Verdict::of(Ok(Err(failure))),
    }
}

/// Runs the checks that the environment variable `CSC_BRIDGE_CHECK` names (a part of their ids), or all of them.
pub async fn run_all(database: &dyn Database) -> Table {
    run_these(database, checks()).await
}

/// As [`run_all`], but only those of a source or of a staging: for an adapter that is not meant to be both.
pub async fn run_part(database: &dyn Database, part: Needs) -> Table {
    run_these(database, checks().filter(|check| check.needs == part)).await
}

async fn run_these(database: &dyn Database, checks: impl Iterator<Item = &'static Check>) -> Table {
    let wanted = std::env::var("CSC_BRIDGE_CHECK").unwrap_or_default();
    let mut table = Table::new(database.name());
    let wanted = checks.filter(|check| check.id.contains(&wanted));
    let mut verdicts =
        stream::iter(wanted.map(|check| async move { (check, run(check, database).await) })).buffered(AT_ONCE);
    while let Some((check, verdict)) = verdicts.next().await {
        table.push(check.sentence(), verdict);
    }
    table
}
