//! From settings to a connection that is ready for statements.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use tiberius::Client;
use tiberius::error::Error as Driver;
use tokio_util::compat::TokioAsyncWriteCompatExt;

use crate::connection::{SqlServerClient, SqlServerConnection};
use crate::error::{cut_off, explain, is_transient, too_slow};
use crate::options::Settings;
use crate::server::Server;
use crate::{browser, tls};

/// Waits between attempts, where an error says that another may do better. A database in Azure needs up to a minute to wake up.
pub(crate) const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(6), Duration::from_secs(15)];

/// How often a server may send us on to another.
const ROUTES: usize = 3;

/// SQL Server 2012, the oldest whose SQL is known here.
const OLDEST: u32 = 11;

/// Connects, logs on and sets the session up.
///
/// # Errors
/// [`Kind::Unreachable`], [`Kind::Permission`], or [`Kind::Config`] for a database that is not there or a server that is too old.
pub(crate) async fn open(settings: &Arc<Settings>, lock_lost: Arc<AtomicBool>) -> Result<SqlServerConnection> {
    let mut attempts = 0;
    loop {
        let attempt = tokio::time::timeout(settings.connect_timeout, ready(settings)).await;
        let error = match attempt.map_err(|_| too_slow(&settings.place))?? {
            Ok(client) => return Ok(SqlServerConnection::new(client, settings.clone(), lock_lost)),
            Err(error) => error,
        };
        attempts += 1;
        match settings.pauses.get(attempts - 1) {
            Some(pause) if is_transient(&error) => {
                tracing::info!(place = %settings.place, seconds = pause.as_secs(), "not available yet; tries again");
                tokio::time::sleep(*pause).await;
            }
            _ => return Err(not_connected(&error, settings, attempts)),
        }
    }
}

/// One attempt. The outer error is ours, and final; the inner one is the driver's.
async fn ready(settings: &Settings) -> Result<tiberius::Result<SqlServerClient>> {
    let mut client = match log_on(settings).await? {
        Ok(client) => client,
        Err(error) => return Ok(Err(error)),
    };
    let version = match set_up(&mut client, settings).await {
        Ok(version) => version,
        Err(error) => return Ok(Err(error)),
    };
    check_version(&version, &settings.place)?;
    Ok(Ok(client))
}

async fn log_on(settings: &Settings) -> Result<tiberius::Result<SqlServerClient>> {
    let mut config = settings.config.clone();
    let mut server = settings.server.clone();
    for _ in 0..ROUTES {
        let socket = browser::reach(settings, &server).await?;
        // A named instance has its own port, by which Kerberos knows it.
        if let Ok(address) = socket.peer_addr() {
            config.port(address.port());
        }
        match Client::connect(config.clone(), socket.compat_write()).await {
            Err(Driver::Routing { host, port }) => {
                config.host(&host);
                server = Server { host, instance: None, port };
            }
            done => return Ok(done),
        }
    }
    Ok(Err(Driver::Routing { host: server.host, port: server.port }))
}

/// Makes the session's settings, and returns the server's version.
///
/// - An error of a statement undoes its transaction; a wait for a lock ends after `lock_timeout`.
/// - Long texts are sent whole. Names may stand in double quotes, and null is never equal to anything: what modern drivers ask for when
///   they log on, and what indexes with a condition insist on. A column that is created without a word on nulls takes them.
async fn set_up(client: &mut SqlServerClient, settings: &Settings) -> tiberius::Result<String> {
    let lock_timeout = settings.lock_timeout.as_millis().min(2_147_483_647);
    let sql = format!(
        "SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_NULL_DFLT_ON ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; \
         SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET XACT_ABORT ON; \
         SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT {lock_timeout}; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; \
         SELECT CAST(SERVERPROPERTY('ProductVersion') AS NVARCHAR(128))"
    );
    let row = client.simple_query(sql).await?.into_row().await?;
    Ok(row.and_then(|row| row.try_get::<&str, _>(0).ok().flatten().map(str::to_owned)).unwrap_or_default())
}

/// Whether the server is as old as its SQL must be. Its version is `15.0.2000.5`, and in Azure 12 for ever. What cannot be read is let
/// through: a server that is too old says so by itself, if in worse words.
fn check_version(version: &str, place: &str) -> Result<()> {
    match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major < OLDEST => Err(Error::new(
            Kind::Config,
            format!(
                "{place} is on a server that is older than SQL Server 2012: its version is {major}, and 11 is needed"
            ),
            "have the database moved to a server that Microsoft still supports; csc-bridge needs SQL Server 2012 or later",
        )),
        _ => Ok(()),
    }
}

/// Why there is no connection, after so many attempts.
fn not_connected(error: &Driver, settings: &Settings, attempts: usize) -> Error {
    let place = &settings.place;
    let error = match error {
        Driver::Protocol(said) if said.contains("encryption level") => tls::not_offered(place),
        Driver::Tls(said) => tls::refused(said, place),
        Driver::Io { kind: io::ErrorKind::TimedOut, .. } => too_slow(place),
        Driver::Io { kind, .. } => match tls::broken(*kind, place) {
            Some(error) => error,
            None if settings.strict => tls::not_strict(place),
            None => cut_off(place),
        },
        error => explain(error, place),
    };
    match attempts {
        1 => error,
        _ => Error::new(
            error.kind(),
            format!("{error}, and did not do better in {attempts} attempts"),
            error.advice().to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_must_be_of_2012_or_later() {
        for (version, taken) in [
            ("16.0.1000.6", true),
            ("12.0.2000.8", true),
            ("11.0.2100.60", true),
            ("10.50.6000.34", false),
            ("9.00.5000.00", false),
            ("", true),
            ("unknown", true),
        ] {
            assert_eq!(check_version(version, "x").is_ok(), taken, "{version}");
        }
    }
}
