//! How fast a scan of a million rows is through the boundary, beside the same source built in. Not run by itself: `cargo test --release -p
//! csc-bridge-plugin-host --test it -- --ignored a_scan_of_a_million_rows --nocapture`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use csc_bridge_core::config::Config;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{self, Path as ToChild, Scan, Source, Table, TableName};
use csc_bridge_postgres::PostgresAdapter;
use csc_bridge_test_postgres::{Server, shared};

use crate::conformance::installed;
use crate::support::{InProcess, Isolated};

const ROWS: usize = 1_000_000;
const CHILDREN: usize = 20_000;
const TURNS: usize = 5;

fn visits() -> TableName {
    TableName { schema: String::new(), table: "visit".to_owned() }
}

fn columns() -> Vec<String> {
    ["id", "person_id", "on_day", "reason", "flag", "n", "notes"].map(str::to_owned).into()
}

fn fill(server: &Server, database: &str) {
    server.psql(
        database,
        &format!(
            "CREATE TABLE visit AS SELECT 'V' || n AS id, 'P' || n % {CHILDREN} AS person_id, DATE '2020-01-01' + (n % 2000)::int AS on_day,
               'reason ' || n % 17 AS reason, (ARRAY[NULL, 'Y', 'N'])[n % 3 + 1] AS flag, (n % 100)::int AS n,
               repeat('text ', (n % 20)::int) AS notes
             FROM generate_series(0, {ROWS} - 1) n"
        ),
    );
    server.psql(database, "VACUUM ANALYZE visit");
}

/// Rows a second of one scan for all children.
async fn scanned(source: &dyn Source) -> f64 {
    let mut session = source.open(&[Table { name: visits(), columns: columns() }]).await.unwrap();
    session.select(&(0..CHILDREN).map(|n| format!("P{n}")).collect::<Vec<_>>()).await.unwrap();
    let path_to_child = ToChild { joins: Vec::new(), child: "person_id".to_owned(), no_key: Vec::new() };
    let scan = Scan { table: visits(), columns: columns(), path_to_child };
    let began = Instant::now();
    let mut rows = 0;
    let mut stream = session.scan(&scan).await.unwrap();
    let mut take = |batch: arrow_array::RecordBatch| {
        rows += batch.num_rows();
        Ok(())
    };
    source::read_each(&mut *stream, &mut take).await.unwrap();
    assert_eq!(rows, ROWS);
    rows as f64 / began.elapsed().as_secs_f64()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, for a release build on a quiet machine"]
async fn a_scan_of_a_million_rows() {
    let Some(server) = shared() else { return };
    let (database, folder) = (server.database(), tempfile::tempdir().unwrap());
    fill(server, &database);
    std::fs::write(folder.path().join("password"), server.password()).unwrap();
    let options = |adapter: &str| {
        let text = format!(
            "cms = \"sqlite\"\nla_code = \"845\"\n[source]\nadapter = \"{adapter}\"\nhost = '127.0.0.1'\nport = {}\n\
             database = '{database}'\nuser = '{}'\npassword = {{ file = 'password' }}\n",
            server.port(),
            server.superuser()
        );
        Config::parse(&Path::new(folder.path()).join("csc-bridge.toml"), &text).unwrap().source.options
    };
    let plugin = |hosted| installed("postgres-plugin", "postgres_plugin", hosted).source(&options("postgres-plugin"));
    let sources: [(&str, Arc<dyn Source>); 3] = [
        ("built in", PostgresAdapter.source(&options("postgres")).unwrap()),
        ("in process", plugin(InProcess).unwrap()),
        ("isolated", plugin(Isolated).unwrap()),
    ];
    let mut speeds = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        for ((_, source), speeds) in sources.iter().zip(&mut speeds) {
            speeds.push(scanned(source.as_ref()).await);
        }
    }
    let medians = speeds.map(median);
    for ((name, _), speed) in sources.iter().zip(medians) {
        println!("{name:10} | {speed:9.0} rows/s | {:.2} of built in", speed / medians[0]);
    }
}
