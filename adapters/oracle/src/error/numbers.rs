//! Oracle's error numbers, those that a run may meet.

use csc_bridge_core::error::Kind;

/// Kind, what happened, advice.
pub(super) type Meaning = (Kind, &'static str, &'static str);

/// What an error of this number means; none for those that only a fault of the program brings.
pub(super) fn meaning(number: i32) -> Option<Meaning> {
    access(number).or_else(|| network(number)).or_else(|| statement(number)).or_else(|| condition(number))
}

/// Who may do what.
fn access(number: i32) -> Option<Meaning> {
    Some(match number {
        1005 | 1017 => (
            Kind::Permission,
            "refused user or password",
            "check user and the secret that password names, capital letters included; a user of the database is not one of Windows",
        ),
        28000 => (
            Kind::Permission,
            "refused the logon: the account is locked",
            "ask the database's administrator to unlock it (ALTER USER … ACCOUNT UNLOCK), and why it was: several logons with a wrong password \
             lock it",
        ),
        28001 | 28002 | 28011 => (
            Kind::Permission,
            "refused the logon: the account's password has expired",
            "log on once with SQL*Plus or SQL Developer to change it, or have it changed, and put the new one where password points; a profile \
             with PASSWORD_LIFE_TIME UNLIMITED suits an account that no person uses",
        ),
        1045 => (
            Kind::Permission,
            "refused the logon: the account lacks CREATE SESSION",
            "ask the database's administrator: GRANT CREATE SESSION TO …",
        ),
        28040 | 3134 => (
            Kind::Permission,
            "and Oracle's client library on this machine know no way to log on in common",
            "install a newer Instant Client (19 or later, for a server of 12.1 or later), or have SQLNET.ALLOWED_LOGON_VERSION_SERVER lowered on \
             the server",
        ),
        12631..=12641 => (
            Kind::Permission,
            "refused the logon from outside (Kerberos, or the operating system's account)",
            "check sqlnet.ora in config_dir, SQLNET.AUTHENTICATION_SERVICES above all, and the ticket; or write user and password",
        ),
        2391 | 18 | 20 => (
            Kind::Unreachable,
            "has as many sessions as it, or the account's profile, allows",
            "run again later; csc-bridge needs about ten at a time (SESSIONS_PER_USER)",
        ),
        1031 | 1950 | 1536 | 41900 => (
            Kind::Permission,
            "does not grant this account what a statement needs",
            "the account needs SELECT on the SSD tables; for the staging tables also SELECT, INSERT, UPDATE and DELETE, and to create them CREATE \
             TABLE, CREATE SEQUENCE (for their column id) and a quota on a tablespace: the playbook has the statements",
        ),
        16000 | 1456 => (
            Kind::Permission,
            "is read only, a standby perhaps",
            "the staging tables need a database that can be written: name one in [staging]",
        ),
        _ => return None,
    })
}

/// The way to the server.
fn network(number: i32) -> Option<Meaning> {
    Some(match number {
        12541 => (
            Kind::Unreachable,
            "cannot be reached: no listener answers there",
            "check host and port (1521 is usual), and that the listener runs: lsnrctl status on the server",
        ),
        12514 | 12505 | 12521 => (
            Kind::Config,
            "is not known to the listener by that name",
            "write the service name in database, as lsnrctl services lists it on the server, domain included; the SID is another name; a database \
             that has just started is known after a minute",
        ),
        12154 | 12162 | 12533 | 12504 => (
            Kind::Config,
            "is a name that Oracle's client library cannot resolve",
            "tns must be an alias in tnsnames.ora, or host:port/service; name the folder of tnsnames.ora in config_dir or in TNS_ADMIN",
        ),
        12170 | 12535 | 12606 | 12609 | 3136 | 12608 => (
            Kind::Unreachable,
            "cannot be reached: no answer came in time",
            "check host and port, and the firewall between this machine and the server",
        ),
        12543 | 12545 | 12560 | 12557 | 12203 => (
            Kind::Unreachable,
            "cannot be reached: the name is not known, or there is no way to it",
            "check host and port, and that the listener runs",
        ),
        12516 | 12518 | 12519 | 12520 | 12526 | 12527 | 12528 | 12529 | 1033 | 1034 | 1035 | 1109 => (
            Kind::Unreachable,
            "takes no connections at this moment: it is starting, stopping, restricted or full",
            "run again in a few minutes, or ask the database's administrator",
        ),
        12650 | 12660 | 12599 => (
            Kind::Config,
            "and Oracle's client library have no encryption in common",
            "compare SQLNET.ENCRYPTION in sqlnet.ora of config_dir with the server's; a newer Instant Client knows more",
        ),
        28759 | 28750 | 28860 | 28862..=28868 | 29002 | 29003 | 29024 | 29106 | 28788 | 28791 => (
            Kind::Config,
            "cannot be reached by TLS: the wallet cannot be opened, or does not trust the server's certificate",
            "check the wallet that sqlnet.ora in config_dir names (cwallet.sso, which this account must be able to read), and its trusted \
             certificates",
        ),
        _ => return None,
    })
}

