//! `check`: everything that a run needs, tested before one. Nothing is written but the log and the pseudonym key, and no child is sent.
//!
//! Every check that can be made is made, whatever the others say. One file for each place that is looked at: [`machine`] this
//! machine and the configuration, [`database`], [`api`]; [`cohort`] reads the children as a dry run does.

mod api;
mod cohort;
mod database;
mod machine;
mod outcome;

use std::sync::Arc;

use csc_bridge_core::payload::Plan;
use csc_bridge_core::sink::Facts;
use serde_json::json;

use crate::cli::{CheckArgs, Global};
use crate::report::Report;
use crate::setup::Setup;
use outcome::Checks;

/// Which checks were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `check`
    All,
    /// `test-db-connection`
    Connection,
    /// `test-schema`
    Schema,
    /// `test-endpoint`
    Endpoint,
    /// `run-smoke`: all, with a few findings
    Smoke,
}

impl Part {
    /// Whether a check belongs to it. What all others need belongs to every part.
    fn shows(self, id: &str) -> bool {
        if ["config", "secrets"].contains(&id) {
            return true;
        }
        match self {
            Part::All | Part::Smoke => true,
            Part::Connection => ["db.connect", "db.grants"].contains(&id),
            Part::Schema => id == "db.connect" || id.starts_with("db.table."),
            Part::Endpoint => id == "clock" || id.starts_with("api."),
        }
    }

    fn has_database(self) -> bool {
        self != Part::Endpoint
    }

    fn has_api(self) -> bool {
        !matches!(self, Part::Connection | Part::Schema)
    }

    fn has_cohort(self) -> bool {
        matches!(self, Part::All | Part::Smoke)
    }
}

/// What a readable configuration gives to the checks.
struct Ready {
    setup: Setup,
    facts: Facts,
    plan: Arc<Plan>,
}

/// The command.
pub async fn check(global: &Global, args: &CheckArgs, part: Part, report: &mut Report) -> anyhow::Result<()> {
    let mut checks = Checks::new(part);
    report.key("findings", json!([]));
    match machine::configuration(global, &args.run, report) {
        Ok(ready) => {
            let opened = machine::adapters(&ready.setup, &mut checks);
            let has_state = machine::state_dir(global, &ready.setup, report, &mut checks);
            let mut is_readable = false;
            if part.has_database() {
                is_readable = database::check(&ready, &opened, has_state, &mut checks).await;
            }
            if part.has_api() {
                api::check(&ready.setup, &opened.sink, args.send_test_record, &mut checks).await;
            }
            if part.has_cohort() {
                cohort::check(global, &ready, &opened, is_readable, report, &mut checks).await;
            }
        }
        Err(error) => {
            checks.fail("config", &error);
            let others = [
                "secrets",
                "state_dir",
                "db.connect",
                "db.grants",
                "staging",
                "api.token",
                "api.reach",
                "clock",
                "api.test_record",
                "findings",
            ];
            for id in others {
                checks.skip(id, "needs the configuration");
            }
        }
    }
    checks.finish(report, global.quiet);
    Ok(())
}
