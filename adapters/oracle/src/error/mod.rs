//! From Oracle's error numbers to the program's errors. Oracle's own text is never passed on: it quotes values.

mod client;
mod numbers;

use csc_bridge_core::error::{Error, Kind};
use oracle::ErrorKind;

pub(crate) use client::explain_client;

/// A connection that is gone, whoever ended it.
const LOST: [i32; 17] =
    [28, 602, 603, 609, 1012, 1041, 1089, 1090, 1092, 2396, 2399, 3113, 3114, 3122, 3135, 12537, 12547];

/// What an error of the driver means for `place`.
pub(crate) fn explain(error: &oracle::Error, place: &str) -> Error {
    if let Some(code) = error.oci_code() {
        return refused(code, place);
    }
    match (error.dpi_code(), error.kind()) {
        (Some(1010 | 1080), _) => lost(place),
        (Some(1067), _) => took_too_long(place),
        (Some(1047 | 1049 | 1050 | 1072 | 1079), _) => explain_client(error, None),
        (Some(code), _) => Error::internal(format!("{place}: the driver refused a call (DPI-{code})")),
        // A type that the driver has no variable for.
        (None, ErrorKind::InternalError) => Error::new(
            Kind::Schema,
            format!(
                "{place} has a table with a column of a type that csc-bridge does not read, such as JSON or an object"
            ),
            "name a view in [source.names] that leaves the column out, or has it as text",
        ),
        (None, ErrorKind::ParseError | ErrorKind::OutOfRange | ErrorKind::InvalidTypeConversion) => Error::new(
            Kind::Data,
            format!("{place} holds a value that its column's type does not allow for"),
            "look for numbers and dates that are none; a view may have them as text",
        ),
        (None, _) => Error::internal(format!("{place}: the driver refused a call")),
    }
}

/// Whether a call needs a newer client library.
pub(crate) fn is_old_client(error: &oracle::Error) -> bool {
    matches!(error.dpi_code(), Some(1013 | 1050 | 1079))
}

/// Whether the server answered with an error of this number.
pub(crate) fn is(error: &oracle::Error, codes: &[i32]) -> bool {
    error.oci_code().is_some_and(|code| codes.contains(&code))
}

/// The connection is gone.
pub(crate) fn lost(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the connection to {place} was lost"),
        "run again; where it happens often, ask for the database's alert log, for IDLE_TIME in the account's profile, and for a firewall that \
         ends quiet connections",
    )
}

/// No connection within `connect_timeout`.
pub(crate) fn too_slow(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("{place} did not answer within connect_timeout"),
        "check host, port and database, that the listener runs, and that no firewall is in between",
    )
}

/// No answer within `query_timeout`.
pub(crate) fn took_too_long(place: &str) -> Error {
    Error::new(
        Kind::Incomplete,
        format!("{place} took longer over a statement than query_timeout"),
        "give query_timeout more time, or read the tables less often, with a larger chunk in [source]; then run again",
    )
}

/// The server answered with an error of this number.
pub(crate) fn refused(number: i32, place: &str) -> Error {
    let (kind, happened, advice) = match number {
        _ if LOST.contains(&number) => return lost(place),
        _ => numbers::meaning(number).unwrap_or((
            Kind::Internal,
            "refused a statement",
            "this is a fault of csc-bridge; please report it with the log of this run",
        )),
    };
    Error::new(kind, format!("{place} {happened} (ORA-{number:05})"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_numbered_error_has_its_kind() {
        for (number, kind) in [
            (12541, Kind::Unreachable),
            (12514, Kind::Config),
            (12154, Kind::Config),
            (12170, Kind::Unreachable),
            (1017, Kind::Permission),
            (28000, Kind::Permission),
            (28001, Kind::Permission),
            (28040, Kind::Permission),
            (942, Kind::Schema),
            (904, Kind::Schema),
            (1031, Kind::Permission),
            (1555, Kind::Incomplete),
            (1466, Kind::Incomplete),
            (3113, Kind::Unreachable),
            (3114, Kind::Unreachable),
            (3135, Kind::Unreachable),
            (54, Kind::Busy),
            (60, Kind::Busy),
            (1013, Kind::Incomplete),
            (12899, Kind::Data),
            (1, Kind::Data),
            (1400, Kind::Data),
            (1653, Kind::Io),
            (20001, Kind::Data),
            (923, Kind::Internal),
        ] {
            assert_eq!(refused(number, "x").kind(), kind, "{number}");
        }
        let error = refused(1, "the Oracle database AZEUS at ora01:1521");
        assert_eq!(
            error.message(),
            "the Oracle database AZEUS at ora01:1521 refused a row that is there already, by a unique index (ORA-00001)"
        );
    }
}
