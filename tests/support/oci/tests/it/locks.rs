//! Locks, transactions and sessions.

use crate::support::{Place, code};

#[test]
fn locked_rows_are_skipped_refused_or_waited_for() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.connect(), place.connect());
    one.execute("CREATE TABLE t (id NUMBER PRIMARY KEY)", &[]).unwrap();
    for id in 1..=3 {
        one.execute("INSERT INTO t VALUES (:1)", &[&id]).unwrap();
    }
    one.commit().unwrap();
    let ids = |connection: &oracle::Connection, sql: &str| -> oracle::Result<Vec<i64>> {
        connection.query_as::<i64>(sql, &[])?.collect()
    };
    assert_eq!(ids(&one, "SELECT id FROM t WHERE id < 3 FOR UPDATE").unwrap(), [1, 2]);
    assert_eq!(ids(&two, "SELECT t.id FROM t FOR UPDATE OF t.id SKIP LOCKED").unwrap(), [3]);
    assert_eq!(code(ids(&two, "SELECT id FROM t FOR UPDATE NOWAIT")), 54);
    assert_eq!(code(two.execute("LOCK TABLE t IN EXCLUSIVE MODE NOWAIT", &[])), 54);
    one.rollback().unwrap();
    assert_eq!(ids(&two, "SELECT id FROM t FOR UPDATE NOWAIT").unwrap(), [1, 2, 3]);
}

#[test]
fn a_read_only_transaction_sees_one_moment() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.connect(), place.connect());
    one.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    one.execute("SET TRANSACTION READ ONLY", &[]).unwrap();
    let count =
        |connection: &oracle::Connection| -> i64 { connection.query_row_as("SELECT COUNT(*) FROM t", &[]).unwrap() };
    assert_eq!(count(&one), 0);
    two.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    two.commit().unwrap();
    assert_eq!(count(&one), 0);
    assert_eq!(code(one.execute("INSERT INTO t VALUES (2)", &[])), 1456);
    one.commit().unwrap();
    assert_eq!(count(&one), 1);
}

#[test]
fn a_table_that_is_truncated_under_a_reader_is_refused_to_it() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.connect(), place.connect());
    for table in ["t", "other"] {
        one.execute(&format!("CREATE TABLE {table} (id NUMBER)"), &[]).unwrap();
    }
    one.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    one.commit().unwrap();
    let count = |connection: &oracle::Connection, table: &str| {
        connection.query_row_as::<i64>(&format!("SELECT COUNT(*) FROM {table}"), &[])
    };
    one.execute("SET TRANSACTION READ ONLY", &[]).unwrap();
    assert_eq!(count(&one, "t").unwrap(), 1);
    two.execute("TRUNCATE TABLE t", &[]).unwrap();
    assert_eq!(code(count(&one, "t")), 1466);
    assert_eq!(count(&one, "other").unwrap(), 0);
    one.commit().unwrap();
    assert_eq!(count(&one, "t").unwrap(), 0);
    // Whoever writes keeps it out.
    one.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    assert_eq!(code(two.execute("TRUNCATE TABLE t", &[])), 54);
}

#[test]
fn rows_of_a_read_only_transaction_are_under_way_until_they_are_fetched() {
    let Some(place) = Place::new() else { return };
    let one = place.connect();
    one.execute("CREATE TABLE t (id NUMBER, word VARCHAR2(1000))", &[]).unwrap();
    place
        .server
        .psql(&place.database, "INSERT INTO \"T\" SELECT i, repeat('x', 1000) FROM generate_series(1, 50000) i");
    one.execute("SET TRANSACTION READ ONLY", &[]).unwrap();
    let mut statement = one.statement("SELECT id, word FROM t").fetch_array_size(100).build().unwrap();
    {
        let mut rows = statement.query_as::<(i64, String)>(&[]).unwrap();
        assert!(rows.next().unwrap().is_ok());
        // A query that fails in the midst of it leaves the transaction, and the other query, be.
        assert_eq!(code(one.query("SELECT nothing FROM t", &[])), 904);
        assert!(rows.next().unwrap().is_ok());
    }
    assert_eq!(one.query_row_as::<i64>("SELECT COUNT(*) FROM t", &[]).unwrap(), 50_000);
    let mut rows = statement.query_as::<(i64, String)>(&[]).unwrap();
    assert!(rows.next().unwrap().is_ok());
    place.server.kill_backends(&place.database);
    assert!(rows.any(|row| row.is_err()));
}

