//! The numbers of `csc-bridge status`.

use std::collections::BTreeMap;
use std::sync::Arc;

use csc_bridge_core::error::Result;
use csc_bridge_core::staging::{Held, RowState, States, Status, StatusReport};

use super::beside::LogPlace;
use super::pool::Lease;
use super::{Shared, choose};
use crate::Value;

/// The numbers behind `csc-bridge status`.
pub(super) async fn status(shared: &Arc<Shared>) -> Result<StatusReport> {
    let dialect = shared.dialect();
    let staging = &shared.sql.staging;
    let mut lease = shared.lease().await?;
    let oldest = format!(
        "SELECT {} FROM {staging} t WHERE {}",
        dialect.version("MIN(t.last_updated)"),
        choose::asks_in_cohort(dialect)
    );
    let (response, status) = (dialect.text("t.api_response"), dialect.word("t.submission_status"));
    let errors = match dialect.groups_long_text() {
        true => format!(
            "SELECT r.response, COUNT(*) FROM (SELECT {response} AS response FROM {staging} t WHERE {status} = 'error') r GROUP BY r.response"
        ),
        false => format!("SELECT {response}, 1 FROM {staging} t WHERE {status} = 'error'"),
    };
    let mut report = StatusReport {
        states: States { rows: rows(shared, &mut lease).await?, open_intents: 0 },
        oldest_pending: lease.query(&oldest, &[]).await?.first_mut().map_or(Ok(None), |row| row.text(0))?,
        ..StatusReport::default()
    };
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for mut row in lease.query(&errors, &[]).await? {
        *reasons.entry(row.text(0)?.unwrap_or_default()).or_default() += count(row.integer(1)?);
    }
    report.errors = reasons.into_iter().collect();
    lease.give_back();
    let logs = shared.logs().await?;
    report.states.open_intents = logs.open_intents().await?;
    report.last_run = logs.last_run().await?;
    if let LogPlace::Apart(logs) = shared.log_place().await?
        && logs.exist().await?
    {
        report.logs_apart = Some(logs.place());
    }
    Ok(report)
}

/// What the end of a run says.
pub(super) async fn states(shared: &Arc<Shared>) -> Result<States> {
    let mut lease = shared.lease().await?;
    let rows = rows(shared, &mut lease).await?;
    lease.give_back();
    Ok(States { rows, open_intents: shared.logs().await?.open_intents().await? })
}

/// Rows by (status, row_state, unsure).
async fn rows(shared: &Shared, lease: &mut Lease) -> Result<Vec<(Status, RowState, bool, u64)>> {
    let dialect = shared.dialect();
    let hash = dialect.bytes("t.previous_hash");
    // Unsure is 32 zero bytes here. A value that is no hash at all reads as unsure, too, but only where rows are read one by one.
    let zero =
        format!("CASE WHEN t.previous_hash IS NULL THEN 0 WHEN {hash} = {} THEN 1 ELSE 2 END", dialect.placeholder(1));
    let sql = format!(
        "SELECT r.status, r.state, r.zero, COUNT(*) FROM (SELECT {} AS status, {} AS state, {zero} AS zero FROM {} t) r \
         GROUP BY r.status, r.state, r.zero",
        dialect.text("t.submission_status"),
        dialect.text("t.row_state"),
        shared.sql.staging,
    );
    let unsure = Held::Unsure.to_column().map_or(Value::Null, |hash| Value::Bytes(hash.to_vec()));
    let mut states = BTreeMap::new();
    for mut row in lease.query(&sql, &[unsure]).await? {
        let status = Status::from_column(row.text(0)?.as_deref());
        let state = RowState::from_column(row.text(1)?.as_deref());
        *states.entry((status, state, row.integer(2)? == 1)).or_default() += count(row.integer(3)?);
    }
    Ok(states.into_iter().map(|((status, state, unsure), rows)| (status, state, unsure, rows)).collect())
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
