//! Failures once there is a server: each of its numbered errors, at the logon, in a statement, in the midst of rows and of a bulk load;
//! connections that are cut, and requests that are given up. `--nocapture` shows the table of messages.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::{RecordBatch, StringArray};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::source::{ScanEvent, TableName};
use csc_bridge_sql::{Connection, Engine, Purpose, Read};
use csc_bridge_test_tds::session::SqlError;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt};

use crate::scripted::*;

/// What a server quotes in its texts, and nobody else is to hear.
const CANARY: &str = "Zoe-Canary-2015-06-01";

/// A number, its severity, what becomes of it, and a part of what is said and advised.
type Case = (i32, u8, Kind, &'static str, &'static str);

/// At the logon, after which there is no connection. The last: whether it is tried again.
const LOGON: &[(Case, bool)] = &[
    ((18456, 14, Kind::Permission, "refused the logon", "user and the secret"), false),
    ((18452, 14, Kind::Permission, "does not trust", "domain"), false),
    ((18450, 14, Kind::Permission, "does not trust", "logins of its own"), false),
    ((18470, 14, Kind::Permission, "disabled", "error log"), false),
    ((18486, 14, Kind::Permission, "locked", "error log"), false),
    ((18488, 14, Kind::Permission, "expired", "error log"), false),
    ((4060, 11, Kind::Config, "does not exist as a database", "correct database"), false),
    ((4064, 11, Kind::Config, "does not exist as a database", "correct database"), false),
    ((916, 14, Kind::Config, "no access to it", "user of the database"), false),
    ((40615, 14, Kind::Permission, "does not let this machine in", "firewall"), false),
    ((978, 14, Kind::Config, "secondary of an availability group", "ApplicationIntent=ReadOnly"), false),
    ((976, 14, Kind::Config, "secondary of an availability group", "listener"), false),
    ((979, 14, Kind::Config, "only read", "ApplicationIntent"), false),
    ((18461, 14, Kind::Unreachable, "takes no connections", "administrator"), false),
    ((926, 14, Kind::Unreachable, "could not recover it", "error log"), true),
    ((18401, 14, Kind::Unreachable, "starting", "run again"), true),
    ((922, 16, Kind::Unreachable, "starting", "run again"), true),
    ((983, 14, Kind::Unreachable, "starting", "run again"), true),
    ((40197, 20, Kind::Unreachable, "not available", "run again"), true),
    ((40501, 20, Kind::Unreachable, "not available", "run again"), true),
    ((40613, 17, Kind::Unreachable, "not available", "run again"), true),
    ((49918, 16, Kind::Unreachable, "not available", "run again"), true),
    ((49919, 16, Kind::Unreachable, "not available", "run again"), true),
    ((49920, 16, Kind::Unreachable, "not available", "run again"), true),
    ((10928, 20, Kind::Unreachable, "not available", "run again"), true),
    ((10929, 20, Kind::Unreachable, "not available", "run again"), true),
    ((4221, 16, Kind::Unreachable, "not available", "run again"), true),
    ((615, 21, Kind::Unreachable, "not available", "run again"), true),
    ((42109, 16, Kind::Unreachable, "not available", "run again"), true),
    ((233, 20, Kind::Unreachable, "not available", "run again"), true),
];

