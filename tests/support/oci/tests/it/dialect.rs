//! Statements of Oracle's dialect.

use oracle::Connection;
use oracle::sql_type::Timestamp;

use crate::support::{Place, code};

fn one(connection: &Connection, expr: &str) -> Option<String> {
    connection.query_row_as(&format!("SELECT {expr} FROM DUAL"), &[]).unwrap_or_else(|fault| panic!("{expr}: {fault}"))
}

#[test]
fn expressions_have_oracles_values() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS'", &[]).unwrap();
    let cases = [
        ("NVL('', 'null')", Some("null")),
        ("'a' || NULL || 'b'", Some("ab")),
        ("'' || ''", None),
        ("TRIM('  ')", None),
        ("TRIM('  a b ')", Some("a b")),
        ("LTRIM('xxa', 'x')", Some("a")),
        ("SUBSTR('abcdef', 2, 3)", Some("bcd")),
        ("SUBSTR('abcdef', -2)", Some("ef")),
        ("SUBSTR('abc', 5)", None),
        ("TO_CHAR(LENGTH('ä€'))", Some("2")),
        ("TO_CHAR(0.50)", Some(".5")),
        ("TO_CHAR(1/4)", Some(".25")),
        ("TO_CHAR(12.50)", Some("12.5")),
        ("DECODE(NULL, NULL, 'same', 'other')", Some("same")),
        ("DECODE(2, 1, 'one', 2, 'two')", Some("two")),
        ("CASE WHEN '' IS NULL THEN 'null' END", Some("null")),
        ("CASE WHEN 'a' <> '' THEN 'x' ELSE 'y' END", Some("y")),
        (
            "TO_CHAR(TO_DATE('2026-02-28 23:59:59', 'YYYY-MM-DD HH24:MI:SS') + 1/86400, 'YYYY-MM-DD HH24:MI:SS')",
            Some("2026-03-01 00:00:00"),
        ),
        ("TO_CHAR(DATE '2026-03-01' - DATE '2026-02-01')", Some("28")),
        ("TO_CHAR(DATE '2026-03-01')", Some("2026-03-01 00:00:00")),
        (
            "TO_CHAR(TO_TIMESTAMP('2026-11-20 10:00:00.123', 'YYYY-MM-DD HH24:MI:SS.FF3'), 'YYYY-MM-DD\"T\"HH24:MI:SS.FF6')",
            Some("2026-11-20T10:00:00.123000"),
        ),
        ("RAWTOHEX(HEXTORAW('00ff'))", Some("00FF")),
        ("CAST(12.50 AS VARCHAR2(10))", Some("12.5")),
        ("UPPER('ä')", Some("Ä")),
        ("UNISTR('\\00E9\\D83D\\DE00x')", Some("é😀x")),
        ("TO_NCHAR('ä')", Some("ä")),
        ("TO_NCHAR(0.50)", Some(".5")),
        ("LTRIM(TO_NCHAR('\u{a0} a'), UNISTR('\\0020\\00A0'))", Some("a")),
        ("TO_CHAR(EXTRACT(MINUTE FROM NUMTODSINTERVAL(90, 'MINUTE')))", Some("30")),
        (
            "TO_CHAR((CAST(TIMESTAMP '2026-01-02 00:00:00' AS DATE) - CAST(TIMESTAMP '2026-01-01 12:00:00' AS DATE)) * 86400)",
            Some("43200"),
        ),
    ];
    for (expr, wanted) in cases {
        assert_eq!(one(&connection, expr).as_deref(), wanted, "{expr}");
    }
}

#[test]
fn names_are_upper_case_unless_they_are_quoted() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE ssd_person (pers_person_id VARCHAR2(48), \"lower\" NUMBER)", &[]).unwrap();
    let rows =
        connection.query("SELECT PERS_PERSON_ID, p.\"lower\", COUNT(*) OVER () FROM \"SSD_PERSON\" p", &[]).unwrap();
    let names: Vec<&str> = rows.column_info().iter().map(|column| column.name()).collect();
    assert_eq!(names, ["PERS_PERSON_ID", "lower", "COUNT(*)OVER()"]);
    assert_eq!(code(connection.query("SELECT * FROM \"ssd_person\"", &[])), 942);
    let user = place.server.superuser().to_uppercase();
    connection.query(&format!("SELECT * FROM {user}.ssd_person"), &[]).unwrap();
    let columns: Vec<(String, String)> = connection
        .query_as(
            "SELECT column_name, data_type FROM user_tab_columns WHERE table_name = 'SSD_PERSON' ORDER BY column_id",
            &[],
        )
        .unwrap()
        .collect::<oracle::Result<_>>()
        .unwrap();
    let wanted = [("PERS_PERSON_ID", "VARCHAR2"), ("lower", "NUMBER")];
    assert_eq!(columns, wanted.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
}

