//! From SQL Server's error numbers to the program's errors. The server's own text is never passed on: it quotes values.

use std::io;

use csc_bridge_core::error::{Error, Kind};
use tiberius::error::Error as Driver;

/// Errors after which another attempt to connect soon succeeds: a database in Azure that moves or wakes up, a server that is busy.
const TRANSIENT: [u32; 14] =
    [40197, 40501, 40613, 49918, 49919, 49920, 10928, 10929, 4221, 233, 64, 10053, 10054, 10060];

/// What an error of the driver means for the database at `place`.
pub(crate) fn explain(error: &Driver, place: &str) -> Error {
    match error {
        Driver::Server(token) => refused(token.code(), place),
        Driver::Io { kind: io::ErrorKind::TimedOut, .. } => too_slow(place),
        Driver::Io { kind: io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput, .. } => no_tls(place),
        Driver::Io { kind, .. } => unreachable(*kind, place),
        Driver::Tls(said) => untrusted(said, place),
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
        Driver::Server(token) => TRANSIENT.contains(&token.code()),
        Driver::Io { kind, .. } => matches!(
            kind,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}

/// The connection is gone, or its last request was given up, after which the driver's view of the stream is not to be trusted.
pub(crate) fn lost(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the connection to {place} was lost"),
        "run again; where it happens often, look into the server's log, and for a firewall that ends quiet connections",
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
        "give query_timeout more time, and see whether the SSD tables have indexes on their person id; then run again",
    )
}

/// A value that its column does not take.
pub(crate) fn too_large(place: &str) -> Error {
    Error::new(
        Kind::Data,
        format!("{place} has a column that is too short, or too narrow, for a value"),
        "make the column as wide as csc-bridge creates it, such as person_id with 48 characters",
    )
}

/// The server answered with an error of this number.
pub(crate) fn refused(number: u32, place: &str) -> Error {
    let (kind, happened, advice) = match number {
        18456 => (
            Kind::Permission,
            "refused the logon",
            "check auth, user and the secret that password names; with auth = \"windows\", that the account that runs csc-bridge has a \
             login on the server",
        ),
        18450 | 18451 | 18452 | 18486 | 18487 | 18488 => (
            Kind::Permission,
            "refused the logon: the account is locked, expired, or of a domain that the server does not trust",
            "ask the server's administrator about the login; its error log tells which of them it is",
        ),
        4060 | 4064 | 911 => (
            Kind::Config,
            "does not exist as a database of this server, or this user has no access to it",
            "correct database in csc-bridge.toml, or have the login made a user of the database",
        ),
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
        229 | 230 | 262 | 300 | 297 | 916 | 2760 | 15247 | 1088 => (
            Kind::Permission,
            "does not grant this user what a statement needs",
            "the user needs SELECT on the SSD tables; for the staging tables also INSERT, UPDATE and DELETE, and CREATE TABLE and ALTER on \
             the schema where they are to be created",
        ),
        1205 => {
            (Kind::Busy, "undid a transaction that stood in the way of another (1205)", "run again; nothing is lost")
        }
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
        2601 | 2627 => (
            Kind::Data,
            "refused a row that is there already, by a unique index",
            "run again if another program wrote at this moment; else compare the staging tables with those that csc-bridge creates",
        ),
        547 | 515 | 3609 | 50000.. => (
            Kind::Data,
            "refused a row by a rule of its own, such as a constraint or a trigger",
            "compare the staging tables with those that csc-bridge creates, and look for triggers on them",
        ),
        8152 | 2628 | 4863 | 7339 => return too_large(place),
        220 | 241 | 242 | 245 | 248 | 257 | 295 | 517 | 8114 | 8115 | 8169 | 206 => (
            Kind::Data,
            "holds a value that a statement cannot work with, or a column of another type",
            "look for dates and numbers that are none, in the staging tables and in views over the SSD tables",
        ),
        2714 | 1913 => (
            Kind::Schema,
            "has a table or an index already whose name csc-bridge needs",
            "run again if another program created it at this moment; else rename it, or name other tables in [staging]",
        ),
        1934 => (
            Kind::Schema,
            "has an index or a view that asks for settings of the session which csc-bridge does not make",
            "report it with the log of this run",
        ),
        9002 => (
            Kind::Io,
            "cannot write: the transaction log is full",
            "ask the server's administrator to back up the log or give it room",
        ),
        1101 | 1105 | 1132 | 5149 => {
            (Kind::Io, "cannot grow: a disk or a file of the server is full", "have space freed on the database server")
        }
        701 | 802 | 8645 | 8651 => {
            (Kind::Io, "lacks memory", "run again later, or ask the server's administrator what its log says")
        }
        3906 | 3908 => (
            Kind::Permission,
            "is read only",
            "the staging tables need a database that can be written: name one in [staging]",
        ),
        823..=825 | 605 => (
            Kind::Data,
            "is damaged",
            "ask the server's administrator what DBCC CHECKDB says, and put back a copy that is whole",
        ),
        3980 | 3989 | 596 | 6005 => return lost(place),
        17809 | 18401 | 18461 | 17142 | 904 | 927 | 922 | 942 | 952 | 978 | 983 => (
            Kind::Unreachable,
            "takes no connections at this moment: it is starting, stopping, restoring or full",
            "run again in a few minutes",
        ),
        _ if TRANSIENT.contains(&number) => (
            Kind::Unreachable,
            "is not available at this moment, and was not after several attempts",
            "run again in a few minutes",
        ),
        _ => return Error::internal(format!("{place}: SQL Server refused a statement (error {number})")),
    };
    Error::new(kind, format!("{place} {happened}"), advice)
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

/// TLS that could not be begun.
fn no_tls(place: &str) -> Error {
    Error::new(
        Kind::Permission,
        format!(
            "TLS with {place} could not be agreed on: it offers none, its certificate cannot be read, or ca_file cannot"
        ),
        "see that ca_file holds certificates (PEM, or one in DER), and that the server offers TLS 1.2 or later",
    )
}

/// The driver has only a text for what is wrong with TLS; it names kinds of errors, no values.
fn untrusted(said: &str, place: &str) -> Error {
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let (happened, advice) = if says(&["NotValidForName", "not valid for name"]) {
        (
            "shows a certificate of another name",
            "write host as the certificate has it; a certificate that the server made for itself has no name that fits: have a real one \
             installed, or see the advice for self-signed ones in the playbook (trust_server_certificate)",
        )
    } else if says(&["Expired", "expired"]) {
        ("shows a certificate that has expired", "have the server's certificate renewed")
    } else if says(&["UnknownIssuer", "CaUsedAsEndEntity", "UnsupportedCertVersion", "certificate"]) {
        (
            "shows a certificate that is not trusted: the server made it for itself, as SQL Server does where nobody installed one, or its \
             issuer is not known here",
            "best: name the certificate of its issuer in ca_file (PEM). If nobody issued it, and only where the network between this machine \
             and the server is trusted: write trust_server_certificate = true, which encrypts, but lets anybody in between pose as the server",
        )
    } else {
        ("and csc-bridge could not agree on TLS", "see that the server offers TLS 1.2 or later")
    };
    Error::new(Kind::Permission, format!("{place} {happened}"), advice)
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
        for number in TRANSIENT {
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

    #[test]
    fn a_self_signed_certificate_is_told_what_to_do() {
        let error = untrusted("invalid peer certificate: UnknownIssuer", "x");
        assert!(error.advice().contains("ca_file") && error.advice().contains("trust_server_certificate = true"));
        assert_eq!(error.kind(), Kind::Permission);
        assert!(untrusted("invalid peer certificate: certificate expired", "x").advice().contains("renewed"));
        assert!(untrusted("certificate not valid for name \"a\"", "x").advice().contains("host"));
    }
}
