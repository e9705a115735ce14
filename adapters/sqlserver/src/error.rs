//! From SQL Server's error numbers to the program's errors. The server's own text is never passed on: it quotes values.

use std::io;

use csc_bridge_core::error::{Error, Kind};
use tiberius::error::Error as Driver;

use crate::tls;

/// Errors of a database in Azure that is moved, wakes up or is busy, as Microsoft lists them (and those that 40197 stands for), and of a
/// socket on the server's side. Another attempt to connect soon succeeds.
const MOVES: [u32; 23] = [
    40197, 40501, 40613, 49918, 49919, 49920, 4221, 615, 10928, 10929, 10936, 40020, 40143, 40166, 40540, 42108, 42109,
    233, 64, 121, 10053, 10054, 10060,
];

/// Errors of a server or a database that is starting.
const STARTS: [u32; 8] = [904, 922, 926, 952, 983, 17142, 17197, 18401];

/// What an error of the driver means for the database at `place`.
pub(crate) fn explain(error: &Driver, place: &str) -> Error {
    match error {
        Driver::Server(token) => refused(token.code(), place),
        Driver::Io { kind: io::ErrorKind::TimedOut, .. } => too_slow(place),
        Driver::Io { kind, .. } => unreachable(*kind, place),
        Driver::Tls(said) => tls::refused(said, place),
        Driver::Routing { .. } => Error::new(
            Kind::Unreachable,
            format!("{place} sends its clients to another server, which sends them on again"),
            "name the server itself in host, or ask its administrator about the routing of read-only connections",
        ),
        Driver::Encoding(_) | Driver::Utf8 | Driver::Utf16 => Error::new(
            Kind::Data,
            format!("{place} holds a text that is not well-formed in the encoding of its column"),
            "find half a character (an unpaired surrogate) in the texts, and have them corrected in the CMS",
        ),
        Driver::BulkInput(_) => too_large(place),
        #[cfg(all(unix, feature = "kerberos"))]
        Driver::Gssapi(_) => Error::new(
            Kind::Permission,
            format!("no Kerberos ticket for {place} could be had"),
            "see with klist whether the account has a ticket (kinit, or a keytab), and that host is the name in the server's SPN",
        ),
        // Conversion, ParseInt and Protocol: an answer that the driver does not understand.
        _ => Error::new(
            Kind::Protocol,
            format!("{place} gave an answer that is not SQL Server's, or of a kind that is not known here"),
            "check host, port and instance",
        ),
    }
}

/// Whether another attempt to connect may do better.
pub(crate) fn is_transient(error: &Driver) -> bool {
    match error {
        Driver::Server(token) => MOVES.contains(&token.code()) || STARTS.contains(&token.code()),
        // The rest tells of TLS (`tls::broken`), or took its time already.
        Driver::Io { kind, .. } => !matches!(
            kind,
            io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::NotFound
                | io::ErrorKind::TimedOut
        ),
        _ => false,
    }
}

/// A request was given up, after which the driver's view of the stream is not to be trusted.
pub(crate) fn given_up(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!(
            "the connection to {place} is out of use: a request before this one was given up, or its connection was lost"
        ),
        "run again; what was said before this tells why",
    )
}

/// The connection is gone.
pub(crate) fn lost(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the connection to {place} was lost"),
        "run again; where it happens often, look into the server's log, and for a firewall that ends quiet connections",
    )
}

/// The server ended the connection before the logon was done.
pub(crate) fn cut_off(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("{place} cannot be reached: what listens there ended the connection in the midst of the logon"),
        "check host, port and instance: is it SQL Server that listens there? If it is, its error log says why; it may be starting, full, \
         or without TLS 1.2",
    )
}