#[test]
fn definitions_commit() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    connection.execute("CREATE TABLE u (id NUMBER)", &[]).unwrap();
    connection.rollback().unwrap();
    assert_eq!(connection.query_row_as::<i64>("SELECT COUNT(*) FROM t", &[]).unwrap(), 1);
}

#[test]
fn each_session_has_its_own_rows_of_a_temporary_table() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.connect(), place.connect());
    one.execute("CREATE GLOBAL TEMPORARY TABLE keep (id NUMBER PRIMARY KEY) ON COMMIT PRESERVE ROWS", &[]).unwrap();
    one.execute("CREATE GLOBAL TEMPORARY TABLE gone (id NUMBER) ON COMMIT DELETE ROWS", &[]).unwrap();
    for table in ["keep", "gone"] {
        one.execute(&format!("INSERT INTO {table} VALUES (1)"), &[]).unwrap();
    }
    let count = |connection: &oracle::Connection, table: &str| -> i64 {
        connection.query_row_as(&format!("SELECT COUNT(*) FROM {table}"), &[]).unwrap()
    };
    assert_eq!((count(&one, "keep"), count(&one, "gone"), count(&two, "keep")), (1, 1, 0));
    one.commit().unwrap();
    assert_eq!((count(&one, "keep"), count(&one, "gone"), count(&two, "keep")), (1, 0, 0));
    two.execute("INSERT INTO keep VALUES (1)", &[]).unwrap();
    two.rollback().unwrap();
    assert_eq!(count(&two, "keep"), 0);
}

#[test]
fn rows_that_are_open_survive_other_statements() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    let mut batch = connection.batch("INSERT INTO t VALUES (:1)", 500).build().unwrap();
    (0..500).for_each(|number| batch.append_row(&[&number]).unwrap());
    batch.execute().unwrap();
    connection.commit().unwrap();
    let mut statement = connection.statement("SELECT id FROM t ORDER BY id").fetch_array_size(10).build().unwrap();
    let mut rows = statement.query_as::<i64>(&[]).unwrap();
    assert_eq!(rows.next().unwrap().unwrap(), 0);
    connection.execute("DELETE FROM t", &[]).unwrap();
    connection.commit().unwrap();
    assert_eq!(rows.map(Result::unwrap).sum::<i64>(), 499 * 500 / 2);
}

#[test]
fn a_pool_gives_sessions_again() {
    let Some(place) = Place::new() else { return };
    let pool = oracle::pool::PoolBuilder::new(place.server.superuser(), place.server.password(), place.address())
        .max_connections(2)
        .build()
        .unwrap();
    let sid = |connection: &oracle::Connection| -> String {
        connection.query_row_as("SELECT SYS_CONTEXT('USERENV', 'SID') FROM DUAL", &[]).unwrap()
    };
    let (one, two) = (pool.get().unwrap(), pool.get().unwrap());
    let first = sid(&one);
    assert_ne!(first, sid(&two));
    assert_eq!(code(pool.get()), 24418);
    one.close().unwrap();
    assert_eq!(sid(&pool.get().unwrap()), first);
}

#[test]
fn of_two_that_wait_for_each_other_one_fails() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.connect(), place.connect());
    one.execute("CREATE TABLE t (id NUMBER PRIMARY KEY, n NUMBER)", &[]).unwrap();
    for id in 1..=2 {
        one.execute("INSERT INTO t VALUES (:1, 0)", &[&id]).unwrap();
    }
    one.commit().unwrap();
    let update = |connection: &oracle::Connection, id: i32| {
        connection.execute("UPDATE t SET n = n + 1 WHERE id = :1", &[&id]).map(drop)
    };
    update(&one, 1).unwrap();
    update(&two, 2).unwrap();
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let done = update(&one, 2);
            one.rollback().unwrap();
            done
        });
        let second = update(&two, 1);
        two.rollback().unwrap();
        (first.join().unwrap(), second)
    });
    let failed: Vec<i32> = [first, second].into_iter().filter(Result::is_err).map(code).collect();
    assert_eq!(failed, [60]);
}
