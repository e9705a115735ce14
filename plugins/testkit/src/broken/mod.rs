//! Broken twins: adapters that are wrong in one way each, made of a conforming one.
//!
//! A check that has never failed may not be able to. So each [`Check`] names itself in the list of at least one
//! [`Twin`], and [`run_all`] runs it over that twin: it must return a [`Failure`], neither pass nor panic nor take the twin for a
//! product that lacks something.

mod faults;
mod place;
mod rows;
mod source;
mod sources;
mod staging;
mod stagings;
mod stores;

use std::collections::HashSet;
use std::sync::Arc;

pub use faults::{PlaceFault, SourceFault, StagingFault, VersionPart};
pub use sources::SOURCES;
pub use stagings::STAGINGS;

use crate::failure::{Checked, Failure};
use crate::run::{Table, Verdict};
use crate::{Check, Database, Place, checks};

/// What is wrong with a twin.
#[derive(Clone, Copy)]
pub enum Fault {
    /// Its product.
    Place(PlaceFault),
    /// Its source.
    Source(SourceFault),
    /// Its staging.
    Staging(StagingFault),
}

/// An adapter that is wrong in one way, and the checks that must notice.
pub struct Twin {
    /// What it does.
    pub name: &'static str,
    /// How.
    pub fault: Fault,
    /// The ids of the checks that fail on it.
    pub noticed_by: &'static [&'static str],
    /// Whether a database with row locks makes good for it, so that it is broken only over a product without.
    pub without_row_locks: bool,
}

impl Twin {
    /// A place whose adapter is broken.
    pub fn of(&self, place: Box<dyn Place>) -> Box<dyn Place> {
        Box::new(place::TwinPlace { place: Arc::from(place), fault: self.fault, restricted: false })
    }
}

/// All twins.
pub fn twins() -> impl Iterator<Item = &'static Twin> {
    SOURCES.iter().chain(STAGINGS)
}

/// Runs every twin against the checks that must notice it. A check that no twin fails is a failure, too.
pub async fn run_all(database: &dyn Database) -> Table {
    let wanted = std::env::var("CSC_BRIDGE_CHECK").unwrap_or_default();
    let mut table = Table::new(database.name());
    for twin in twins() {
        for id in twin.noticed_by.iter().filter(|id| id.contains(&wanted)) {
            let verdict = match checks().find(|check| check.id == *id) {
                Some(check) => notice(twin, check, database).await,
                None => Verdict::Failed("there is no such check".to_owned()),
            };
            table.push(format!("{}: {}", twin.name, id.replace('_', " ")), verdict);
        }
    }
    for check in without_a_twin() {
        table.push(check.sentence(), Verdict::Failed("no twin shows that this check can fail".to_owned()));
    }
    table
}

/// The checks that no twin is known to fail: none.
pub fn without_a_twin() -> Vec<&'static Check> {
    let noticed: HashSet<&str> = twins().flat_map(|twin| twin.noticed_by.iter().copied()).collect();
    checks().filter(|check| !noticed.contains(check.id)).collect()
}

async fn notice(twin: &Twin, check: &'static Check, database: &dyn Database) -> Verdict {
    let place = match database.fresh().await {
        Ok(place) if twin.without_row_locks && place.facts().row_locks => {
            return Verdict::NotApplicable("row locks make good for it".to_owned());
        }
        Ok(place) => twin.of(place),
        Err(failure) => return Verdict::Failed(failure.to_string()),
    };
    verdict(tokio::spawn(async move { (check.run)(place.as_ref()).await }).await)
}

/// What came of a check that must fail.
pub(crate) fn verdict(ended: Result<Checked, tokio::task::JoinError>) -> Verdict {
    match ended {
        Ok(Err(Failure::Broken { what, .. })) => Verdict::Noticed(what),
        Ok(Err(Failure::NotApplicable(reason))) => Verdict::Failed(format!("the check did not look: {reason}")),
        Ok(Ok(())) => Verdict::Failed("the check did not notice".to_owned()),
        Err(_) => Verdict::Failed("the check panicked; its message stands above".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_check_has_a_twin() {
        let without: Vec<&str> = super::without_a_twin().iter().map(|check| check.id).collect();
        assert!(without.is_empty(), "{without:?}");
    }

    #[test]
    fn no_two_twins_and_no_two_checks_have_one_name() {
        for mut names in
            [crate::checks().map(|check| check.id).collect::<Vec<_>>(), super::twins().map(|twin| twin.name).collect()]
        {
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
