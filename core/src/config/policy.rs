//! `[deletions]`, `[guards]` and `[canary]`: what may happen to children who are out of the cohort, what must never happen unasked,
//! and how carefully sending begins.

use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

use super::document::Document;
use super::options::Span;
use super::sections::Sections;
use super::settings::{Canary, Deletion, Deletions, Guards, Limit, ManagedBy};
use crate::error::Result;

/// Seven days.
const GRACE: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDeletions {
    gone: Option<Spanned<Deletion>>,
    left: Option<Spanned<Deletion>>,
    grace: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGuards {
    max_gone: Option<Spanned<Limit>>,
    max_changed: Option<Spanned<Limit>>,
    max_member_purges: Option<Spanned<Limit>>,
    max_table_drop: Option<Spanned<Limit>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCanary {
    steps: Option<Spanned<Vec<u8>>>,
    max_error_rate: Option<Spanned<f64>>,
    max_median: Option<Span>,
    hold: Option<Span>,
}

impl Sections {
    /// `[canary]`.
    pub fn canary(&self, document: &Document) -> Result<Canary> {
        let raw: RawCanary = document.read("canary", self.section("canary"))?;
        if let Some(steps) = &raw.steps {
            let rise = steps.get_ref().windows(2).all(|pair| pair[0] < pair[1]);
            let ends = steps.get_ref().first().is_some_and(|first| *first > 0) && steps.get_ref().last() == Some(&100);
            if !(rise && ends) {
                let message = "[canary] steps do not rise from more than 0 to 100";
                return Err(document.error_at(steps.span(), message, "write percentages such as [5, 10, 25, 50, 100]"));
            }
        }
        if let Some(rate) = raw.max_error_rate.as_ref().filter(|rate| !(0.0..=1.0).contains(rate.get_ref())) {
            let message = "[canary] max_error_rate is not between 0 and 1";
            return Err(document.error_at(
                rate.span(),
                message,
                "write a part of the whole, such as 0.01 for one in a hundred",
            ));
        }
        Ok(Canary {
            steps: raw.steps.map_or_else(|| vec![5, 10, 25, 50, 100], Spanned::into_inner),
            max_error_rate: raw.max_error_rate.map_or(0.01, Spanned::into_inner),
            max_median: raw.max_median.map_or(Duration::from_secs(5), |span| span.0),
            hold: raw.hold.map_or(Duration::ZERO, |span| span.0),
        })
    }

    /// `[deletions]`.
    pub fn deletions(&self, document: &Document, managed_by: ManagedBy) -> Result<Deletions> {
        let raw: RawDeletions = document.read("deletions", self.section("deletions"))?;
        let purge = [&raw.gone, &raw.left].into_iter().flatten().find(|kind| *kind.get_ref() == Deletion::Purge);
        if let (Some(purge), ManagedBy::Sql) = (purge, managed_by) {
            let message = "[deletions] asks for purges, and [staging] managed_by is \"sql\": such a table never says whom to purge";
            let advice = "write \"mark\", or let csc-bridge fill the table: managed_by = \"csc-bridge\"";
            return Err(document.error_at(purge.span(), message, advice));
        }
        Ok(Deletions {
            gone: raw.gone.map(Spanned::into_inner).unwrap_or_default(),
            left: raw.left.map(Spanned::into_inner).unwrap_or_default(),
            grace: raw.grace.map_or(GRACE, |span| span.0),
        })
    }

    /// `[guards]`.
    pub fn guards(&self, document: &Document) -> Result<Guards> {
        let raw: RawGuards = document.read("guards", self.section("guards"))?;
        let default = Guards::default();
        Ok(Guards {
            max_gone: limit(document, raw.max_gone, default.max_gone)?,
            max_changed: limit(document, raw.max_changed, default.max_changed)?,
            max_member_purges: limit(document, raw.max_member_purges, default.max_member_purges)?,
            max_table_drop: limit(document, raw.max_table_drop, default.max_table_drop)?,
        })
    }
}

fn limit(document: &Document, value: Option<Spanned<Limit>>, default: Limit) -> Result<Limit> {
    match value {
        None => Ok(default),
        Some(limit) if (0.0..=1.0).contains(&limit.get_ref().share) => Ok(limit.into_inner()),
        Some(limit) => Err(document.error_at(
            limit.span(),
            "share is not between 0 and 1",
            "write a part of the whole, such as 0.05 for five in a hundred",
        )),
    }
}
