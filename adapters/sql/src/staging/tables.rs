//! The staging tables' columns, how they are created, and how those that are there are checked.

use std::collections::HashSet;
use std::sync::Arc;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;

use super::Shared;
use super::beside::LogPlace;
use super::no_logs::NoLogs;
use crate::{Connection, Dialect, KeyIndex, Purpose, Store};

/// One column.
pub(super) struct Column {
    name: &'static str,
    store: Store,
    /// What follows the type.
    rule: Rule,
}

/// What follows a column's type.
enum Rule {
    Nullable,
    NotNull,
    Unique,
    Word(&'static str),
    Now,
}

const fn column(name: &'static str, store: Store, rule: Rule) -> Column {
    Column { name, store, rule }
}

/// `ssd_api_data_staging` (staging fact sheet, section 1), in the order in which analysts know it.
///
/// Of the three sizes of `person_id` that are about, this is the widest: the SSD's own. `submission_timestamp` has no
/// default, unlike in the scripts, where a row that was never sent carries the time of its creation.
const STAGING: &[Column] = &[
    column("id", Store::Identity, Rule::Nullable),
    column("person_id", Store::Text(48), Rule::Unique),
    column("legacy_id", Store::Text(48), Rule::Nullable),
    column("previous_json_payload", Store::Json, Rule::Nullable),
    column("json_payload", Store::Json, Rule::NotNull),
    column("partial_json_payload", Store::Json, Rule::Nullable),
    column("current_hash", Store::Hash, Rule::Nullable),
    column("previous_hash", Store::Hash, Rule::Nullable),
    column("submission_status", Store::Text(50), Rule::Word("pending")),
    column("submission_timestamp", Store::Timestamp, Rule::Nullable),
    column("api_response", Store::LongText, Rule::Nullable),
    column("row_state", Store::Text(10), Rule::Word("new")),
    column("last_updated", Store::Timestamp, Rule::Now),
];

/// `ssd_api_submission_log`: one row for each record of each attempt. `outcome` is null while the intent is open.
const LOG: &[Column] = &[
    column("id", Store::Identity, Rule::Nullable),
    column("attempt_id", Store::Text(48), Rule::NotNull),
    column("run_id", Store::Text(48), Rule::NotNull),
    column("attempt", Store::Integer, Rule::NotNull),
    column("person_id", Store::Text(48), Rule::NotNull),
    column("kind", Store::Text(10), Rule::NotNull),
    column("hash_sent", Store::Hash, Rule::NotNull),
    column("hash_base", Store::Hash, Rule::Nullable),
    column("opened_at", Store::Timestamp, Rule::Now),
    column("closed_at", Store::Timestamp, Rule::Nullable),
    column("outcome", Store::Text(20), Rule::Nullable),
    column("response_id", Store::Text(200), Rule::Nullable),
    column("mentioned", Store::LongText, Rule::Nullable),
];

/// `ssd_api_run_log`: one row for each run.
const RUNS: &[Column] = &[
    column("id", Store::Identity, Rule::Nullable),
    column("run_id", Store::Text(48), Rule::NotNull),
    column("command", Store::Text(20), Rule::NotNull),
    column("run_date", Store::Text(10), Rule::NotNull),
    column("ended_at", Store::Timestamp, Rule::Now),
    column("exit_code", Store::Integer, Rule::NotNull),
    column("seconds", Store::Integer, Rule::NotNull),
    column("table_rows", Store::LongText, Rule::Nullable),
    column("report", Store::LongText, Rule::Nullable),
];

/// Columns that some tables of other tools lack and that only `stage` needs: [`check_for_stage`].
const STAGE_ONLY: &[&str] = &["legacy_id"];

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

/// The columns of [`LOG`] and [`RUNS`] that may not be null.
const INTENT: &[&str] = &["attempt_id", "run_id", "attempt", "person_id", "kind", "hash_sent"];
const RUN: &[&str] = &["run_id", "command", "run_date", "exit_code", "seconds"];

/// Columns that a table of an earlier version lacks, and that are added to it. They may be null.
const ADDED: &[&str] = &["mentioned"];

/// Creates what is missing where that is allowed, and checks the columns of what is there.
pub(super) async fn prepare(shared: &Arc<Shared>) -> Result<()> {
    let names = &shared.names;
    let mut connection = shared.pool.engine.connect(Purpose::Prepare { create: names.create_database }).await?;
    let connection = connection.as_mut();
    let tables = staging_tables(shared, connection).await?;
    bring_up(connection, shared.dialect(), tables, names.create).await?;
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
    match bring_up(connection.as_mut(), shared.dialect(), vec![(twin, STAGING)], true).await {
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
        return prepare_logs(connection, shared.dialect(), tables, shared.names.create).await;
    };
    if !fallback.exist().await? {
        let create = shared.names.create;
        let are_missing = !are_logs_there(connection, tables, create).await?;
        let refused = match prepare_logs(connection, shared.dialect(), tables, create).await {
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
    dialect: &dyn Dialect,
    names: &[TableName; 2],
    create: bool,
) -> Result<()> {
    bring_up(connection, dialect, log_tables(names), create).await?;
    try_logs(connection, dialect, names).await
}

/// The two logs.
pub(super) fn log_tables([log, runs]: &[TableName; 2]) -> Vec<(TableName, &'static [Column])> {
    vec![(log.clone(), LOG), (runs.clone(), RUNS)]
}

/// That the logs may be written. Nothing is written: it is about the right to.
pub(super) async fn try_logs(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
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

/// Creates the tables that are missing where that is allowed, and checks the columns of those that are there.
async fn bring_up(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    tables: Vec<(TableName, &[Column])>,
    create: bool,
) -> Result<()> {
    let statements = missing(connection, dialect, tables, create).await?;
    if statements.is_empty() {
        return Ok(());
    }
    connection.begin().await?;
    make(connection, &statements).await?;
    connection.commit().await?;
    let mut changed: Vec<&TableName> = statements.iter().map(|(table, _)| table).collect();
    changed.dedup();
    for table in changed {
        tracing::info!(table.name = %table, "created a table, or brought it up to this version");
    }
    Ok(())
}

/// The statements that create what is missing, each with its table; checks the columns of what is there.
pub(super) async fn missing(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    tables: Vec<(TableName, &[Column])>,
    create: bool,
) -> Result<Vec<(TableName, String)>> {
    let mut statements = Vec::new();
    for (table, columns) in tables {
        match connection.columns(&table).await? {
            Some(there) => {
                check(&table, columns, &there, create)?;
                statements.extend(add(dialect, &table, columns, &there));
            }
            None if create => statements.extend(create_table(dialect, &table, columns)),
            None => {
                return Err(Error::new(
                    Kind::Schema,
                    format!("the table {table} does not exist, or may not be read by this account"),
                    "set [staging] create = \"if_missing\" with an account that may create tables, or have the table created",
                ));
            }
        }
    }
    Ok(statements)
}

/// Runs such statements, in the transaction of whoever calls.
pub(super) async fn make(connection: &mut dyn Connection, statements: &[(TableName, String)]) -> Result<()> {
    for (table, sql) in statements {
        connection
            .execute(sql, &[])
            .await
            .map_err(|error| error.within(format!("creating the table {table} or changing it")))?;
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

/// Checks the columns that `stage` needs beyond those that a sender needs.
pub(super) async fn check_for_stage(connection: &mut dyn Connection, table: &TableName) -> Result<()> {
    let there = connection.columns(table).await?.unwrap_or_default();
    match STAGE_ONLY.iter().find(|name| !has(&there, name)) {
        None => Ok(()),
        Some(name) => Err(lacks(table, name)),
    }
}

/// Checks that a table has all the columns that a sender needs, but for those that may be added.
fn check(table: &TableName, columns: &[Column], there: &[String], may_add: bool) -> Result<()> {
    let is_optional = |name| STAGE_ONLY.contains(&name) || may_add && ADDED.contains(&name);
    match columns.iter().find(|column| !is_optional(column.name) && !has(there, column.name)) {
        None => Ok(()),
        Some(column) => Err(lacks(table, column.name)),
    }
}

fn has(there: &[String], name: &str) -> bool {
    there.iter().any(|column| column.eq_ignore_ascii_case(name))
}

fn lacks(table: &TableName, column: &str) -> Error {
    Error::new(
        Kind::Schema,
        format!("the table {table} has no column {column}"),
        "add the column, or name another table in [staging] and let csc-bridge create it",
    )
}

/// The statements that bring a table of an earlier version up to this one. (Oracle has no word COLUMN here, and SQL Server may
/// make a column NOT NULL that does not say.)
fn add(dialect: &dyn Dialect, table: &TableName, columns: &[Column], there: &[String]) -> Vec<(TableName, String)> {
    let missing: Vec<&Column> =
        columns.iter().filter(|column| ADDED.contains(&column.name) && !has(there, column.name)).collect();
    let mut statements: Vec<String> = missing
        .iter()
        .map(|column| {
            format!("ALTER TABLE {} ADD {} {} NULL", dialect.table(table), column.name, dialect.stored(column.store))
        })
        .collect();
    if !missing.is_empty() {
        statements.push(history_index(dialect, table));
    }
    statements.into_iter().map(|sql| (table.clone(), sql)).collect()
}

/// What became of a child's requests, without a look at the log's rows, which may be long.
fn history_index(dialect: &dyn Dialect, log: &TableName) -> String {
    dialect.key_index(&KeyIndex {
        name: &format!("ix_{}_person", log.table),
        table: log,
        column: "person_id",
        include: &["id", "outcome", "hash_sent"],
        only: None,
    })
}

/// The statements that create a table with its indexes.
fn create_table(dialect: &dyn Dialect, table: &TableName, columns: &[Column]) -> Vec<(TableName, String)> {
    let columns_sql: Vec<String> = columns
        .iter()
        .map(|column| {
            let rule = match column.rule {
                Rule::Nullable => String::new(),
                Rule::NotNull => " NOT NULL".to_owned(),
                Rule::Unique => " NOT NULL UNIQUE".to_owned(),
                Rule::Word(word) => format!(" DEFAULT '{word}'"),
                Rule::Now => format!(" DEFAULT {}", dialect.now()),
            };
            format!("{} {}{rule}", column.name, dialect.stored(column.store))
        })
        .collect();
    let mut statements = vec![format!("CREATE TABLE {} ({})", dialect.table(table), columns_sql.join(", "))];
    let names: HashSet<&str> = columns.iter().map(|column| column.name).collect();
    if names.contains("json_payload") {
        // A ledger is read by person and needs nothing but these, so it never touches the documents.
        statements.push(dialect.key_index(&KeyIndex {
            name: &format!("ix_{}_person", table.table),
            table,
            column: "person_id",
            include: &["current_hash", "previous_hash", "submission_status", "row_state", "last_updated"],
            only: None,
        }));
    }
    if names.contains("outcome") {
        statements.push(history_index(dialect, table));
        // Few requests are ever open: a start of the program looks for them in a log of years.
        statements.push(dialect.key_index(&KeyIndex {
            name: &format!("ix_{}_open", table.table),
            table,
            column: "person_id",
            include: &[],
            only: Some("outcome IS NULL"),
        }));
        statements.push(dialect.plain_index(&format!("ix_{}_attempt", table.table), table, "attempt_id"));
    }
    statements.into_iter().map(|sql| (table.clone(), sql)).collect()
}