/// What is wrong with a statement, a table or a row.
fn statement(number: i32) -> Option<Meaning> {
    Some(match number {
        942 | 4043 | 980 | 1775 => (
            Kind::Schema,
            "lacks a table that a statement names, or hides it from this account",
            "check schema in [source] and [staging], the table's name in [source.names] and in the CMS profile, and that the account has SELECT \
             on it",
        ),
        904 => (
            Kind::Schema,
            "lacks a column that a statement names",
            "compare the tables with the payload definition and the CMS profile; [source.names] maps other names",
        ),
        4063 => (
            Kind::Schema,
            "has a view that is not valid any more",
            "have the view compiled, and see what its table lacks",
        ),
        972 => (
            Kind::Schema,
            "takes no name of more than 30 characters",
            "before version 12.2 names are that short: give shorter ones in [source.names] and [staging]",
        ),
        955 => (
            Kind::Schema,
            "has a table or an index already whose name csc-bridge needs",
            "run again if another program created it at this moment; else rename it, or name other tables in [staging]",
        ),
        1 => (
            Kind::Data,
            "refused a row that is there already, by a unique index",
            "run again if another program wrote at this moment; else compare the staging tables with those that csc-bridge creates",
        ),
        1400 | 1407 | 2290..=2292 | 4088 | 4091 | 20000..=20999 => (
            Kind::Data,
            "refused a row by a rule of its own, such as a constraint or a trigger",
            "compare the staging tables with those that csc-bridge creates, and look for triggers on them",
        ),
        12899 | 1401 | 1438 | 22835 | 1489 | 910 | 6502 => (
            Kind::Data,
            "has a column that is too short, or too narrow, for a value",
            "make the column as wide as csc-bridge creates it, such as person_id with 48 characters",
        ),
        932 | 1722 | 1830 | 1839..=1841 | 1843 | 1847 | 1858 | 1861 | 1465 | 6553 => (
            Kind::Data,
            "holds a value that a statement cannot work with, or a column of another type",
            "look for dates and numbers that are none, in the staging tables and in views over the SSD tables",
        ),
        30926 | 1427 => (
            Kind::Data,
            "has two rows for one child in a staging table",
            "keep the newest row of each child, and put a unique index on person_id",
        ),
        29283 | 19011 | 31011 | 19202 | 31061 | 31020 => (
            Kind::Config,
            "cannot read XML, by which csc-bridge hands over the children",
            "ask the database's administrator whether XML DB is installed and valid (DBA_REGISTRY), as it is by default",
        ),
        6550 | 201 | 6508 => (
            Kind::Permission,
            "does not let this account use DBMS_LOB, which everybody may by default",
            "ask the database's administrator: GRANT EXECUTE ON DBMS_LOB TO …",
        ),
        _ => return None,
    })
}

/// What state the server is in.
fn condition(number: i32) -> Option<Meaning> {
    Some(match number {
        1555 | 22924 => (
            Kind::Incomplete,
            "no longer knows how a table looked when the read began: its undo was used up (snapshot too old)",
            "run again when nothing refreshes the SSD; where it happens often, ask the database's administrator for more undo (UNDO_RETENTION), \
             or read in larger steps, with a larger chunk in [source]",
        ),
        1466 | 8103 | 1410 | 8176 => (
            Kind::Incomplete,
            "refreshed a table while it was read",
            "nothing was staged; run again when the refresh of the SSD has ended",
        ),
        60 => (Kind::Busy, "undid a statement that stood in the way of another", "run again; nothing is lost"),
        54 | 30006 | 4021 | 8177 => (
            Kind::Busy,
            "has locked what is needed",
            "run again when nothing refills the tables, or give lock_timeout more time",
        ),
        1013 => (
            Kind::Incomplete,
            "broke off a statement: somebody cancelled it, or it was too slow for the server's own limits",
            "run again, or ask the database's administrator who ended it",
        ),
        40 | 56735 | 10027 | 10028 | 10031 => (
            Kind::Incomplete,
            "broke off a statement: the Resource Manager's limit was reached",
            "ask the database's administrator for another consumer group",
        ),
        1650..=1655 | 1658 | 1659 | 1688 | 1691..=1693 | 30036 => (
            Kind::Io,
            "cannot write: a tablespace is full",
            "ask the database's administrator to give the tablespace of the staging tables, TEMP or UNDO more room",
        ),
        257 | 19809 | 16038 => (
            Kind::Io,
            "cannot write: the archive of its log is full",
            "ask the database's administrator to free space for archived logs",
        ),
        4030 | 4031 | 27102 => {
            (Kind::Io, "lacks memory", "run again later, or ask the database's administrator what its alert log says")
        }
        1578 | 1110 | 1115 | 376 | 600 | 7445 => (
            Kind::Data,
            "is damaged, or met a fault of its own",
            "ask the database's administrator what the alert log says of this moment",
        ),
        _ => return None,
    })
}
