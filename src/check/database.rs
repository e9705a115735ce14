//! The database: the SSD's tables as the definition needs them, and the staging tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use csc_bridge_core::config::ManagedBy;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::plan::TablePlan;
use csc_bridge_core::payload::read;
use csc_bridge_core::source::{DocumentSource, Source, Table, TableName, read_all};
use csc_bridge_core::staging::{Rehearsal, Staging};

use super::Ready;
use super::machine::Opened;
use super::outcome::Checks;

/// What is known of the account's rights.
#[derive(Default)]
struct Grants {
    /// Tables that can be read, and how many there are.
    readable: usize,
    wanted: usize,
    /// What the server refused.
    refused: Vec<Error>,
    may_write: bool,
}

/// Checks the database. Returns whether a dry run can read the children.
/// `has_state`: there is a place for the logs that the database may refuse.
pub async fn check(ready: &Ready, opened: &Opened, has_state: bool, checks: &mut Checks) -> bool {
    let mut grants = Grants::default();
    let is_connected = match &opened.source {
        Ok(source) => connect(ready, source, &mut grants, checks).await,
        Err(error) if error.kind() == Kind::Config => {
            checks.skip("db.connect", "needs the configuration and its secrets");
            false
        }
        Err(error) => {
            checks.fail("db.connect", error);
            false
        }
    };
    if !is_connected {
        for table in &ready.plan.tables {
            checks.skip(&format!("db.table.{}", table.ssd_name), "needs db.connect");
        }
    }
    let is_staging_good = match &opened.staging {
        _ if !has_state => {
            checks.skip("staging", "needs state_dir, where the logs are if the database refuses them");
            false
        }
        Ok(staging) if is_connected || ready.setup.config.staging.own_database => {
            staging_tables(ready, staging, &mut grants, checks).await
        }
        _ => {
            checks.skip("staging", "needs db.connect");
            false
        }
    };
    let is_readable = is_connected && grants.readable == grants.wanted;
    if is_connected {
        tell(&grants, checks);
    } else {
        checks.skip("db.grants", "needs db.connect");
    }
    is_readable && is_staging_good
}

/// Reaches the source, and looks at its tables where it has some.
async fn connect(ready: &Ready, source: &Arc<dyn Source>, grants: &mut Grants, checks: &mut Checks) -> bool {
    let adapter = &ready.setup.config.source.adapter;
    let reached = match source.documents() {
        Some(documents) => ids(documents).await.map(|ids| format!("{adapter} lists {ids} ids")),
        None => source.open(&[]).await.map(|_session| format!("connected to {adapter}")),
    };
    match reached {
        Ok(said) => checks.pass("db.connect", said),
        Err(error) => {
            checks.fail("db.connect", &error);
            return false;
        }
    }
    if source.documents().is_none() {
        tables(ready, source, grants, checks).await;
        return true;
    }
    for table in &ready.plan.tables {
        checks.skip(&format!("db.table.{}", table.ssd_name), "the source has documents, and no tables");
    }
    true
}

/// How many ids a source of documents lists. Its documents are read by the dry run.
async fn ids(documents: &dyn DocumentSource) -> Result<usize> {
    let mut session = documents.open().await?;
    Ok(read::ids(&mut *session).await?.len())
}

