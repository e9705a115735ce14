//! The staging tables' columns, how they are created, and how those that are there are checked.

use std::collections::HashSet;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;

use crate::{Connection, KeyIndex, Lock, Store, WritingDialect, WritingEngine};

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
pub(super) const STAGING: &[Column] = &[
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
pub(super) const LOG: &[Column] = &[
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
pub(super) const RUNS: &[Column] = &[
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

/// The columns of [`LOG`] and [`RUNS`] that may not be null.
pub(super) const INTENT: &[&str] = &["attempt_id", "run_id", "attempt", "person_id", "kind", "hash_sent"];
pub(super) const RUN: &[&str] = &["run_id", "command", "run_date", "exit_code", "seconds"];

/// Columns that a table of an earlier version lacks, and that are added to it. They may be null.
const ADDED: &[&str] = &["mentioned"];

/// The two logs.
pub(super) fn log_tables([log, runs]: &[TableName; 2]) -> Vec<(TableName, &'static [Column])> {
    vec![(log.clone(), LOG), (runs.clone(), RUNS)]
}

/// Creates the tables that are missing where that is allowed, and checks the columns of those that are there.
pub(super) async fn bring_up(
    connection: &mut dyn Connection,
    engine: &dyn WritingEngine,
    tables: Vec<(TableName, &[Column])>,
    create: bool,
) -> Result<()> {
    let dialect = engine.writing();
    let Some((first, _)) = tables.first().cloned() else { return Ok(()) };
    if missing(connection, dialect, tables.clone(), create).await?.is_empty() {
        return Ok(());
    }
    // Several processes may find this out at once. The first makes the tables, and the others find them made.
    let _one_at_a_time = engine.lock(&first, Lock::Tables).await?;
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
    dialect: &dyn WritingDialect,
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

/// Checks the columns that `stage` needs beyond those that a sender needs.
pub(super) async fn check_for_stage(connection: &mut dyn Connection, table: &TableName) -> Result<()> {
    let there = connection.columns(table).await?.unwrap_or_default();
    match STAGE_ONLY.iter().find(|name| !has(&there, name)) {
        None => Ok(()),
        Some(name) => Err(lacks(table, name)),
    }
}

/// Checks that a table has all the columns that a sender needs, but for those that may be added.
pub(super) fn check(table: &TableName, columns: &[Column], there: &[String], may_add: bool) -> Result<()> {
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
fn add(
    dialect: &dyn WritingDialect,
    table: &TableName,
    columns: &[Column],
    there: &[String],
) -> Vec<(TableName, String)> {
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
fn history_index(dialect: &dyn WritingDialect, log: &TableName) -> String {
    dialect.key_index(&KeyIndex {
        name: &format!("ix_{}_person", log.table),
        table: log,
        column: "person_id",
        include: &["id", "outcome", "hash_sent"],
        only: None,
    })
}

/// The statements that create a table with its indexes.
fn create_table(dialect: &dyn WritingDialect, table: &TableName, columns: &[Column]) -> Vec<(TableName, String)> {
    let columns_sql: Vec<String> = columns
        .iter()
        .map(|column| {
            let rule = match column.rule {
                Rule::Nullable => String::new(),
                Rule::NotNull => " NOT NULL".to_owned(),
                Rule::Unique => format!(" NOT NULL{}", dialect.unique()),
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