#[test]
fn a_merge_updates_and_inserts_by_its_conditions() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER PRIMARY KEY, word VARCHAR2(10))", &[]).unwrap();
    connection
        .execute("CREATE GLOBAL TEMPORARY TABLE s (id NUMBER, word VARCHAR2(10)) ON COMMIT PRESERVE ROWS", &[])
        .unwrap();
    for (id, word) in [(1, "old"), (2, "kept")] {
        connection.execute("INSERT INTO t VALUES (:1, :2)", &[&id, &word]).unwrap();
    }
    for (id, word) in [(1, "new"), (2, "new"), (3, "new"), (4, "not")] {
        connection.execute("INSERT INTO s VALUES (:1, :2)", &[&id, &word]).unwrap();
    }
    let merged = connection
        .execute(
            "MERGE INTO t USING (SELECT id, word FROM s) s ON (t.id = s.id) \
             WHEN MATCHED THEN UPDATE SET t.word = s.word WHERE t.word <> 'kept' \
             WHEN NOT MATCHED THEN INSERT (id, word) VALUES (s.id, s.word) WHERE s.word = 'new'",
            &[],
        )
        .unwrap();
    assert_eq!(merged.row_count().unwrap(), 2);
    let rows: Vec<(i64, String)> =
        connection.query_as("SELECT id, word FROM t ORDER BY id", &[]).unwrap().collect::<oracle::Result<_>>().unwrap();
    let wanted = [(1, "new"), (2, "kept"), (3, "new")];
    assert_eq!(rows, wanted.map(|(id, word)| (id, word.to_owned())));
    connection.execute("INSERT INTO s VALUES (1, 'twice')", &[]).unwrap();
    let twice = "MERGE INTO t USING s ON (t.id = s.id) WHEN MATCHED THEN UPDATE SET word = s.word";
    assert_eq!(code(connection.execute(twice, &[])), 30926);
}

#[test]
fn rows_are_limited_by_rownum_and_by_fetch_first() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    for id in 1..=5 {
        connection.execute("INSERT INTO t VALUES (:1)", &[&id]).unwrap();
    }
    let ids = |sql: &str, most: i64| -> Vec<i64> {
        let rows = match sql.contains(":1") {
            true => connection.query_as::<i64>(sql, &[&most]),
            false => connection.query_as::<i64>(sql, &[]),
        };
        rows.unwrap().collect::<oracle::Result<_>>().unwrap()
    };
    assert_eq!(ids("SELECT id FROM (SELECT id FROM t ORDER BY id DESC) WHERE ROWNUM <= :1", 2), [5, 4]);
    assert_eq!(ids("SELECT id FROM t WHERE id > 1 AND ROWNUM < 3 AND id < 5", 0).len(), 2);
    assert_eq!(ids("SELECT id FROM t ORDER BY id FETCH FIRST 2 ROWS ONLY", 0), [1, 2]);
    assert_eq!(ids("SELECT id FROM t ORDER BY id OFFSET 3 ROWS FETCH NEXT 2 ROWS ONLY", 0), [4, 5]);
    assert_eq!(code(connection.query("SELECT id FROM t WHERE ROWNUM > 1", &[])), 900);
}

#[test]
fn clobs_are_compared_by_their_package() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER, l CLOB)", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES (1, '{}')", &[]).unwrap();
    let same: i64 = connection
        .query_row_as(
            "SELECT COUNT(*) FROM t WHERE DBMS_LOB.COMPARE(l, TO_CLOB(:1)) = 0 AND DBMS_LOB.GETLENGTH(l) = 2",
            &[&"{}"],
        )
        .unwrap();
    assert_eq!(same, 1);
}