/// In a statement, in the midst of a read's rows, and of a bulk load.
const WORK: &[Case] = &[
    (208, 16, Kind::Schema, "lacks a table", "schema"),
    (207, 16, Kind::Schema, "lacks a column", "[source.names]"),
    (229, 14, Kind::Permission, "does not grant", "SELECT"),
    (262, 14, Kind::Permission, "does not grant", "CREATE TABLE"),
    (2760, 16, Kind::Permission, "does not grant", "schema"),
    (1205, 13, Kind::Busy, "stood in the way of another", "nothing is lost"),
    (1222, 16, Kind::Busy, "lock_timeout", "lock_timeout"),
    (2601, 14, Kind::Data, "there already", "staging tables"),
    (2627, 14, Kind::Data, "there already", "staging tables"),
    (547, 16, Kind::Data, "rule of its own", "triggers"),
    (515, 16, Kind::Data, "rule of its own", "triggers"),
    (50001, 16, Kind::Data, "rule of its own", "triggers"),
    (245, 16, Kind::Data, "cannot work with", "dates and numbers"),
    (8152, 16, Kind::Data, "too short", "as wide as"),
    (2628, 16, Kind::Data, "too short", "as wide as"),
    (4863, 16, Kind::Data, "too short", "as wide as"),
    (9002, 17, Kind::Io, "transaction log is full", "back up the log"),
    (1105, 17, Kind::Io, "cannot grow", "space freed"),
    (40544, 20, Kind::Io, "cannot grow", "space freed"),
    (701, 17, Kind::Io, "lacks memory", "administrator"),
    (3906, 16, Kind::Permission, "is read only", "[staging]"),
    (3952, 16, Kind::Config, "does not allow snapshots", "ALLOW_SNAPSHOT_ISOLATION"),
    (3960, 16, Kind::Incomplete, "while a snapshot was read", "refreshes"),
    (3961, 16, Kind::Incomplete, "while a snapshot was read", "refreshes"),
    (824, 24, Kind::Data, "damaged", "DBCC"),
    (596, 21, Kind::Unreachable, "was lost", "run again"),
    (40613, 17, Kind::Unreachable, "not available", "run again"),
    (40197, 20, Kind::Unreachable, "not available", "run again"),
    (983, 14, Kind::Unreachable, "starting", "run again"),
    // What we should never have sent.
    (102, 15, Kind::Internal, "refused a statement (SQL Server error 102)", "report"),
];

fn of(case: &Case) -> SqlError {
    error(case.0, case.1, &format!("The value '{CANARY}' … (the duplicate key value is {CANARY})"))
}

/// Everything that is logged while it lives: by us, and by anybody.
struct Logged {
    ours: Kept,
    all: Kept,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn has(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.0.lock().unwrap()).contains(text)
    }
}

fn logged() -> Logged {
    let (ours, all) = (Kept::default(), Kept::default());
    let layer = |kept: &Kept| {
        let kept = kept.clone();
        fmt::layer().with_ansi(false).with_writer(move || kept.clone())
    };
    // As the program's log has it: other crates' events are never written.
    let filter = Targets::new().with_target("csc_bridge", tracing::Level::TRACE);
    let subscriber =
        tracing_subscriber::registry().with(vec![layer(&ours).with_filter(filter).boxed(), layer(&all).boxed()]);
    Logged { ours, all, _guard: tracing::subscriber::set_default(subscriber) }
}

/// Tells a line of the table, and that it is what was wanted.
fn judge(when: &str, case: &Case, error: &Error) {
    let (number, _, kind, message, advice) = case;
    let told = error.message().replace("the SQL Server database HDM at 127.0.0.1:", "…:");
    println!(
        "| {number} | {when} | {:?}, {:?} | {told} | {} |",
        error.kind(),
        error.kind().directive(),
        error.advice()
    );
    assert!(error.kind() == *kind && error.message().contains(message), "{number} {when}: {error:?}");
    assert!(error.advice().contains(advice), "{number} {when}: {error:?}");
    assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
}

#[tokio::test]
async fn each_error_at_the_logon_is_told_and_the_passing_ones_are_tried_again() {
    println!("| number | when | kind, what the program does | message | advice |\n|---|---|---|---|---|");
    let place = Place::new();
    let logged = logged();
    for (case, again) in LOGON {
        place.server.refuse_logins(of(case));
        let before = place.server.logins().len();
        let error = place.connect().await.err().unwrap();
        let attempts = place.server.logins().len() - before;
        judge(&format!("logon, attempts: {attempts}"), case, &error);
        assert_eq!(attempts, if *again { 3 } else { 1 }, "{}", case.0);
        assert_eq!(error.message().contains("in 3 attempts"), *again, "{error:?}");
    }
    assert!(logged.all.has(CANARY), "the driver has not seen it: this shows nothing");
    assert!(!logged.ours.has(CANARY));
    assert!(logged.ours.has("tries again"));
    place.server.accept_logins();
    place.connect().await.unwrap();
}

fn numbers() -> Read {
    Read {
        sql: "SELECT id FROM numbers".to_owned(),
        set: None,
        table: TableName { schema: String::new(), table: "numbers".to_owned() },
        columns: vec!["id".to_owned()],
        tagged: false,
    }
}

