//! From PostgreSQL's SQLSTATE codes to the program's errors. The server's own text is never passed on: it quotes values.

use std::error::Error as _;
use std::io;

use csc_bridge_core::error::{Error, Kind};

/// What an error of the driver means for the database at `place`.
pub(crate) fn explain(error: &tokio_postgres::Error, place: &str) -> Error {
    match error.code() {
        Some(code) => refused(code.code(), place),
        None => broken(error, place),
    }
}

/// The connection is gone, or was never there.
pub(crate) fn lost(place: &str) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the connection to {place} was lost"),
        "run again; where it happens often, look into the server's log, and for a firewall that ends quiet connections",
    )
}

/// The server answered with an error of this SQLSTATE.
fn refused(state: &str, place: &str) -> Error {
    let (kind, happened, advice) = match state {
        "28P01" => (Kind::Permission, "refused user or password", "check user and the secret that password names"),
        "28000" => (
            Kind::Permission,
            "does not let this user in from this machine",
            "ask the server's administrator for a line in pg_hba.conf for this user, this database and this machine, with TLS",
        ),
        "3D000" => (Kind::Config, "does not exist as a database of this server", "correct database in csc-bridge.toml"),
        "42501" => (
            Kind::Permission,
            "does not grant this user what a statement needs",
            "the user needs USAGE on the schema and SELECT on its tables; TEMPORARY on the database; for the staging tables also \
             INSERT, UPDATE and DELETE, and CREATE on the schema where they are to be created",
        ),
        "25006" => (
            Kind::Permission,
            "is read only, a standby server perhaps",
            "csc-bridge needs temporary tables, which a standby cannot have: connect to the primary server, or to a copy of its own",
        ),
        "3F000" => (Kind::Schema, "does not have the schema that is configured", "correct schema in csc-bridge.toml"),
        "42P01" | "42703" | "42704" => (
            Kind::Schema,
            "lacks a table or a column that a statement names",
            "compare the tables with the payload definition and the CMS profile; [source.names] maps other names, which must be \
             written as the database has them, capital letters included",
        ),
        "42P07" | "42710" | "42P06" | "42701" => (
            Kind::Schema,
            "has a table or an index already whose name csc-bridge needs",
            "run again if another program created it at this moment; else rename it, or name other tables in [staging]",
        ),
        "42883" | "42804" | "42846" | "42725" | "42P18" | "42P08" => (
            Kind::Schema,
            "has a column of another type than a statement can use",
            "compare the staging tables with those that csc-bridge creates; documents may be jsonb, json or text, hashes are bytea",
        ),
        "42809" | "55000" | "428C9" | "0A000" | "42P17" => (
            Kind::Schema,
            "has tables, views or triggers with which a statement cannot be run, or they were changed while they were used",
            "run again; compare the tables with those that csc-bridge creates, and try without views and triggers of other programs",
        ),
        "55P03" => (
            Kind::Busy,
            "has locked what is needed for longer than lock_timeout",
            "run again when nothing refills the tables, or give lock_timeout more time",
        ),
        "40001" | "40P01" => {
            (Kind::Busy, "undid a transaction that stood in the way of another", "run again; nothing is lost")
        }
        "57014" => (
            Kind::Incomplete,
            "broke off a statement: it took longer than query_timeout, or somebody cancelled it",
            "give query_timeout more time, and see whether the SSD tables have indexes on their person id; then run again",
        ),
        "53100" => (Kind::Io, "cannot grow: the server's disk is full", "have space freed on the database server"),
        "53300" => (
            Kind::Unreachable,
            "has no connection left",
            "run again later, or ask the server's administrator for more connections",
        ),
        "22001" => (
            Kind::Data,
            "has a column that is too short for a value",
            "make the column as wide as csc-bridge creates it, such as person_id with 48 characters",
        ),
        "22021" | "22P05" => return no_such_character(place),
        _ => return by_class(state, place),
    };
    Error::new(kind, format!("{place} {happened}"), advice)
}

