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

use csc_bridge_core::source::Source;
use futures_util::stream::{self, StreamExt};

use crate::failure::{Checked, Failure};
use crate::run::{AT_ONCE, Table, Verdict};
use crate::{Check, Database, Place, SOURCE, checks};

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

/// The source of the twin of this name, over a right one: for a plugin that is told how to be wrong. `restricted`: the account may only
/// select. None where no twin with that name has a broken source.
pub fn source(name: &str, right: Arc<dyn Source>, restricted: bool) -> Option<Arc<dyn Source>> {
    let twin = SOURCES.iter().find(|twin| twin.name == name)?;
    match twin.fault {
        Fault::Source(fault) => Some(Arc::new(source::TwinSource::new(right, fault, restricted))),
        _ => None,
    }
}

/// Runs every twin of a source against the checks that must notice it, where the fault is in the adapter already: `broken` is the database
/// whose source is wrong as the twin of that name is. `good` names the twins, the checks that what stands between makes pass all the same,
/// and how.
pub async fn run_sources<D: Database>(
    name: &str,
    broken: impl Fn(&'static str) -> D,
    good: &[(&str, &str, &str)],
) -> Table {
    let wanted = std::env::var("CSC_BRIDGE_CHECK").unwrap_or_default();
    let mut table = Table::new(name);
    let twins = SOURCES.iter().filter(|twin| matches!(twin.fault, Fault::Source(_)));
    let pairs = twins.flat_map(|twin| twin.noticed_by.iter().map(move |id| (twin, *id)));
    let noticing = pairs.filter(|(_, id)| id.contains(&wanted)).filter_map(|(twin, id)| {
        let (check, database) = (SOURCE.iter().find(|check| check.id == id)?, broken(twin.name));
        let good = good.iter().find(|(of, passes, _)| *of == twin.name && *passes == id);
        Some(async move {
            let verdict = match database.fresh().await {
                Ok(place) => {
                    let ended = tokio::spawn(async move { (check.run)(place.as_ref()).await }).await;
                    match (good, &ended) {
                        (Some((_, _, how)), Ok(Ok(()))) => Verdict::NotApplicable((*how).to_owned()),
                        _ => verdict(ended),
                    }
                }
                Err(failure) => Verdict::Failed(failure.to_string()),
            };
            (format!("{}: {}", twin.name, check.sentence()), verdict)
        })
    });
    let mut verdicts = stream::iter(noticing).buffered(AT_ONCE);
    while let Some((sentence, verdict)) = verdicts.next().await {
        table.push(sentence, verdict);
    }
    table
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