/// Checks each table with its columns, and that the database can run the very statements of a run.
async fn tables(ready: &Ready, source: &Arc<dyn Source>, grants: &mut Grants, checks: &mut Checks) {
    let wanted: BTreeMap<TableName, Table> =
        ready.plan.source_tables().into_iter().map(|table| (table.name.clone(), table)).collect();
    let mut rows: BTreeMap<&TableName, Result<u64>> = BTreeMap::new();
    // One table at a time, so that each has its own word on what it lacks.
    for (name, table) in &wanted {
        rows.insert(name, count(&**source, table).await);
    }
    let readable: BTreeMap<&TableName, &Table> =
        wanted.iter().filter(|(name, _)| matches!(rows.get(name), Some(Ok(_)))).collect();
    (grants.wanted, grants.readable) = (wanted.len(), readable.len());
    for table in &ready.plan.tables {
        let id = format!("db.table.{}", table.ssd_name);
        let Some(name) = table.scans.first().map(|scan| &scan.table) else {
            checks.skip(&id, "the CMS profile says that this CMS does not have it");
            continue;
        };
        let found = match rows.get(name) {
            Some(Ok(rows)) => scan_nobody(&**source, table, &readable).await.map(|()| *rows),
            Some(Err(error)) => Err(again(error)),
            None => Err(Error::internal("a table is not among those of the plan")),
        };
        match found {
            Ok(0) => checks.warn(
                &id,
                format!("{name} has no rows"),
                "if this CMS does not fill it, all is well; else see whether the SSD was refreshed whole",
            ),
            Ok(rows) => {
                let columns = wanted.get(name).map_or(0, |table| table.columns.len());
                checks.pass(&id, format!("{name}: {columns} columns, {rows} rows"));
            }
            Err(error) => {
                checks.fail(&id, &error);
                if error.kind() == Kind::Permission {
                    grants.refused.push(error);
                }
            }
        }
    }
}

/// The rows of a table, which has all its columns.
async fn count(source: &dyn Source, table: &Table) -> Result<u64> {
    source.open(std::slice::from_ref(table)).await?.count(&table.name).await
}

/// Reads a table for no child at all: the database has to find every column and to compare the keys, and returns no row. A way
/// through a table that cannot be read is left out: that table says so itself.
async fn scan_nobody(source: &dyn Source, table: &TablePlan, readable: &BTreeMap<&TableName, &Table>) -> Result<()> {
    for scan in &table.scans {
        let names = std::iter::once(&scan.table).chain(scan.path_to_child.joins.iter().map(|join| &join.table));
        let mut names: Vec<&TableName> = names.collect();
        names.sort();
        names.dedup();
        let tables: Option<Vec<Table>> = names.iter().map(|name| readable.get(*name).map(|t| (*t).clone())).collect();
        let Some(tables) = tables else { continue };
        let mut session = source.open(&tables).await?;
        session.select(&[]).await?;
        let mut rows = session.scan(scan).await?;
        read_all(&mut *rows).await?;
    }
    Ok(())
}

/// An error to be told in a second place.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.message().to_owned(), error.advice().to_owned())
}

/// Tries what a run does with the staging tables, and takes it back. Returns whether a dry run can use them.
async fn staging_tables(ready: &Ready, staging: &Arc<dyn Staging>, grants: &mut Grants, checks: &mut Checks) -> bool {
    let config = &ready.setup.config.staging;
    let is_ours = config.managed_by == ManagedBy::CscBridge;
    let who = if is_ours { "filled by csc-bridge" } else { "filled by somebody else's SQL" };
    match staging.rehearse(is_ours).await {
        Ok(Rehearsal { is_ready, logs_apart }) => {
            grants.may_write = true;
            let state = if is_ready { "is there" } else { "is not complete yet: the first run makes what is missing" };
            let table = format!("{} ({who}) {state}", config.table);
            match logs_apart {
                None => checks.pass("staging", format!("{table}; the logs are beside it")),
                Some(file) => checks.warn(
                    "staging",
                    format!("{table}; the logs are in {file}, because the database does not take them"),
                    "no other machine may send; to keep the logs in the database, let the account create or write them",
                ),
            }
            true
        }
        Err(error) => {
            checks.fail("staging", &error);
            if error.kind() == Kind::Permission {
                grants.refused.push(error);
            }
            false
        }
    }
}

/// What the account may do.
fn tell(grants: &Grants, checks: &mut Checks) {
    const ID: &str = "db.grants";
    let reads = format!("{} of {} tables can be read", grants.readable, grants.wanted);
    if let Some(error) = grants.refused.first() {
        return checks.fail(ID, &again(error));
    }
    if grants.readable < grants.wanted {
        return checks.warn(
            ID,
            reads,
            "a table that the account may not see looks as if it were missing: see db.table",
        );
    }
    match grants.may_write {
        true => checks.pass(ID, format!("{reads}, and the staging tables can be written")),
        false => checks.warn(
            ID,
            format!("{reads}; whether the staging tables can be written is not known"),
            "see staging, in: csc-bridge check",
        ),
    }
}
