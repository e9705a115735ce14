//! How fast a scan is beside `psql` with the same statement. Not run by itself: `cargo test --release -p csc-bridge-postgres --test it --
//! --ignored speed --nocapture`.

use std::time::Instant;

use csc_bridge_core::source::{ScanEvent, read_all};
use csc_bridge_postgres::PostgresDialect;
use csc_bridge_sql::{Dialect, SET, Store, scan_sql};

use crate::support::*;

const ROWS: u32 = 600_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute, and says nothing in a debug build"]
async fn a_scan_beside_psql() {
    for indexed in [true, false] {
        let Some(home) = Home::with(&format!(
            "CREATE TABLE visit (id varchar(48), person_id varchar(48), on_day timestamp, reason varchar(100), flag char(1), n integer,
               notes varchar(500));
             INSERT INTO visit SELECT 'V' || n, 'P' || n % 20000, timestamp '2020-01-01' + n * interval '1 minute', 'reason ' || n % 17,
               CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN 'Y' ELSE 'N' END, n % 100, repeat('text ', n % 20) FROM generate_series(1, {ROWS}) n"
        )) else {
            return;
        };
        let dialect = PostgresDialect::default();
        let all = ["id", "person_id", "on_day", "reason", "flag", "n", "notes"];
        let wanted = scan("visit", &all, &[], "person_id");
        if indexed {
            home.raw(&format!("CREATE INDEX ix ON visit ({})", dialect.key("person_id")));
        }
        home.raw("VACUUM ANALYZE visit");
        let create = dialect.create_temporary(SET, &[("id", Store::Text(200)), ("nr", Store::Integer)], "id");
        let mut session = opened(&home, &[columns("visit", &all)]).await;
        for _ in 0..3 {
            let began = Instant::now();
            let mut rows = 0;
            for chunk in 0..4u32 {
                let children: Vec<String> = (chunk * 5000..chunk * 5000 + 5000).map(|n| format!("P{n}")).collect();
                session.select(&children).await.unwrap();
                let mut stream = session.scan(&wanted).await.unwrap();
                while let ScanEvent::Rows(batch) = stream.next().await.unwrap() {
                    rows += batch.num_rows();
                }
            }
            let ours = began.elapsed();
            let mut script = format!("{create}; SET jit = off;");
            for chunk in 0..4 {
                script += &format!(
                    "TRUNCATE pg_temp.{SET}; INSERT INTO pg_temp.{SET} SELECT 'P' || n, n FROM generate_series({0}, {0} + 4999) n;
                     ANALYZE pg_temp.{SET}; COPY ({1}) TO '/dev/null';",
                    chunk * 5000,
                    scan_sql(&dialect, &wanted)
                );
            }
            let began = Instant::now();
            home.raw(&script);
            println!("indexed {indexed}: {rows} rows, ours {ours:?}, psql {:?}", began.elapsed());
        }
        let began = Instant::now();
        let listed = read_all(session.list(&table("visit"), &strings(&all)).await.unwrap().as_mut()).await.unwrap();
        let ours = began.elapsed();
        assert_eq!(listed.iter().map(|batch| batch.num_rows()).sum::<usize>(), ROWS as usize);
        let began = Instant::now();
        home.raw("COPY (SELECT * FROM visit) TO '/dev/null'");
        println!("list: ours {ours:?}, psql {:?}", began.elapsed());
    }
}
