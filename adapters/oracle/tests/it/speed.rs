//! Rows per second through the adapter, the crate and ODPI-C, by the rows of a fetch. Not run by itself: `cargo test --release -p
//! csc-bridge-oracle --test it -- --ignored a_scan_by_the_rows_of_a_fetch --nocapture`.
//!
//! The library of the tests has no wire of Oracle's. What a round trip costs is counted, not measured.

use std::time::Instant;

use csc_bridge_core::source::{ScanEvent, TableName};
use csc_bridge_sql::{Connection, Engine, Purpose, Read};

use crate::home::{Home, Kind};

const ROWS: u64 = 200_000;
const COLUMNS: [&str; 7] = ["ID", "PERSON_ID", "ON_DAY", "REASON", "FLAG", "N", "NOTES"];
const SQL: &str = "SELECT id, person_id, on_day, reason, flag, n, notes FROM visit";

/// Seconds from here to another town's data centre, there and back.
const ROUND_TRIP: f64 = 0.002;

fn filled() -> Option<Home> {
    let home = Home::new(&Kind::Library)?;
    let create = "CREATE TABLE visit (id VARCHAR2(200 CHAR), person_id VARCHAR2(200 CHAR), on_day DATE, reason VARCHAR2(200 CHAR), \
         flag CHAR(1), n NUMBER(10), notes VARCHAR2(1000 CHAR))";
    home.driver().unwrap().execute(create, &[]).unwrap();
    let library = home.simulated();
    let rows = format!(
        "INSERT INTO \"VISIT\" SELECT 'V' || i, 'P' || i % 20000, (date '2020-01-01' + i % 2000)::timestamp::oracle.date, \
         'reason ' || i % 17, substr('YN', i % 2 + 1, 1), i % 100, repeat('text ', i % 20) FROM generate_series(1, {ROWS}) i"
    );
    library.server.psql(&library.database, &rows);
    Some(home)
}

/// The driver alone: its rows, each cell asked for as a text.
fn driver(home: &Home, size: u32) -> u64 {
    let driver = home.driver().unwrap();
    let mut statement = driver.statement(SQL).fetch_array_size(size).prefetch_rows(size).build().unwrap();
    let mut rows = 0;
    for row in statement.query(&[]).unwrap() {
        let row = row.unwrap();
        assert!(row.get::<_, Option<String>>(0).unwrap().is_some());
        rows += 1;
    }
    rows
}

async fn adapter(home: &Home) -> u64 {
    let engine = home.engine_with(&home.keys());
    let mut connection: Box<dyn Connection> = engine.connect(Purpose::Read).await.unwrap();
    let table = TableName { schema: String::new(), table: "visit".to_owned() };
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let read = Read { sql: SQL.to_owned(), set: None, table, columns, tagged: false };
    let mut stream = connection.scan(read).await.unwrap();
    let mut rows = 0;
    while let ScanEvent::Rows(batch) = stream.next().await.unwrap() {
        rows += batch.num_rows() as u64;
    }
    rows
}

fn show(what: &str, size: f64, rows: u64, began: Instant) {
    let (seconds, trips) = (began.elapsed().as_secs_f64(), ROWS as f64 / size);
    assert_eq!(rows, ROWS);
    println!(
        "{what:24} {:>10.0} rows/s, {trips:>7.0} round trips, with {ROUND_TRIP} s for each {:>8.0} rows/s",
        ROWS as f64 / seconds,
        ROWS as f64 / (seconds + trips * ROUND_TRIP),
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute, and says nothing in a debug build"]
async fn a_scan_by_the_rows_of_a_fetch() {
    let Some(home) = filled() else { return };
    for _ in 0..3 {
        for size in [1, 100, 1000, 5000] {
            let began = Instant::now();
            let rows = driver(&home, size);
            show(&format!("driver, {size} to a fetch"), size.into(), rows, began);
        }
        let began = Instant::now();
        let rows = adapter(&home).await;
        show("adapter, its own size", 1000.0, rows, began);
    }
}
