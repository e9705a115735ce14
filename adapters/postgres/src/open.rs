//! From settings to a connection that is ready for statements.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};

use crate::connection::PostgresConnection;
use crate::error::{explain, lost};
use crate::options::Settings;

/// The oldest server whose SQL this adapter speaks (`MATERIALIZED` is of 12).
const OLDEST: u32 = 12;

/// Connects, logs in and sets the session up.
///
/// # Errors
/// [`Kind::Unreachable`], [`Kind::Permission`], or [`Kind::Config`] for a database that is not there or not of a kind that serves.
pub(crate) async fn open(settings: &Settings, lock_lost: Arc<AtomicBool>) -> Result<PostgresConnection> {
    let place = &settings.place;
    let connecting = settings.config.connect(settings.connector.clone());
    let (client, connection) = match tokio::time::timeout(settings.connect_timeout, connecting).await {
        Ok(connected) => connected.map_err(|error| explain(&error, place))?,
        Err(_) => return Err(too_slow(place)),
    };
    let (version, encoding) = ["server_version", "server_encoding"]
        .map(|name| connection.parameter(name).unwrap_or_default().to_owned())
        .into();
    let task = tokio::spawn(async move {
        // How it ended, the next statement finds out.
        let _ = connection.await;
    });
    let cancel = client.cancel_token();
    let connection =
        PostgresConnection::new(client, task, (cancel, settings.connector.clone()), place.clone(), lock_lost);
    check(place, &version, &encoding)?;
    let set_up = set_up(settings);
    let done = tokio::time::timeout(settings.connect_timeout, connection.run_script(&set_up)).await;
    done.map_err(|_| too_slow(place))??;
    Ok(connection)
}

fn check(place: &str, version: &str, encoding: &str) -> Result<()> {
    let major: u32 =
        version.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    if major < OLDEST {
        return Err(Error::new(
            Kind::Config,
            format!("{place} is PostgreSQL {version}, and csc-bridge needs {OLDEST} or later"),
            "have the server upgraded, or copy the tables to a newer one",
        ));
    }
    if encoding != "UTF8" {
        return Err(Error::new(
            Kind::Config,
            format!("{place} keeps texts in {encoding}, and csc-bridge needs UTF8"),
            "copy the tables to a database with ENCODING 'UTF8'; names would lose their accents otherwise",
        ));
    }
    Ok(())
}

/// The session's settings.
///
/// - Times are printed and read in ISO form. The time zone is left as the server has it: columns without one that another tool fills
///   with its own `now()` then mean the same to both.
/// - `pg_temp` comes last in the search path, not first: a table of the CMS may be called as one of our temporary tables.
/// - A statement ends after `query_timeout`, a wait for a lock after `lock_timeout`. A session that waits (the read session while a
///   chunk is assembled, a claim while DfE answers) is not ended for it. (Two of those settings came with PostgreSQL 14 and 17.)
/// - A commit waits for the server's disk, also where the server is set not to: an intent that a crash of the server forgot after its
///   request had left would be a child sent without a trace.
/// - Compiling a statement costs more than it saves: the same few run hundreds of times.
/// - A role that is read only unless it says otherwise may create temporary tables, when it says otherwise.
fn set_up(settings: &Settings) -> String {
    let milliseconds = |time: Duration| time.as_millis().clamp(1, 2_147_483_647);
    let set = [
        ("DateStyle", "ISO".to_owned()),
        ("extra_float_digits", "1".to_owned()),
        ("standard_conforming_strings", "on".to_owned()),
        ("statement_timeout", milliseconds(settings.query_timeout).to_string()),
        ("lock_timeout", milliseconds(settings.lock_timeout).to_string()),
        ("idle_in_transaction_session_timeout", "0".to_owned()),
        ("jit", "off".to_owned()),
        ("default_transaction_read_only", "off".to_owned()),
        ("default_transaction_isolation", "read committed".to_owned()),
    ];
    let mut calls: Vec<String> =
        set.iter().map(|(name, value)| format!("pg_catalog.set_config('{name}', '{value}', false)")).collect();
    for name in ["idle_session_timeout", "transaction_timeout"] {
        calls.push(format!(
            "CASE WHEN pg_catalog.current_setting('{name}', true) IS NOT NULL THEN pg_catalog.set_config('{name}', '0', false) END"
        ));
    }
    calls.push(
        "CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' \
         THEN pg_catalog.set_config('synchronous_commit', 'on', false) END"
            .to_owned(),
    );
    calls.push(
        "pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', NULLIF(pg_catalog.current_setting('search_path'), ''), \
         'pg_temp'), false)"
            .to_owned(),
    );
    format!("SELECT {}", calls.join(", "))
}

fn too_slow(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("{place} did not answer within connect_timeout"),
        lost(place).advice().to_owned(),
    )
}
