//! The staging tables are made, and those that are there are judged.

use csc_bridge_core::error::Kind;

use super::steps::*;
use crate::failure::{Checked, holds, refused as an_error, same};
use crate::{Place, StagingSettings};

/// The table and both logs; a look alone creates nothing.
pub async fn what_is_missing_is_created_and_then_it_is_ready(place: &dyn Place) -> Checked {
    let staging = place.staging(&StagingSettings::default())?;
    same("whether it is ready before", staging.is_ready().await?, false)?;
    same("whether a look made it ready", staging.is_ready().await?, false)?;
    staging.prepare().await?;
    same("whether it is ready", staging.is_ready().await?, true)?;
    same("whether another process finds it ready", elsewhere(place)?.is_ready().await?, true)?;
    let columns = [
        "person_id",
        "id",
        "legacy_id",
        "previous_json_payload",
        "json_payload",
        "partial_json_payload",
        "current_hash",
        "previous_hash",
        "submission_status",
        "submission_timestamp",
        "api_response",
        "row_state",
        "last_updated",
    ];
    same("rows of a new table with all its columns", place.read(STAGING, &columns).await?.len(), 0)?;
    same("rows of its twin for tests", place.read("ssd_api_data_staging_anon", &columns).await?.len(), 0)?;
    same("rows of the submission log", place.read(LOG, &["attempt_id", "outcome", "closed_at"]).await?.len(), 0)?;
    same("rows of the run log", place.read(RUNS, &["run_id", "report"]).await?.len(), 0)
}

/// By this process or another.
pub async fn preparing_again_changes_nothing(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    intent(staging.as_ref(), "a", "1", None).await?;
    let look = || async {
        let rows = place.read(STAGING, &["person_id", "json_payload", "submission_status", "last_updated"]).await?;
        Checked::Ok((rows, place.read(LOG, &["attempt_id", "outcome", "opened_at"]).await?))
    };
    let before = look().await?;
    staging.prepare().await?;
    elsewhere(place)?.prepare().await?;
    same("the tables after preparing again", look().await?, before)
}

/// `create = "never"`, or an account that may not.
pub async fn a_missing_table_that_may_not_be_created_is_named(place: &dyn Place) -> Checked {
    let never = place.staging(&StagingSettings { create: false, ..StagingSettings::default() })?;
    // Somebody has to make the database where that is a file.
    place.create(&crate::TestTable::new("other", &[("id", crate::ColumnKind::Text)])).await?;
    let error = an_error("a missing table", never.prepare().await)?;
    same("its kind", error.kind(), Kind::Schema)?;
    holds("a message that names the table", error.message().contains(STAGING))?;
    holds("advice", !error.advice().is_empty())?;
    same("whether it is ready", never.is_ready().await?, false)?;
    ready(place).await?;
    never.prepare().await?;
    same("whether it is ready once the table is there", never.is_ready().await?, true)
}

/// A table of another tool, or one that somebody changed.
pub async fn a_staging_table_without_a_needed_column_is_refused_by_name(place: &dyn Place) -> Checked {
    ready(place).await?;
    place.drop_column(STAGING, "previous_json_payload").await?;
    let error = an_error("a column that is missing", elsewhere(place)?.prepare().await)?;
    same("its kind", error.kind(), Kind::Schema)?;
    let named = error.message().contains(STAGING) && error.message().contains("previous_json_payload");
    holds("a message that names table and column", named)
}

/// From preparing to recording.
pub async fn hostile_names_of_staging_tables_are_only_names(place: &dyn Place) -> Checked {
    let settings = StagingSettings {
        staging: "a\"; DROP TABLE b; --/../x".to_owned(),
        log: "log of; 'b' [c]".to_owned(),
        runs: "runs\" %s $1".to_owned(),
        ..StagingSettings::default()
    };
    let staging = place.staging(&settings)?;
    staging.prepare().await?;
    let staging = staging.as_ref();
    let _stage = staging.lock_stage(None).await?;
    let _submit = staging.lock_submit().await?;
    let id = "'; DROP TABLE x; --";
    add(staging, &[id]).await?;
    let claim = take(staging, &[id]).await?;
    intent(staging, "a'", id, None).await?;
    claim.record(vec![accepted(id, "a'", 1)]).await?;
    same("whether its intent is open", row(staging, id).await?.open_intent, false)?;
    same("rows of the strange table", place.read(&settings.staging, &["person_id"]).await?, [[Some(id.to_owned())]])
}
