//! The children, read as a dry run reads them: what the rules would leave out, and whether a guard would stop the run.

use std::cmp::Reverse;
use std::sync::Arc;

use csc_bridge_core::config::ManagedBy;
use csc_bridge_core::error::Error;
use csc_bridge_core::payload::{Finding, Severity};
use csc_bridge_core::pipeline::StageReport;

use super::machine::Opened;
use super::outcome::Checks;
use super::{Part, Ready};
use crate::cli::Global;
use crate::report::Report;
use crate::stage;

const ID: &str = "findings";

/// As many as a smoke test shows.
const A_FEW: usize = 10;

/// Reads all children, where what that needs is there.
pub async fn check(
    global: &Global,
    ready: &Ready,
    opened: &Opened,
    is_readable: bool,
    report: &mut Report,
    checks: &mut Checks,
) {
    if ready.setup.config.staging.managed_by == ManagedBy::Sql {
        return checks.skip(ID, "somebody else's SQL makes the documents");
    }
    let Ok(staging) = &opened.staging else { return checks.skip(ID, "needs the configuration and its secrets") };
    if !is_readable {
        return checks.skip(ID, "needs every table that can be read, and staging");
    }
    let settings = ready.setup.stage_settings(ready.facts, true);
    match stage::perform(global, &ready.setup, Arc::clone(&ready.plan), Arc::clone(staging), settings).await {
        Ok(staged) => tell(staged, report, checks),
        Err(error) => match error.downcast_ref::<Error>() {
            Some(error) => checks.fail(ID, error),
            None => checks.fail(ID, &Error::internal("reading the children failed")),
        },
    }
}

fn tell(staged: StageReport, report: &mut Report, checks: &mut Checks) {
    let children = staged.staged.cohort;
    let fired: Vec<&str> = staged.fired().map(|guard| guard.flag.as_str()).collect();
    let fired = (!fired.is_empty()).then(|| fired.join(" "));
    let mut found = staged.findings;
    let of = |severity: Severity| -> u64 {
        found.iter().filter(|found| found.severity == severity).map(|found| found.count).sum()
    };
    let (left_out, corrected) = (of(Severity::Error), of(Severity::Warning));
    if let Some(flags) = fired {
        checks.warn(
            ID,
            format!("a guard would stop the run of {children} children"),
            format!("look at it with: csc-bridge plan; if all of it is right, let it through once with: {flags}"),
        );
    } else if left_out + corrected > 0 {
        checks.warn(
            ID,
            format!("{children} children; {left_out} records and {corrected} values would be left out"),
            "see which, with: csc-bridge payload --findings",
        );
    } else {
        checks.pass(ID, format!("{children} children, and nothing would be left out"));
    }
    if checks.part() == Part::Smoke {
        found.sort_by_key(|found| Reverse(found.count));
        found.truncate(A_FEW);
    }
    let shown = report.findings(&found);
    report.key("findings", shown);
    let lines: Vec<(String, String)> =
        found.iter().map(|Finding { rule, count, .. }| (rule.clone(), count.to_string())).collect();
    report.table("Left out or corrected (see: csc-bridge payload --findings)", &lines);
}
