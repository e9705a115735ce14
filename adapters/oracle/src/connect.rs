//! From settings to a connection that is ready for statements.

use std::sync::Arc;

use csc_bridge_core::error::{Error, Kind, Result};
use oracle::{Connector, Version};
use secrecy::ExposeSecret;

use crate::client;
use crate::connection::blocking;
use crate::error::{explain, is_old_client, too_slow};
use crate::options::{Logon, Settings};

/// Oracle 12.1, the oldest whose SQL is known here.
const OLDEST: (i32, i32) = (12, 1);

/// Statements that the client keeps parsed for a connection: as many as the staging tables have.
const STATEMENTS: u32 = 64;

/// What a value looks like as text must not depend on the server, on the account or on the environment of this machine; nor what equals
/// what. The territory comes first, for it sets formats, too.
const LANGUAGE: &str = "ALTER SESSION SET NLS_LANGUAGE = 'AMERICAN' NLS_TERRITORY = 'AMERICA' NLS_CALENDAR = 'GREGORIAN' \
     NLS_SORT = 'BINARY' NLS_COMP = 'BINARY' NLS_NUMERIC_CHARACTERS = '.,' NLS_LENGTH_SEMANTICS = 'CHAR' \
     NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS' NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF9' \
     NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM' TIME_ZONE = '+00:00'";

/// An index on an expression is found only where its constants stay constants; a commit waits for the disk, for an intent that a crash of
/// the server forgets would be a child sent without a trace.
fn behaviour(settings: &Settings) -> String {
    let seconds = settings.lock_timeout.as_secs().clamp(1, 1_000_000);
    format!("ALTER SESSION SET CURSOR_SHARING = EXACT COMMIT_WAIT = WAIT DDL_LOCK_TIMEOUT = {seconds}")
}

/// Connects, logs on and sets the session up. The thread of an attempt that took too long ends by itself, when the client library gives up.
///
/// # Errors
/// [`Kind::Unreachable`], [`Kind::Permission`], or [`Kind::Config`] for a client library that cannot be loaded, a service that is not there
/// or a server that is too old.
pub(crate) async fn open(settings: &Arc<Settings>) -> Result<oracle::Connection> {
    let attempt = blocking({
        let settings = settings.clone();
        move || log_on(&settings)
    });
    tokio::time::timeout(settings.connect_timeout, attempt).await.map_err(|_| too_slow(&settings.place))?
}

fn log_on(settings: &Settings) -> Result<oracle::Connection> {
    client::load(&settings.files)?;
    let mut connector = match &settings.logon {
        Logon::Password { user, password } => {
            Connector::new(user.as_str(), password.expose_secret(), settings.connect.as_str())
        }
        Logon::External => {
            let mut connector = Connector::new("", "", settings.connect.as_str());
            connector.external_auth(true);
            connector
        }
    };
    let failed = |error: oracle::Error| explain(&error, &settings.place);
    let connection = connector.stmt_cache_size(STATEMENTS).connect().map_err(failed)?;
    let (version, _) = connection.server_version().map_err(failed)?;
    check_version(&version, &settings.place)?;
    for sql in [LANGUAGE, &behaviour(settings)] {
        connection.execute(sql, &[]).map_err(failed)?;
    }
    connection.set_module("csc-bridge").map_err(failed)?;
    match connection.set_call_timeout(Some(settings.query_timeout)) {
        Ok(()) => {}
        // Clients before 18c have no such limit.
        Err(error) if is_old_client(&error) => {
            tracing::debug!(place = %settings.place, "the client library is too old for query_timeout");
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(connection)
}

fn check_version(version: &Version, place: &str) -> Result<()> {
    match (version.major(), version.minor()) {
        found if found < OLDEST => Err(Error::new(
            Kind::Config,
            format!("{place} is on a server of version {}.{}, and 12.1 is needed", found.0, found.1),
            "have the database moved to a version that Oracle still supports; csc-bridge needs 12.1 or later",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_must_be_of_12_1_or_later() {
        for (version, taken) in [
            (Version::new(23, 5, 0, 0, 0), true),
            (Version::new(19, 3, 0, 0, 0), true),
            (Version::new(12, 1, 0, 2, 0), true),
            (Version::new(11, 2, 0, 4, 0), false),
        ] {
            assert_eq!(check_version(&version, "x").is_ok(), taken, "{version}");
        }
    }
}
