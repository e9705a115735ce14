//! Getting the staging tables ready: what is missing is created, what is there is checked and may be written, and the logs get their
//! place.

use std::sync::Arc;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;

use super::Shared;
use super::beside::LogPlace;
use super::no_logs::NoLogs;
use super::tables::{Column, INTENT, LOG, RUN, RUNS, STAGING, bring_up, check, log_tables};
use crate::{Connection, Purpose, WritingDialect, WritingEngine};

/// The columns of [`STAGING`] that an outcome changes.
const OUTCOME: &[&str] = &[
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

/// Creates what is missing where that is allowed, and checks the columns of what is there.
pub(super) async fn prepare(shared: &Arc<Shared>) -> Result<()> {
    let names = &shared.names;
    let mut connection = shared.pool.engine.connect(Purpose::Prepare { create: names.create_database }).await?;
    let connection = connection.as_mut();
    let tables = staging_tables(shared, connection).await?;
    bring_up(connection, &*shared.pool.engine, tables, names.create).await?;
    create_twin(shared).await?;
    try_outcome(shared, connection).await?;
    place_logs(shared, connection).await
}

/// The staging table, which another tool's table must already be.
pub(super) async fn staging_tables(
    shared: &Shared,
    connection: &mut dyn Connection,
) -> Result<Vec<(TableName, &'static [Column])>> {
    let names = &shared.names;
    if names.create && !names.create_staging && connection.columns(&names.staging).await?.is_none() {
        return Err(Error::new(
            Kind::Schema,
            format!("the table {} does not exist, or may not be read by this account", names.staging),
            "[staging] managed_by is \"sql\", so the script that fills the table creates it: check the table's name, the schema and \
             the database",
        ));
    }
    Ok(vec![(names.staging.clone(), STAGING)])
}

/// Before any request leaves it is known that its outcome can be written. Writes nothing.
pub(super) async fn try_outcome(shared: &Shared, connection: &mut dyn Connection) -> Result<()> {
    let names = &shared.names;
    let set: Vec<String> = OUTCOME.iter().map(|column| format!("{column} = {column}")).collect();
    let update = format!("UPDATE {} SET {} WHERE 1 = 0", shared.sql.staging, set.join(", "));
    connection.execute(&update, &[]).await.map_err(|error| error.within(format!("writing {}", names.staging)))?;
    Ok(())
}

/// The twin is for tests; D2I's tools fill it with other columns, so it is created but never judged. Whoever may not create it does
/// without.
async fn create_twin(shared: &Arc<Shared>) -> Result<()> {
    let names = &shared.names;
    let twin = TableName { table: format!("{}_anon", names.staging.table), ..names.staging.clone() };
    if !names.create_staging || names.staging.table.to_lowercase().ends_with("_anon") {
        return Ok(());
    }
    let mut connection = shared.pool.engine.connect(Purpose::Prepare { create: names.create_database }).await?;
    if connection.columns(&twin).await?.is_some() {
        return Ok(());
    }
    match bring_up(connection.as_mut(), &*shared.pool.engine, vec![(twin, STAGING)], true).await {
        Err(error) if error.kind() == Kind::Permission => {
            tracing::debug!(reason = %error, "there is no table for --anon");
            Ok(())
        }
        created => created,
    }
}

/// Decides where the logs are, and creates what is missing of them.
async fn place_logs(shared: &Arc<Shared>, connection: &mut dyn Connection) -> Result<()> {
    let tables = shared.logs.names();
    let Some(fallback) = &shared.fallback else {
        prepare_logs(connection, &*shared.pool.engine, tables, shared.names.create).await?;
        shared.logs_are(LogPlace::Beside);
        return Ok(());
    };
    if !fallback.exist().await? {
        let create = shared.names.create;
        let are_missing = !are_logs_there(connection, tables, create).await?;
        let refused = match prepare_logs(connection, &*shared.pool.engine, tables, create).await {
            Ok(()) => {
                shared.logs_are(LogPlace::Beside);
                return Ok(());
            }
            Err(error) if error.kind() == Kind::Permission || are_missing && !create => error,
            Err(error) => return Err(error),
        };
        // A new connection: the old one may be in a transaction that failed.
        let mut connection = shared.pool.engine.connect(Purpose::Stage).await?;
        refuse_forgetting(shared, connection.as_mut()).await?;
        tracing::warn!(reason = %refused, "the database of the staging table refuses the submission log");
    }
    fallback.prepare().await?;
    tracing::warn!(
        log = fallback.place(),
        "the submission log is in a file of this machine: no other machine may send"
    );
    shared.logs_are(LogPlace::Apart(fallback.clone()));
    Ok(())
}

/// A log that was written until now and no longer may be is not left behind while a request in it waits for its answer.
pub(super) async fn refuse_forgetting(shared: &Shared, connection: &mut dyn Connection) -> Result<()> {
    let [log, runs] = shared.logs.names();
    if connection.columns(log).await?.is_none() || connection.columns(runs).await?.is_none() {
        return Ok(());
    }
    match shared.logs.sql().open_intents(connection).await? {
        0 => Ok(()),
        open => Err(Error::new(
            Kind::Permission,
            format!("the table {log} may no longer be written, and {open} requests in it have no answer yet"),
            "give the account the rights to INSERT, UPDATE and DELETE on the submission log and the run log; once no request waits, \
             they may be taken away and the log moves to a file",
        )),
    }
}

/// Creates what is missing of the logs where that is allowed, checks what is there, and that it may be written.
pub(super) async fn prepare_logs(
    connection: &mut dyn Connection,
    engine: &dyn WritingEngine,
    names: &[TableName; 2],
    create: bool,
) -> Result<()> {
    bring_up(connection, engine, log_tables(names), create).await?;
    try_logs(connection, engine.writing(), names).await
}

/// That the logs may be written. Nothing is written: it is about the right to.
pub(super) async fn try_logs(
    connection: &mut dyn Connection,
    dialect: &dyn WritingDialect,
    [log, runs]: &[TableName; 2],
) -> Result<()> {
    for (table, changes) in [(log, true), (runs, false)] {
        let name = dialect.table(table);
        let columns = if changes { INTENT } else { RUN }.join(", ");
        let insert = format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE 1 = 0");
        let update = format!("UPDATE {name} SET outcome = outcome WHERE 1 = 0");
        for sql in [Some(insert), changes.then_some(update)].into_iter().flatten() {
            connection.execute(&sql, &[]).await.map_err(|error| error.within(format!("writing {table}")))?;
        }
    }
    Ok(())
}

/// Whether the tables are there, with their columns. Creates nothing, and needs no right to.
pub(super) async fn is_ready(shared: &Arc<Shared>) -> Result<bool> {
    let names = &shared.names;
    if names.create_database && !shared.pool.engine.exists().await? {
        return Ok(false);
    }
    let mut connection = shared.pool.engine.connect(Purpose::Stage).await?;
    match connection.columns(&names.staging).await? {
        Some(there) => check(&names.staging, STAGING, &there, names.create)?,
        None => return Ok(false),
    }
    if let LogPlace::Beside = shared.log_place().await?
        && !are_logs_there(connection.as_mut(), shared.logs.names(), names.create).await?
    {
        // Rows that somebody filled are there all the same, and whoever looks is to see them.
        shared.logs_are(LogPlace::Apart(Arc::new(NoLogs)));
    }
    Ok(true)
}

/// Whether the logs are there, with their columns but for those that [`prepare_logs`] adds, which nobody needs who only looks.
pub(super) async fn are_logs_there(
    connection: &mut dyn Connection,
    [log, runs]: &[TableName; 2],
    may_add: bool,
) -> Result<bool> {
    for (table, columns) in [(log, LOG), (runs, RUNS)] {
        match connection.columns(table).await? {
            Some(there) => check(table, columns, &there, may_add)?,
            None => return Ok(false),
        }
    }
    Ok(true)
}