/// How many rows a read yields, and how it ends.
async fn read(connection: &mut dyn Connection) -> (usize, Result<u64, Error>) {
    let mut stream = match connection.scan(numbers()).await {
        Ok(stream) => stream,
        Err(error) => return (0, Err(error)),
    };
    let mut rows = 0;
    loop {
        match stream.next().await {
            Ok(ScanEvent::Rows(batch)) => rows += batch.num_rows(),
            Ok(ScanEvent::Complete { rows: complete }) => return (rows, Ok(complete)),
            Err(error) => return (rows, Err(error)),
        }
    }
}

fn row() -> RecordBatch {
    let column: arrow_array::ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    RecordBatch::try_from_iter([("id", column)]).unwrap()
}

/// More than one batch has.
const MANY: usize = 10_000;

#[tokio::test]
async fn each_error_of_a_statement_a_read_and_a_load_is_told_without_what_the_server_quotes() {
    println!("| number | when | kind, what the program does | message | advice |\n|---|---|---|---|---|");
    let place = Place::new();
    let logged = logged();
    for case in WORK {
        let mut connection = place.connect().await.unwrap();
        place.server.fail_next_with("UPDATE", of(case));
        let error = connection.execute("UPDATE t SET a = 1", &[]).await.unwrap_err();
        judge("statement", case, &error);

        let mut connection = place.connect().await.unwrap();
        place.server.fail_next_with("COMMIT", of(case));
        judge("commit", case, &connection.commit().await.unwrap_err());

        let mut connection = place.connect().await.unwrap();
        place.server.fail_next_with("FROM numbers", of(case));
        let (rows, end) = read(connection.as_mut()).await;
        judge("before the first row", case, &end.unwrap_err());
        assert_eq!(rows, 0);

        let mut connection = place.connect().await.unwrap();
        *place.script.numbers.lock().unwrap() = Numbers { rows: MANY, then: Then::Error(of(case)) };
        let (rows, end) = read(connection.as_mut()).await;
        let error = end.unwrap_err();
        judge("after 10000 rows", case, &error);
        assert!(rows > 0 && error.message().starts_with("reading numbers: "), "{rows} {error:?}");

        let mut connection = place.connect().await.unwrap();
        place.server.fail_next_with("-- bulk load", of(case));
        judge("bulk load", case, &connection.load("#t", &row()).await.unwrap_err());
    }
    assert!(logged.all.has(CANARY), "the driver has not seen it: this shows nothing");
    assert!(!logged.ours.has(CANARY));
}

