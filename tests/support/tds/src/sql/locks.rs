//! `sp_getapplock` and `sp_releaseapplock`, by PostgreSQL's advisory locks. A lock is the database's, as there.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::errors::{error, failed};
use crate::session::{Failed, Value};

/// How long to wait before asking again. PostgreSQL could wait by itself, but an expired wait would undo the transaction.
const AGAIN: Duration = Duration::from_millis(20);

/// Runs one of the two; the return code: 0, 1 after waiting, -1 where the wait was too long, -999 for a wrong call.
pub(crate) async fn run(
    client: &Client,
    name: &str,
    args: &[(String, Value)],
    in_transaction: bool,
) -> Result<i32, Failed> {
    let text = |wanted: &str| {
        let found = args.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| if let Value::Text(text) = value { Some(text.clone()) } else { None })
    };
    let resource = text("@Resource").ok_or_else(|| {
        error(201, format!("Procedure or function '{name}' expects parameter '@Resource', which was not supplied."))
    })?;
    let owner = text("@LockOwner").unwrap_or_else(|| "Transaction".to_owned()).to_lowercase();
    let is_session = match owner.as_str() {
        "session" => true,
        "transaction" if in_transaction => false,
        _ => return Ok(-999),
    };
    if name == "sp_releaseapplock" {
        if !is_session {
            return Err(
                error(40517, "not supported by the test server: a transaction's lock is released by its end").into()
            );
        }
        let sql =
            "SELECT pg_advisory_unlock(hashtextextended($1, 0)) OR pg_advisory_unlock_shared(hashtextextended($1, 0))";
        if ask(client, sql, &resource).await? {
            return Ok(0);
        }
        let message = format!(
            "Cannot release the application lock (Database Principal: 'public', Resource: '{resource}') because it is not currently held."
        );
        return Err(error(1223, message).into());
    }
    let shared = match text("@LockMode").unwrap_or_default().to_lowercase().as_str() {
        "exclusive" | "update" => "",
        "shared" => "_shared",
        _ => return Ok(-999),
    };
    let timeout = args.iter().find(|(name, _)| name.eq_ignore_ascii_case("@LockTimeout"));
    let timeout = match timeout {
        Some((_, Value::Integer(milliseconds))) => u64::try_from(*milliseconds).ok(),
        _ => None,
    };
    let kind = if is_session { "" } else { "_xact" };
    let sql = format!("SELECT pg_try_advisory{kind}_lock{shared}(hashtextextended($1, 0))");
    let begun = Instant::now();
    let mut waited = 0;
    while !ask(client, &sql, &resource).await? {
        if timeout.is_some_and(|timeout| begun.elapsed() >= Duration::from_millis(timeout)) {
            return Ok(-1);
        }
        waited = 1;
        tokio::time::sleep(AGAIN).await;
    }
    Ok(waited)
}

async fn ask(client: &Client, sql: &str, resource: &str) -> Result<bool, Failed> {
    Ok(client.query_one(sql, &[&resource]).await.map_err(|fault| failed(&fault, sql))?.get(0))
}