/// No answer within `connect_timeout`.
pub(crate) fn too_slow(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("{place} did not answer within connect_timeout"),
        "check host, port and instance, that the server runs and listens on TCP, and that no firewall is in between",
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

const TOO_LARGE: Meaning = (
    Kind::Data,
    "has a column that is too short, or too narrow, for a value",
    "make the column as wide as csc-bridge creates it, such as person_id with 48 characters",
);

/// A value that its column does not take.
pub(crate) fn too_large(place: &str) -> Error {
    let (kind, happened, advice) = TOO_LARGE;
    Error::new(kind, format!("{place} {happened}"), advice)
}

/// The server answered with an error of this number.
pub(crate) fn refused(number: u32, place: &str) -> Error {
    let (kind, happened, advice) = match number {
        596 | 3980 | 3989 | 6005 => return lost(place),
        _ => access(number).or_else(|| statement(number)).or_else(|| condition(number)).unwrap_or((
            Kind::Internal,
            "refused a statement",
            "this is a fault of csc-bridge; please report it with the log of this run",
        )),
    };
    Error::new(kind, format!("{place} {happened} (SQL Server error {number})"), advice)
}

/// Kind, what happened, advice.
type Meaning = (Kind, &'static str, &'static str);

/// Who may do what.
fn access(number: u32) -> Option<Meaning> {
    Some(match number {
        // Its state, which would say why, the server keeps for its own log.
        18456 => (
            Kind::Permission,
            "refused the logon",
            "check auth, user and the secret that password names; with auth = \"windows\", that the account that runs csc-bridge has a \
             login on the server, whose error log says more",
        ),
        17806 | 18450..=18452 => (
            Kind::Permission,
            "refused the logon: the account is of a domain that the server does not trust, or no account of a domain at all",
            "with auth = \"windows\" or \"kerberos\" run csc-bridge as an account of the server's domain; with auth = \"sql\" ask whether \
             the server takes logins of its own at all",
        ),
        18470 | 18486..=18488 => (
            Kind::Permission,
            "refused the logon: the login is locked or disabled, or its password has expired",
            "ask the server's administrator, whose error log tells which of them it is",
        ),
        40615 | 40914 | 47073 => (
            Kind::Permission,
            "does not let this machine in",
            "have this machine's address, or its network, allowed in the firewall of the server in Azure",
        ),
        911 | 916 | 4060 | 4064 => (
            Kind::Config,
            "does not exist as a database of this server, or this user has no access to it",
            "correct database in csc-bridge.toml, or have the login made a user of the database; in Azure it may just be moved: run again",
        ),
        976 | 978 | 982 => (
            Kind::Config,
            "is on the secondary of an availability group, which takes only those who say that they will only read, or nobody",
            "write host as the group's listener or its primary; to read from the secondary write odbc = \"…;ApplicationIntent=ReadOnly\" in \
             [source], and give [staging] an odbc of its own that names the primary",
        ),
        979 => (
            Kind::Config,
            "does not take those who say that they will only read",
            "take ApplicationIntent=ReadOnly out of odbc, or name a secondary that may be read",
        ),
        3906 | 3908 => (
            Kind::Permission,
            "is read only",
            "the staging tables need a database that can be written, and of an availability group the primary: name one in [staging]",
        ),
        229 | 230 | 262 | 297 | 300 | 1088 | 2760 | 15247 => (
            Kind::Permission,
            "does not grant this user what a statement needs",
            "the user needs SELECT on the SSD tables; for the staging tables also INSERT, UPDATE and DELETE, and CREATE TABLE and ALTER on \
             the schema where they are to be created",
        ),
        _ => return None,
    })
}

/// What is wrong with a statement, a table or a row.
fn statement(number: u32) -> Option<Meaning> {
    Some(match number {
        208 | 2812 => (
            Kind::Schema,
            "lacks a table that a statement names, or hides it from this user",
            "check schema in [source] and [staging], and the table's name in [source.names] and in the CMS profile",
        ),
        207 => (
            Kind::Schema,
            "lacks a column that a statement names",
            "compare the tables with the payload definition and the CMS profile; [source.names] maps other names",
        ),
        2601 | 2627 => (
            Kind::Data,
            "refused a row that is there already, by a unique index",
            "run again if another program wrote at this moment; else compare the staging tables with those that csc-bridge creates",
        ),
        515 | 547 | 3609 | 50000.. => (
            Kind::Data,
            "refused a row by a rule of its own, such as a constraint or a trigger",
            "compare the staging tables with those that csc-bridge creates, and look for triggers on them",
        ),
        206 | 220 | 241 | 242 | 245 | 248 | 257 | 295 | 517 | 8114 | 8115 | 8169 => (
            Kind::Data,
            "holds a value that a statement cannot work with, or a column of another type",
            "look for dates and numbers that are none, in the staging tables and in views over the SSD tables",
        ),
        2628 | 4863 | 7339 | 8152 => TOO_LARGE,
        1913 | 2714 => (
            Kind::Schema,
            "has a table or an index already whose name csc-bridge needs",
            "run again if another program created it at this moment; else rename it, or name other tables in [staging]",
        ),
        1934 => (
            Kind::Schema,
            "has an index or a view that asks for settings of the session which csc-bridge does not make",
            "report it with the log of this run",
        ),
        _ => return None,
    })
}

/// What state the server is in.
fn condition(number: u32) -> Option<Meaning> {
    Some(match number {
        1205 => (Kind::Busy, "undid a transaction that stood in the way of another", "run again; nothing is lost"),
        1222 => (
            Kind::Busy,
            "has locked what is needed for longer than lock_timeout",
            "run again when nothing refills the tables, or give lock_timeout more time",
        ),
        3960 | 3961 => (
            Kind::Incomplete,
            "changed a table's form or a row while a snapshot was read",
            "run again when nothing refreshes the SSD",
        ),
        3952 => (
            Kind::Config,
            "has a view or a synonym into another database that does not allow snapshots",
            "have ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON said for that database, too",
        ),
        9002 | 40552 => (
            Kind::Io,
            "cannot write: the transaction log is full",
            "ask the server's administrator to back up the log or give it room",
        ),
        1101 | 1105 | 1132 | 5149 | 40544 => {
            (Kind::Io, "cannot grow: a disk or a file of the server is full", "have space freed on the database server")
        }
        701 | 802 | 8645 | 8651 => {
            (Kind::Io, "lacks memory", "run again later, or ask the server's administrator what its log says")
        }
        605 | 823..=825 => (
            Kind::Data,
            "is damaged",
            "ask the server's administrator what DBCC CHECKDB says, and put back a copy that is whole",
        ),
        926 => (
            Kind::Unreachable,
            "cannot be opened: the server could not recover it",
            "in Azure run again in a few minutes; elsewhere ask the server's administrator, whose error log says why",
        ),
        927 | 942 | 17809 | 18461 => (
            Kind::Unreachable,
            "takes no connections at this moment: it is offline, restoring, in maintenance or full",
            "run again later, or ask the server's administrator",
        ),
        _ if STARTS.contains(&number) => (
            Kind::Unreachable,
            "takes no connections at this moment: it is starting or stopping",
            "run again in a few minutes",
        ),
        _ if MOVES.contains(&number) => {
            (Kind::Unreachable, "is not available at this moment", "run again in a few minutes; nothing is lost")
        }
        _ => return None,
    })
}

/// A socket's error.
pub(crate) fn unreachable(kind: io::ErrorKind, place: &str) -> Error {
    let why = match kind {
        io::ErrorKind::ConnectionRefused => "nothing listens there",
        io::ErrorKind::TimedOut => "no answer came",
        io::ErrorKind::PermissionDenied => "this account may not",
        io::ErrorKind::NotFound => "the name is not known, or there is no way to it",
        _ => return lost(place),
    };
    Error::new(
        Kind::Unreachable,
        format!("{place} cannot be reached: {why}"),
        "check host, port and instance, that the server runs and listens on TCP, and that no firewall is in between",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_numbered_error_has_its_kind() {
        for (number, kind) in [
            (18456, Kind::Permission),
            (4060, Kind::Config),
            (208, Kind::Schema),
            (207, Kind::Schema),
            (229, Kind::Permission),
            (1205, Kind::Busy),
            (1222, Kind::Busy),
            (2601, Kind::Data),
            (2627, Kind::Data),
            (8152, Kind::Data),
            (2628, Kind::Data),
            (9002, Kind::Io),
            (3960, Kind::Incomplete),
            (51000, Kind::Data),
            (102, Kind::Internal),
        ] {
            assert_eq!(refused(number, "x").kind(), kind, "{number}");
        }
        for number in MOVES.into_iter().chain(STARTS) {
            assert_eq!(refused(number, "x").kind(), Kind::Unreachable, "{number}");
        }
        assert!(
            refused(2627, "the SQL Server database d at h")
                .message()
                .starts_with("the SQL Server database d at h refused a row")
        );
    }

    #[test]
    fn what_the_driver_says_is_not_passed_on() {
        let said = || "Encoded string length 90 for child 17".into();
        for error in
            [Driver::BulkInput(said()), Driver::Protocol(said()), Driver::Conversion(said()), Driver::Encoding(said())]
        {
            assert!(!format!("{:?}", explain(&error, "x")).contains("child 17"));
        }
        let cut = Driver::Io { kind: io::ErrorKind::UnexpectedEof, message: String::new() };
        assert_eq!(explain(&cut, "x").kind(), Kind::Unreachable);
        assert!(is_transient(&cut));
    }
}