#[tokio::test]
async fn a_read_that_ends_early_is_never_a_short_read() {
    let place = Place::new();
    for (what, rows, then, kind, message) in [
        ("the connection is gone after some rows", MANY, Then::Cut, Kind::Unreachable, "was lost"),
        ("the connection is gone before the first row", 0, Then::Cut, Kind::Unreachable, "was lost"),
        ("fewer rows than the server counted", 10, Then::Counted(11), Kind::Incomplete, "before its last row"),
        ("more rows than the server counted", 10, Then::Counted(9), Kind::Incomplete, "before its last row"),
        ("no count", 10, Then::Nothing, Kind::Incomplete, "before its last row"),
    ] {
        *place.script.numbers.lock().unwrap() = Numbers { rows, then };
        let mut connection = place.connect().await.unwrap();
        let error = read(connection.as_mut()).await.1.unwrap_err();
        println!("{what}: {error:?}");
        assert!(error.kind() == kind && error.message().contains(message), "{what}: {error:?}");
    }
    *place.script.numbers.lock().unwrap() = Numbers { rows: MANY, then: Then::Counted(MANY as i64) };
    let mut connection = place.connect().await.unwrap();
    let (rows, end) = read(connection.as_mut()).await;
    assert_eq!((rows, end.unwrap()), (MANY, MANY as u64));
    // Cut between two packets, where TLS says nothing of an end.
    for after in [0, 1, 9000] {
        let mut connection = place.connect().await.unwrap();
        place.server.cut_after_rows(after);
        let error = read(connection.as_mut()).await.1.unwrap_err();
        assert!(error.kind() == Kind::Unreachable && error.message().contains("was lost"), "{after}: {error:?}");
        // And in the answer to the first request of all, which is asked again.
        place.server.cut_after_rows(after.min(1));
        place.connect().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_was_cut_says_so_and_stays_out_of_use() {
    let place = Place::new();
    let mut idle = place.connect().await.unwrap();
    place.server.drop_connections();
    for _ in 0..2 {
        let error = idle.query("SAY hello", &[]).await.err().unwrap();
        assert!(error.kind() == Kind::Unreachable && error.message().contains("was lost"), "{error:?}");
    }
    assert_eq!(idle.load("#t", &row()).await.unwrap_err().kind(), Kind::Unreachable);
    let mut other = place.connect().await.unwrap();
    assert_eq!(said(other.as_mut(), "hello").await.unwrap(), "hello");
}

async fn said(connection: &mut dyn Connection, word: &str) -> Result<String, Error> {
    connection.query(&format!("SAY {word}"), &[]).await?.remove(0).word(0)
}

/// Waits until a request has reached the server.
async fn reached(place: &Place, text: &str) {
    while !place.server.log().iter().any(|request| request == text) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// tiberius issue 79: an answer that nobody waited for was taken for that of the next request.
#[tokio::test]
async fn a_connection_whose_request_was_given_up_is_never_used_again() {
    let place = Place::new();
    let mut connection = place.connect().await.unwrap();
    tokio::select! {
        _ = connection.query("SLOW old", &[]) => panic!("it was answered"),
        () = reached(&place, "SLOW old") => {}
    }
    // Now the old answer is on its way.
    place.script.release.notify_one();
    for _ in 0..2 {
        let error = said(connection.as_mut(), "new").await.unwrap_err();
        println!("{error:?}");
        assert!(error.kind() == Kind::Unreachable && error.message().contains("given up"), "{error:?}");
    }
    for error in [
        connection.execute("UPDATE t SET a = 1", &[]).await.unwrap_err(),
        connection.load("#t", &row()).await.unwrap_err(),
        connection.begin().await.unwrap_err(),
        connection.commit().await.unwrap_err(),
        connection.scan(numbers()).await.err().unwrap(),
    ] {
        assert!(error.message().contains("given up"), "{error:?}");
    }
    assert!(place.server.log().iter().all(|text| text != "SAY new" && !text.contains("UPDATE")), "it was sent");
    let mut other = place.connect().await.unwrap();
    assert_eq!(said(other.as_mut(), "new").await.unwrap(), "new");
}

#[tokio::test]
async fn a_statement_that_takes_longer_than_query_timeout_ends_its_connection() {
    let place = Place::new();
    let keys = format!("{}{}query_timeout = '200ms'\n", place.keys(), ca("ca.pem"));
    let mut connection = place.engine(&keys).connect(Purpose::Read).await.unwrap();
    let error = connection.query("SLOW old", &[]).await.err().unwrap();
    println!("{error:?}");
    assert!(error.kind() == Kind::Incomplete && error.message().contains("query_timeout"), "{error:?}");
    place.script.release.notify_one();
    assert!(said(connection.as_mut(), "new").await.unwrap_err().message().contains("given up"));
}

#[tokio::test]
async fn a_read_that_is_dropped_between_two_batches_leaves_no_rows_behind() {
    let place = Place::new();
    *place.script.numbers.lock().unwrap() = Numbers { rows: MANY, then: Then::Counted(MANY as i64) };
    let mut connection = place.connect().await.unwrap();
    let mut stream = connection.scan(numbers()).await.unwrap();
    assert!(matches!(stream.next().await.unwrap(), ScanEvent::Rows(_)));
    drop(stream);
    assert_eq!(said(connection.as_mut(), "new").await.unwrap(), "new");
    let (rows, end) = read(connection.as_mut()).await;
    assert_eq!((rows, end.unwrap()), (MANY, MANY as u64));
}

#[tokio::test]
async fn an_error_of_the_server_leaves_the_connection_in_use() {
    let place = Place::new();
    let mut connection = place.connect().await.unwrap();
    place.server.fail_next_with("SAY", error(1222, 16, "Lock request time out period exceeded."));
    assert_eq!(said(connection.as_mut(), "old").await.unwrap_err().kind(), Kind::Busy);
    assert_eq!(said(connection.as_mut(), "new").await.unwrap(), "new");
    assert_eq!(place.script.logons.load(Ordering::SeqCst), 1);
}
