//! From settings to a connection that is ready for statements.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use csc_bridge_core::error::Result;
use tiberius::Client;
use tiberius::error::Error as Driver;
use tokio_util::compat::TokioAsyncWriteCompatExt;

use crate::browser;
use crate::connection::{SqlServerClient, SqlServerConnection};
use crate::error::{explain, is_transient, too_slow};
use crate::options::Settings;
use crate::server::Server;

/// Waits between attempts, where an error says that another may do better. A database in Azure needs up to a minute to wake up.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(6), Duration::from_secs(15)];

/// How often a server may send us on to another.
const ROUTES: usize = 3;

/// Connects, logs on and sets the session up.
///
/// # Errors
/// [`Kind::Unreachable`](csc_bridge_core::error::Kind::Unreachable), `Permission`, or `Config` for a database that is not there.
pub(crate) async fn open(settings: &Arc<Settings>, lock_lost: Arc<AtomicBool>) -> Result<SqlServerConnection> {
    let mut pauses = PAUSES.iter();
    loop {
        let attempt = tokio::time::timeout(settings.connect_timeout, log_on(settings)).await;
        match attempt.map_err(|_| too_slow(&settings.place))?? {
            LoggedOn::Yes(client) => {
                let mut connection = SqlServerConnection::new(*client, settings.clone(), lock_lost);
                connection.batch(&set_up(settings)).await?;
                return Ok(connection);
            }
            LoggedOn::No(error) => match pauses.next() {
                Some(pause) if is_transient(&error) => {
                    tracing::info!(place = %settings.place, seconds = pause.as_secs(), "not available yet; tries again");
                    tokio::time::sleep(*pause).await;
                }
                _ => return Err(explain(&error, &settings.place)),
            },
        }
    }
}

enum LoggedOn {
    Yes(Box<SqlServerClient>),
    No(Driver),
}

async fn log_on(settings: &Settings) -> Result<LoggedOn> {
    let mut config = settings.config.clone();
    let mut server = settings.server.clone();
    for _ in 0..ROUTES {
        let socket = browser::reach(settings, &server).await?;
        match Client::connect(config.clone(), socket.compat_write()).await {
            Ok(client) => return Ok(LoggedOn::Yes(Box::new(client))),
            Err(Driver::Routing { host, port }) => {
                config.host(&host);
                config.port(port);
                server = Server { host, instance: None, port };
            }
            Err(error) => return Ok(LoggedOn::No(error)),
        }
    }
    Ok(LoggedOn::No(Driver::Routing { host: server.host, port: server.port }))
}

/// The session's settings.
///
/// - An error of a statement undoes its transaction; a wait for a lock ends after `lock_timeout`.
/// - Long texts are sent whole. Names may stand in double quotes, and null is never equal to anything: what modern drivers ask for when
///   they log on, and what indexes with a condition insist on.
fn set_up(settings: &Settings) -> String {
    let lock_timeout = settings.lock_timeout.as_millis().min(2_147_483_647);
    format!(
        "SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ARITHABORT ON; \
         SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET XACT_ABORT ON; \
         SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT {lock_timeout}; SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
    )
}
