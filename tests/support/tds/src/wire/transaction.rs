//! Transactions: the requests of the transaction manager (MS-TDS 2.2.6.9), and what the client is told of the ones it began.

use std::io;

use super::read::{Reader, malformed};

/// What a request does to the session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Begins,
    Commits,
    RollsBack,
}

/// Reads a request of the transaction manager as the statement it stands for.
pub(crate) fn read(message: &[u8]) -> io::Result<String> {
    let mut reader = Reader(message);
    reader.skip_all_headers()?;
    match reader.u16()? {
        5 => {
            let isolation = match reader.u8()? {
                0 => return Ok("BEGIN TRANSACTION".to_owned()),
                1 => "READ UNCOMMITTED",
                2 => "READ COMMITTED",
                3 => "REPEATABLE READ",
                4 => "SERIALIZABLE",
                5 => "SNAPSHOT",
                other => return Err(malformed(format!("the isolation level {other}"))),
            };
            Ok(format!("SET TRANSACTION ISOLATION LEVEL {isolation}; BEGIN TRANSACTION"))
        }
        7 => Ok("COMMIT TRANSACTION".to_owned()),
        8 => Ok(format!("ROLLBACK TRANSACTION {}", reader.b_varchar()?).trim_end().to_owned()),
        9 => Ok(format!("SAVE TRANSACTION {}", reader.b_varchar()?)),
        other => Err(malformed(format!("the transaction request {other}"))),
    }
}

/// What a batch does, as far as its first words tell. One that begins its transaction further on is not seen; a client works without
/// being told.
pub(crate) fn effect(batch: &str) -> Effect {
    let first = batch.split(';').map(str::trim).find(|statement| !statement.is_empty()).unwrap_or_default();
    let isolation = first.to_ascii_uppercase().starts_with("SET TRANSACTION ISOLATION LEVEL");
    let statement = if isolation { batch.split(';').nth(1).unwrap_or_default() } else { first };
    let words: Vec<String> = statement.split_whitespace().map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["BEGIN", "TRAN" | "TRANSACTION", ..] => Effect::Begins,
        ["COMMIT", ..] => Effect::Commits,
        // With a name it goes back to a savepoint.
        ["ROLLBACK"] | ["ROLLBACK", "TRAN" | "TRANSACTION" | "WORK"] => Effect::RollsBack,
        _ => Effect::None,
    }
}
