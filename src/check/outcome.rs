//! What the checks found: collected, printed as one table, turned into JSON and an exit code.

use csc_bridge_core::error::Error;
use serde::Serialize;

use super::Part;
use crate::report::{Code, Report};

/// How a check ended, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It could not be made, for the reason given.
    Skipped,
    Pass,
    /// A run would work, and something is odd.
    Warning,
    Fail,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Skipped => "skipped",
            Outcome::Pass => "pass",
            Outcome::Warning => "warning",
            Outcome::Fail => "FAIL",
        }
    }
}

/// One check.
#[derive(Serialize)]
struct Check {
    id: String,
    result: Outcome,
    detail: String,
    advice: Option<String>,
}

/// The checks of one part, in the order in which they were made.
pub struct Checks {
    part: Part,
    list: Vec<Check>,
    code: Code,
}

impl Checks {
    pub fn new(part: Part) -> Checks {
        Checks { part, list: Vec::new(), code: Code::Well }
    }

    pub fn part(&self) -> Part {
        self.part
    }

    pub fn pass(&mut self, id: &str, detail: impl Into<String>) {
        self.add(id, Outcome::Pass, detail.into(), None);
    }

    pub fn warn(&mut self, id: &str, detail: impl Into<String>, advice: impl Into<String>) {
        self.add(id, Outcome::Warning, detail.into(), Some(advice.into()));
    }

    pub fn skip(&mut self, id: &str, reason: impl Into<String>) {
        self.add(id, Outcome::Skipped, reason.into(), None);
    }

    pub fn fail(&mut self, id: &str, error: &Error) {
        if self.add(id, Outcome::Fail, error.message().to_owned(), Some(error.advice().to_owned())) {
            self.code = self.code.min(match Code::of_kind(error.kind()) {
                // Guards stop runs; here they are told as findings.
                Code::Guard => Code::Failed,
                code => code,
            });
        }
    }

    /// A check that tells what it found, or fails.
    pub fn tell(&mut self, id: &str, found: &Result<String, Error>) {
        match found {
            Ok(detail) => self.pass(id, detail),
            Err(error) => self.fail(id, error),
        }
    }

    /// Adds a check where it belongs to the part that was asked for.
    fn add(&mut self, id: &str, result: Outcome, detail: String, advice: Option<String>) -> bool {
        let wanted = self.part.shows(id);
        if wanted {
            tracing::info!(check = id, result = result.word(), "checked");
            self.list.push(Check { id: id.to_owned(), result, detail, advice });
        }
        wanted
    }

    fn worst(&self) -> Outcome {
        self.list.iter().map(|check| check.result).fold(Outcome::Pass, Outcome::max)
    }

    fn count(&self, result: Outcome) -> usize {
        self.list.iter().filter(|check| check.result == result).count()
    }

    /// Prints the table and adds everything to the report.
    pub fn finish(self, report: &mut Report, quiet: bool) {
        let widest = self.list.iter().map(|check| check.id.chars().count()).max().unwrap_or(0);
        eprintln_unless(quiet, "Checks");
        for Check { id, result, detail, advice } in &self.list {
            // With --quiet only what is wrong.
            let hidden = quiet && *result != Outcome::Fail;
            eprintln_unless(hidden, &format!("  {:7}  {id:widest$}  {detail}", result.word()));
            if let Some(advice) = advice {
                eprintln_unless(hidden, &format!("  {:7}  {:widest$}  what to do: {advice}", "", ""));
            }
        }
        let counts = [Outcome::Pass, Outcome::Warning, Outcome::Fail, Outcome::Skipped]
            .map(|result| format!("{} {}", self.count(result), result.word().to_lowercase()));
        eprintln_unless(quiet, &counts.join(", "));
        report.key("result", self.worst());
        report.key("checks", &self.list);
        report.at_least(self.code);
    }
}

fn eprintln_unless(hidden: bool, line: &str) {
    if !hidden {
        eprintln!("{line}");
    }
}
