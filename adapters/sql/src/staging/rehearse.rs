//! What `check` tries of the staging tables: what [`prepare::prepare`] does, in transactions that are taken back.

use std::sync::Arc;

use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Rehearsal;

use super::Shared;
use super::beside::LogPlace;
use super::prepare;
use super::tables::{self, Column};
use crate::{Connection, Purpose};

/// See [`csc_bridge_core::staging::Staging::rehearse`].
pub(super) async fn rehearse(shared: &Arc<Shared>, for_stage: bool) -> Result<Rehearsal> {
    let names = &shared.names;
    let is_ready = prepare::is_ready(shared).await?;
    // A database that is a file and not there yet is made by the first run.
    if names.create_database && !shared.pool.engine.exists().await? {
        return Ok(Rehearsal { is_ready, logs_apart: None });
    }
    let mut connection = shared.pool.engine.connect(Purpose::Stage).await?;
    let connection = connection.as_mut();
    if for_stage && connection.columns(&names.staging).await?.is_some() {
        tables::check_for_stage(connection, &names.staging).await?;
    }
    let staging = prepare::staging_tables(shared, connection).await?;
    take_back(shared, connection, staging, Tries::Outcome).await?;
    Ok(Rehearsal { is_ready, logs_apart: logs_apart(shared).await? })
}

/// Where the logs will be, if not beside the staging table; `prepare::place_logs` decides it in the same way.
async fn logs_apart(shared: &Shared) -> Result<Option<String>> {
    if let LogPlace::Apart(logs) = shared.log_place().await?
        && logs.exist().await?
    {
        return Ok(Some(logs.place()));
    }
    // A connection of its own, because one whose transaction failed is not used again.
    let mut connection = shared.pool.engine.connect(Purpose::Stage).await?;
    let connection = connection.as_mut();
    let (names, create) = (shared.logs.names(), shared.names.create);
    let are_missing = !prepare::are_logs_there(connection, names, create).await?;
    match (take_back(shared, connection, tables::log_tables(names), Tries::Logs).await, &shared.fallback) {
        (Ok(()), _) => Ok(None),
        (Err(error), Some(fallback)) if error.kind() == Kind::Permission || are_missing && !create => {
            let mut connection = shared.pool.engine.connect(Purpose::Stage).await?;
            prepare::refuse_forgetting(shared, connection.as_mut()).await?;
            Ok(Some(fallback.place()))
        }
        (Err(error), _) => Err(error),
    }
}

/// What is tried once the tables are there.
enum Tries {
    Outcome,
    Logs,
}

/// Creates what is missing, tries to write without a row, and takes everything back. After an error the connection is dropped by
/// whoever has it, which takes it back as well.
async fn take_back(
    shared: &Shared,
    connection: &mut dyn Connection,
    wanted: Vec<(TableName, &'static [Column])>,
    tries: Tries,
) -> Result<()> {
    let dialect = shared.dialect();
    let statements = tables::missing(connection, dialect, wanted, shared.names.create).await?;
    if !statements.is_empty() && !dialect.creating_can_be_undone() {
        return Ok(());
    }
    connection.begin().await?;
    tables::make(connection, &statements).await?;
    match tries {
        Tries::Outcome => prepare::try_outcome(shared, connection).await?,
        Tries::Logs => prepare::try_logs(connection, dialect, shared.logs.names()).await?,
    }
    connection.rollback().await
}