/// What the class of an SQLSTATE, its first two characters, tells.
fn by_class(state: &str, place: &str) -> Error {
    let (kind, happened, advice) = match (state.get(..2).unwrap_or_default(), state) {
        ("08", _) | (_, "57P01" | "57P02" | "57P04" | "57P05" | "25P03" | "25P04") => return lost(place),
        (_, "57P03") => (Kind::Unreachable, "is starting or stopping", "run again in a few minutes"),
        ("28", _) => (
            Kind::Permission,
            "refused to let this user in",
            "check user and password, and ask the server's administrator what its log says",
        ),
        ("22", _) => (
            Kind::Data,
            "holds a value that a statement cannot work with",
            "look for dates, numbers or JSON that are none, in the staging tables and in views over the SSD tables",
        ),
        ("23", _) => (
            Kind::Data,
            "refused a row by a rule of its own, such as a unique index",
            "compare the table with the one that csc-bridge creates",
        ),
        ("38" | "39" | "P0", _) => (
            Kind::Data,
            "has a trigger or a function that refused a statement",
            "look for triggers on the staging tables, and for functions in views over the SSD tables",
        ),
        ("53" | "58", _) => (
            Kind::Io,
            "lacks memory or disk, or cannot use its files",
            "ask the server's administrator what its log says",
        ),
        ("54", _) => (Kind::Data, "was asked for more than it can do at once", "report it with the log of this run"),
        ("XX", "XX001" | "XX002") => (
            Kind::Data,
            "is damaged",
            "ask the server's administrator what the server's log says, and put back a copy that is whole",
        ),
        _ => {
            return Error::internal(format!("{place}: PostgreSQL refused a statement (SQLSTATE {state})"));
        }
    };
    Error::new(kind, format!("{place} {happened}"), advice)
}

/// A text that PostgreSQL cannot store.
pub(crate) fn no_such_character(place: &str) -> Error {
    Error::new(
        Kind::Data,
        format!("{place} cannot store a text with the character U+0000"),
        "find the text in the CMS and take the character out; csc-bridge changes no texts",
    )
}

/// Without an answer of the server.
fn broken(error: &tokio_postgres::Error, place: &str) -> Error {
    let cause = error.source();
    if let Some(tls) = cause.and_then(tls_of) {
        return untrusted(tls, place);
    }
    // What the driver itself says is fixed text, by the kind of the error.
    let said = error.to_string();
    if said.starts_with("error performing TLS") {
        return match cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            Some(_) => lost(place).within("while TLS was agreed"),
            None => Error::new(
                Kind::Permission,
                format!("{place} does not offer TLS, and sslmode asks for it"),
                "have TLS switched on at the server; only where the network is trusted, write sslmode = \"disable\"",
            ),
        };
    }
    if said.starts_with("authentication error") || said.starts_with("invalid configuration") {
        return Error::new(
            Kind::Permission,
            format!(
                "{place} asks for a way to log in that csc-bridge does not have, or for a password that is not configured"
            ),
            "configure password, or a client certificate; Kerberos and LDAP by SASL are not known here",
        );
    }
    if said.starts_with("unexpected message") || said.starts_with("error parsing") {
        return Error::new(
            Kind::Protocol,
            format!("{place} gave an answer that is not PostgreSQL's"),
            "check host and port; a connection pooler must be in session mode",
        );
    }
    if error.is_closed() {
        return lost(place);
    }
    match cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
        Some(io) => unreachable(io, said.starts_with("error connecting"), place),
        None => lost(place),
    }
}

fn unreachable(error: &io::Error, connecting: bool, place: &str) -> Error {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there",
        io::ErrorKind::NotFound => "there is no such socket",
        io::ErrorKind::TimedOut => "no answer came",
        io::ErrorKind::PermissionDenied => "this account may not",
        _ if connecting => "the name is not known, or there is no way to it",
        _ => return lost(place),
    };
    Error::new(
        Kind::Unreachable,
        format!("{place} cannot be reached: {why}"),
        "check host and port, that the server runs, and that no firewall is in between",
    )
}

fn tls_of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

fn untrusted(error: &rustls::Error, place: &str) -> Error {
    use rustls::{CertificateError, Error as Tls};
    let (happened, advice) = match error {
        Tls::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            "shows a certificate of another name",
            "write host as the certificate has it, or take sslmode = \"verify-ca\" where the authority issues for nobody else",
        ),
        Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            ("shows a certificate that has expired", "have the server's certificate renewed")
        }
        Tls::InvalidCertificate(_) => (
            "shows a certificate that is not trusted",
            "name the certificate of its authority in ca_file, or add it to the operating system's store",
        ),
        Tls::AlertReceived(_) => (
            "ended the agreement on TLS",
            "it may ask for a client certificate (client_cert, client_key), or not know the authority of yours",
        ),
        _ => ("and csc-bridge could not agree on TLS", "see that the server offers TLS 1.2 or later"),
    };
    Error::new(Kind::Permission, format!("{place} {happened}"), advice)
}