#[test]
fn the_clock_is_utc() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection
        .execute("CREATE TABLE t (at TIMESTAMP(3) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP), d DATE DEFAULT SYSDATE)", &[])
        .unwrap();
    connection.execute("INSERT INTO t (at) VALUES (DEFAULT)", &[]).unwrap();
    let (at, day): (Timestamp, Timestamp) = connection.query_row_as("SELECT at, d FROM t", &[]).unwrap();
    assert_eq!((at.year(), at.month(), at.day(), at.hour()), (day.year(), day.month(), day.day(), day.hour()));
    let seconds: f64 = connection
        .query_row_as("SELECT (CAST(SYS_EXTRACT_UTC(SYSTIMESTAMP) AS DATE) - CAST(at AS DATE)) * 86400 FROM t", &[])
        .unwrap();
    assert!((0.0..60.0).contains(&seconds), "{seconds}");
    let old: i64 = connection
        .query_row_as(
            "SELECT COUNT(*) FROM t WHERE at < SYS_EXTRACT_UTC(SYSTIMESTAMP) - NUMTODSINTERVAL(:1, 'SECOND')",
            &[&3600],
        )
        .unwrap();
    assert_eq!(old, 0);
}

#[test]
fn a_table_is_changed_and_its_columns_indexed() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    for sql in [
        "CREATE TABLE t (id NUMBER PRIMARY KEY, word VARCHAR2(10))",
        "ALTER TABLE t ADD (a NUMBER(10,2), b VARCHAR2(5) DEFAULT 'x')",
        "ALTER TABLE t ADD c CLOB",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t ADD CONSTRAINT t_words UNIQUE (word)",
        "CREATE INDEX t_trimmed ON t (TRIM(word))",
        "INSERT INTO t (id, word) VALUES (1, 'a')",
        "TRUNCATE TABLE t",
        "INSERT INTO t (id, word) VALUES (1, 'a')",
        "DROP INDEX t_trimmed",
    ] {
        connection.execute(sql, &[]).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    }
    let row: (i64, String, String, Option<String>) = connection.query_row_as("SELECT * FROM t", &[]).unwrap();
    assert_eq!(row, (1, "a".to_owned(), "x".to_owned(), None));
    assert_eq!(code(connection.execute("INSERT INTO t (id, word) VALUES (2, 'a')", &[])), 1);
    connection.execute("DROP TABLE t CASCADE CONSTRAINTS PURGE", &[]).unwrap();
    assert_eq!(code(connection.query("SELECT * FROM t", &[])), 942);
}

#[test]
fn a_document_is_taken_apart_into_rows() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    let ids: Vec<String> = (0..3000).map(|number| format!("id-{number}")).collect();
    let document: String = ids.iter().map(|id| format!("<c>{id}</c>")).collect();
    let mut clob = oracle::sql_type::Clob::new(&connection).unwrap();
    std::io::Write::write_all(&mut clob, format!("<s>{document}<c/></s>").as_bytes()).unwrap();
    let rows: Vec<(Option<String>, i64)> = connection
        .query_as(
            "SELECT UNISTR(x.id), x.nr - 1 FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, \
             id VARCHAR2(4000) PATH '.') x",
            &[&clob],
        )
        .unwrap()
        .collect::<oracle::Result<_>>()
        .unwrap();
    let wanted = ids.into_iter().map(Some).chain([None]).zip(0..);
    assert_eq!(rows, wanted.collect::<Vec<_>>());
}

#[test]
fn a_merge_finds_rows_by_their_place() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER, word NVARCHAR2(10))", &[]).unwrap();
    for id in 1..=3 {
        connection.execute("INSERT INTO t VALUES (:1, 'old')", &[&id]).unwrap();
    }
    let merge = "MERGE INTO t t USING (SELECT t.ROWID AS rid, 'new' AS v FROM t t WHERE t.word = 'old' AND t.id < 3) n \
         ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET word = n.v";
    assert_eq!(connection.execute(merge, &[]).unwrap().row_count().unwrap(), 2);
    assert_eq!(connection.execute(merge, &[]).unwrap().row_count().unwrap(), 0);
}

#[test]
fn a_session_takes_the_settings_that_are_simulated_and_no_others() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection
        .execute("ALTER SESSION SET CURSOR_SHARING = EXACT COMMIT_WAIT = WAIT DDL_LOCK_TIMEOUT = 5", &[])
        .unwrap();
    assert_eq!(code(connection.execute("ALTER SESSION SET CURSOR_SHARING = FORCE", &[])), 900);
    assert_eq!(code(connection.execute("ALTER SESSION SET NLS_SORT = GERMAN", &[])), 900);
}
