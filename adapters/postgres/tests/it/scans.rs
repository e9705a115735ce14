use csc_bridge_core::error::Kind;
use csc_bridge_core::payload::column::{Column, DayCell};
use csc_bridge_core::source::{ScanEvent, read_all};
use csc_bridge_postgres::PostgresDialect;
use csc_bridge_sql::{Dialect, scan_sql};

use crate::support::*;

/// Persons with text ids, referrals with integers, plans that reach their referral by padded text.
const MIXED: &str = "
    CREATE TABLE person (id varchar(48), born timestamp);
    INSERT INTO person VALUES ('17', '2010-01-02'), (' 18 ', NULL), ('19', '2011-01-01');
    CREATE TABLE referral (id integer, person bigint);
    INSERT INTO referral VALUES (1, 17), (2, 17), (3, 18), (4, 19), (5, NULL);
    CREATE TABLE plan (id text, referral char(8));
    INSERT INTO plan VALUES ('a', '1'), ('b', ' 2'), ('c', '3  '), ('d', '4'), ('e', NULL), ('f', '03');
    CREATE TABLE visit (id numeric, plan text);
    INSERT INTO visit VALUES (1.5, 'a'), (2, 'c'), (3, 'd');";

#[tokio::test]
async fn ids_match_whether_they_are_integers_text_or_padded_text() {
    let Some(home) = Home::with(MIXED) else { return };
    let tables = [
        columns("person", &["id", "born"]),
        columns("referral", &["id", "person"]),
        columns("plan", &["id", "referral"]),
        columns("visit", &["id", "plan"]),
    ];
    let mut session = opened(&home, &tables).await;
    session.select(&strings(&["18", "17"])).await.unwrap();

    let persons = scanned(&mut session, &scan("person", &["id", "born"], &[], "id")).await;
    assert_eq!(persons, ["0| 18 |null", "1|17|moment 1262390400000000"]);
    let referrals = scanned(&mut session, &scan("referral", &["id"], &[], "person")).await;
    assert_eq!(referrals, ["0|3", "1|1", "1|2"]);
    let plans = scanned(&mut session, &scan("plan", &["id"], &[("referral", "referral", "id")], "person")).await;
    assert_eq!(plans, ["0|c", "1|a", "1|b"]);
    let joins = [("plan", "plan", "id"), ("referral", "referral", "id")];
    let visits = scanned(&mut session, &scan("visit", &["id", "plan"], &joins, "person")).await;
    assert_eq!(visits, ["0|2|c", "1|1.5|a"]);
}

#[tokio::test]
async fn a_number_is_the_id_it_is_listed_as_whatever_its_type() {
    for kind in ["smallint", "integer", "bigint", "numeric", "numeric(9, 2)", "real", "double precision"] {
        let Some(home) = Home::with(&format!("CREATE TABLE person (id {kind}); INSERT INTO person VALUES (17), (-4)"))
        else {
            return;
        };
        let mut session = opened(&home, &[columns("person", &["id"])]).await;
        let listed = rows(session.list(&table("person"), &strings(&["id"])).await.unwrap().as_mut()).await;
        session.select(&listed).await.unwrap();
        let found = scanned(&mut session, &scan("person", &["id"], &[], "id")).await;
        assert_eq!(found.len(), 2, "{kind}: {listed:?} {found:?}");
    }
}

/// Ways to have no key: two placeholders as `support::scan` names them, and what is blank.
const KEYLESS: &[&str] = &["NULL", "''", "'  '", "E'\\u00a0\\t\\u2003'", "'-1'", "E' -1\\u3000'", "'SSD_PH'"];

#[tokio::test]
async fn a_key_that_is_null_blank_or_a_placeholder_joins_nothing_at_any_step() {
    // Of every pair of tables and of every pair of missing keys: rows of A and of B that would meet by the keys that they lack.
    let mut sql = "CREATE TABLE episode (id text, person text); CREATE TABLE plan (id text, episode text);
         CREATE TABLE review (id text, plan text);
         INSERT INTO episode VALUES ('e1', 'A'), ('e2', 'B');
         INSERT INTO plan VALUES ('p1', 'e1');
         INSERT INTO review VALUES ('good', 'p1');"
        .to_owned();
    for (at, none) in KEYLESS.iter().enumerate() {
        sql += &format!(
            "INSERT INTO episode VALUES ({none}, 'B'), ({none}, 'A'), ('lost{at}', {none});
             INSERT INTO plan VALUES ({none}, 'e1'), ({none}, 'e2'), ('p2{at}', {none}), ('p3{at}', 'lost{at}');
             INSERT INTO review VALUES ('bad', {none}), ('bad', 'p2{at}'), ('bad', 'p3{at}');"
        );
    }
    let Some(home) = Home::with(&sql) else { return };
    let tables = [
        columns("episode", &["id", "person"]),
        columns("plan", &["id", "episode"]),
        columns("review", &["id", "plan"]),
    ];
    let mut session = opened(&home, &tables).await;
    // Nobody should select such children; if somebody does, they have no rows.
    session.select(&strings(&["A", "B", "-1", "", "SSD_PH"])).await.unwrap();
    let joins = [("plan", "plan", "id"), ("episode", "episode", "id")];
    assert_eq!(scanned(&mut session, &scan("review", &["id"], &joins, "person")).await, ["0|good"]);
    let mut plans = scanned(&mut session, &scan("plan", &["episode"], &joins[1..], "person")).await;
    plans.dedup();
    assert_eq!(plans, ["0|e1", "1|e2"]);
}

#[tokio::test]
async fn placeholders_are_only_texts_whatever_they_hold() {
    let hostile = "x'); DROP TABLE t; --";
    let Some(home) = Home::with(
        "CREATE TABLE t (id text);
         INSERT INTO t VALUES ('1'), ('it''s'), (E'\\\\'), ('x''); DROP TABLE t; --')",
    ) else {
        return;
    };
    for conforming in ["on", "off"] {
        home.raw(&format!("ALTER DATABASE {} SET standard_conforming_strings = {conforming}", home.database));
        let mut session = opened(&home, &[columns("t", &["id"])]).await;
        session.select(&strings(&["1", "it's", "\\", hostile])).await.unwrap();
        let mut wanted = scan("t", &["id"], &[], "id");
        wanted.path_to_child.no_key = Vec::new();
        assert_eq!(scanned(&mut session, &wanted).await.len(), 4);
        wanted.path_to_child.no_key = strings(&["it's", "\\", "  ", hostile]);
        assert_eq!(scanned(&mut session, &wanted).await, ["0|1"]);
    }
}

#[tokio::test]
async fn ids_match_whatever_white_space_of_unicode_stands_around_them() {
    let white: Vec<char> = ('\0'..=char::MAX).filter(|c| c.is_whitespace()).collect();
    assert_eq!(white.iter().map(|c| u32::from(*c)).collect::<Vec<_>>(), csc_bridge_sql::name::WHITE_SPACE);
    let mut sql = "CREATE TABLE person (id text); CREATE TABLE plan (id text, person text);".to_owned();
    for (at, space) in white.iter().enumerate() {
        sql += &format!("INSERT INTO person VALUES ('{space}{at} x{space}{space}');");
        sql += &format!("INSERT INTO plan VALUES ('p', '{at} x{space}\n');");
    }
    // Not white space.
    sql += "INSERT INTO person VALUES (chr(8203) || '0 x');";
    let Some(home) = Home::with(&sql) else { return };
    let mut session = opened(&home, &[columns("person", &["id"]), columns("plan", &["id", "person"])]).await;
    session.select(&(0..white.len()).map(|at| format!("{at} x")).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("person", &["id"], &[], "id")).await.len(), white.len());
    let plans = scanned(&mut session, &scan("plan", &["id"], &[("person", "person", "id")], "id")).await;
    assert_eq!(plans.len(), white.len());
}

#[tokio::test]
async fn a_set_replaces_the_set_before_and_may_be_empty() {
    let Some(home) = Home::with(MIXED) else { return };
    let mut session = opened(&home, &[columns("person", &["id"])]).await;
    let wanted = scan("person", &["id"], &[], "id");
    session.select(&strings(&["17", "19"])).await.unwrap();
    assert_eq!(scanned(&mut session, &wanted).await, ["0|17", "1|19"]);
    session.select(&strings(&["19"])).await.unwrap();
    assert_eq!(scanned(&mut session, &wanted).await, ["0|19"]);
    session.select(&[]).await.unwrap();
    assert!(scanned(&mut session, &wanted).await.is_empty());
}

#[tokio::test]
async fn ids_alike_but_for_case_stay_apart_even_under_a_collation_that_folds_case() {
    let Some(home) = Home::new() else { return };
    let folds = "CREATE COLLATION folds (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";
    if home.server.try_psql(&home.database, folds).is_err() {
        return println!("skipped: this PostgreSQL has no ICU");
    }
    home.raw("CREATE TABLE t (id text COLLATE folds, v text); INSERT INTO t VALUES ('ab', 'small'), ('AB', 'large')");
    assert_eq!(home.count("SELECT COUNT(*) FROM t WHERE id = 'AB'"), 2);
    let mut session = opened(&home, &[columns("t", &["id", "v"])]).await;
    session.select(&strings(&["AB"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("t", &["v"], &[], "id")).await, ["0|large"]);
    let joined = scan("t", &["v"], &[("id", "t", "id")], "id");
    assert_eq!(scanned(&mut session, &joined).await, ["0|large"]);
}

#[tokio::test]
async fn a_row_that_reaches_two_children_comes_twice_and_by_two_partners_once() {
    let Some(home) = Home::with(
        "CREATE TABLE family (id text, person text);
         INSERT INTO family VALUES ('f', '1'), ('f', '2'), ('f', '1'), (' f ', '1');
         CREATE TABLE event (id text, family text);
         INSERT INTO event VALUES ('e', 'f');",
    ) else {
        return;
    };
    let mut session = opened(&home, &[columns("family", &["id", "person"]), columns("event", &["id", "family"])]).await;
    session.select(&strings(&["1", "2", "3"])).await.unwrap();
    let events = scanned(&mut session, &scan("event", &["id"], &[("family", "family", "id")], "person")).await;
    assert_eq!(events, ["0|e", "1|e"]);
}

#[tokio::test]
async fn a_scan_of_many_rows_comes_in_batches_and_attests_their_number() {
    let Some(home) = Home::with(
        "CREATE TABLE t (id integer, v text);
         INSERT INTO t SELECT n % 10, lpad(n::text, 300, '0') FROM generate_series(1, 30000) n;",
    ) else {
        return;
    };
    let mut session = opened(&home, &[columns("t", &["id", "v"])]).await;
    session.select(&strings(&["3", "4"])).await.unwrap();
    let mut stream = session.list(&table("t"), &strings(&["v"])).await.unwrap();
    let batches = read_all(stream.as_mut()).await.unwrap();
    assert!(batches.len() > 5);
    assert!(batches.iter().all(|batch| batch.num_rows() <= 8192 && batch.schema() == batches[0].schema()));
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 30000);
    drop(stream);
    assert_eq!(scanned(&mut session, &scan("t", &["v"], &[], "id")).await.len(), 6000);
}

#[tokio::test]
async fn a_stream_that_is_dropped_half_way_leaves_the_session_usable() {
    let Some(home) =
        Home::with("CREATE TABLE t (id integer); INSERT INTO t SELECT n FROM generate_series(1, 200000) n;")
    else {
        return;
    };
    let mut session = opened(&home, &[columns("t", &["id"])]).await;
    for _ in 0..5 {
        let mut stream = session.list(&table("t"), &strings(&["id"])).await.unwrap();
        assert!(matches!(stream.next().await.unwrap(), ScanEvent::Rows(_)));
        drop(stream);
        drop(session.list(&table("t"), &strings(&["id"])).await.unwrap());
        session.select(&strings(&["7"])).await.unwrap();
        assert_eq!(scanned(&mut session, &scan("t", &["id"], &[], "id")).await, ["0|7"]);
    }
}

#[tokio::test]
async fn every_type_that_an_ssd_might_have_is_read() {
    let Some(home) = Home::with(
        "CREATE TYPE colour AS ENUM ('red', 'green'); CREATE DOMAIN postcode AS varchar(8); CREATE DOMAIN day AS date;
         CREATE TABLE t (a smallint, b integer, c bigint, d numeric(12, 3), e real, f double precision, g boolean,
           h text, i varchar(20), j char(5), k name, l uuid, m json, n jsonb, o xml, p date, q timestamp, r timestamptz,
           s colour, t postcode, u day, v time, w interval, x inet, y text[], z money);
         INSERT INTO t VALUES (-1, 2, 3000000000, 12.5, 0.1, 1e300, true,
           'O''Neil 😀', 'v', 'c', 'n', '00112233-4455-6677-8899-aabbccddeeff', '{ \"b\":1,\"a\":2}', '{\"b\":1, \"a\":2}',
           '<a/>', '2026-03-31', '2026-03-31 23:59:59.5', '2026-07-01 23:30:00+00', 'green', 'AB1 2CD', '1970-01-02',
           '12:30', '1 day', '10.0.0.1', '{a,b}', 1.5);
         INSERT INTO t VALUES (DEFAULT);",
    ) else {
        return;
    };
    let all: Vec<String> = ('a'..='z').map(String::from).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let mut session = opened(&home, &[columns("t", &all)]).await;
    let read = rows(session.list(&table("t"), &strings(&all)).await.unwrap().as_mut()).await;
    let wanted = "-1|2|3000000000|12.500|0.1|1e+300|true|O'Neil 😀|v|c    |n|00112233-4455-6677-8899-aabbccddeeff|\
        { \"b\":1,\"a\":2}|{\"a\": 2, \"b\": 1}|<a/>|day 20543|moment 1775001599500000|moment 1782948600000000|green|AB1 2CD|\
        day 1|12:30:00|1 day|10.0.0.1/32|{a,b}|$1.50";
    assert_eq!(read[0], wanted);
    assert_eq!(read[1], vec!["null"; 26].join("|"));
}

#[tokio::test]
async fn days_are_those_of_england_and_what_is_in_no_calendar_is_told_apart() {
    let Some(home) = Home::with(
        "CREATE TABLE t (n integer, day date, plain timestamp, instant timestamptz);
         INSERT INTO t VALUES
           (1, '0001-01-01', '0001-01-01', '0001-01-02 12:00+00'), (2, '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-30 12:00+00'),
           (3, '2026-07-01', '2026-07-01 23:59', '2026-07-01 23:30+00'), (4, '2026-01-01', '2026-01-01', '2026-01-01 23:30+00'),
           (5, 'infinity', 'infinity', 'infinity'), (6, '-infinity', '-infinity', '-infinity'),
           (7, '0001-12-31 BC', '0001-12-31 BC', '0044-03-15 BC'), (8, NULL, NULL, NULL);",
    ) else {
        return;
    };
    let mut session = opened(&home, &[columns("t", &["day", "plain", "instant"])]).await;
    let mut stream = session.list(&table("t"), &strings(&["day", "plain", "instant"])).await.unwrap();
    let batch = read_all(stream.as_mut()).await.unwrap().remove(0);
    let days = |at: usize| -> Vec<String> {
        let column = Column::days(batch.column(at), "x", &[], &[]).unwrap();
        let cell = |row| match column.day(row) {
            DayCell::Day(day) => day.number().to_string(),
            DayCell::Bad => "bad".to_owned(),
            DayCell::None => "none".to_owned(),
        };
        (0..batch.num_rows()).map(cell).collect()
    };
    let same = ["10101", "99991231", "20260701", "20260101", "bad", "bad", "bad", "none"];
    assert_eq!(days(0), same);
    assert_eq!(days(1), same);
    assert_eq!(days(2), ["10102", "99991230", "20260702", "20260101", "bad", "bad", "bad", "none"]);
}

#[tokio::test]
async fn bytes_are_refused_by_the_name_of_table_and_column() {
    let Some(home) = Home::with("CREATE TABLE t (id text, v bytea); INSERT INTO t VALUES ('secret', 'secret');") else {
        return;
    };
    let mut session = opened(&home, &[columns("t", &["id", "v"])]).await;
    let error = session.list(&table("t"), &strings(&["id", "v"])).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Schema);
    assert!(error.message().contains("the column v of t"), "{error}");
}

#[tokio::test]
async fn long_texts_come_whole() {
    let Some(home) = Home::with(
        "CREATE TABLE t (id text, v text); INSERT INTO t SELECT n, repeat('é', 1000000) || n FROM generate_series(1, 5) n",
    ) else {
        return;
    };
    let mut session = opened(&home, &[columns("t", &["id", "v"])]).await;
    let read = rows(session.list(&table("t"), &strings(&["v"])).await.unwrap().as_mut()).await;
    assert!(read.iter().enumerate().all(|(at, text)| text.len() == 2_000_001 && text.ends_with(&(at + 1).to_string())));
}

#[tokio::test]
async fn hostile_names_of_tables_and_columns_are_only_names() {
    let (name, id, value) = ("t\"; DROP TABLE other; --", "the id's \"column\"; x", "a b;'");
    let Some(home) = Home::new() else { return };
    let quote = |name: &str| PostgresDialect::default().quote(name);
    home.raw(&format!(
        "CREATE TABLE other (x text); CREATE TABLE {0} ({1} text, {2} text); INSERT INTO {0} VALUES ('1', 'v')",
        quote(name),
        quote(id),
        quote(value)
    ));
    let mut session = opened(&home, &[columns(name, &[id, value])]).await;
    session.select(&strings(&["1", "'; DROP TABLE other; --"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan(name, &[value], &[(id, name, id)], id)).await, ["0|v"]);
    assert_eq!(home.count("SELECT COUNT(*) FROM other"), 0);
}

#[tokio::test]
async fn a_table_of_the_ssd_may_be_called_as_our_temporary_tables() {
    let Some(home) = Home::with("CREATE TABLE csc_bridge_set (id text); INSERT INTO csc_bridge_set VALUES ('1');")
    else {
        return;
    };
    let mut session = opened(&home, &[columns("csc_bridge_set", &["id"])]).await;
    session.select(&strings(&["2", "1"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("csc_bridge_set", &["id"], &[], "id")).await, ["1|1"]);
}

/// The plan of a scan over three generated tables, with or without the indexes of `SourceWriter::create`, and a set of 200.
async fn planned(indexes: bool, wanted: &csc_bridge_core::source::Scan) -> Option<String> {
    use csc_bridge_core::payload::definition::ColumnType;
    use csc_bridge_core::source::{NewTable, SourceWriter};
    let home = Home::new()?;
    let mut writer = home.writer().await;
    let new = |name: &str, columns: &[&str]| NewTable {
        name: table(name),
        columns: columns.iter().map(|column| ((*column).to_owned(), ColumnType::Id)).collect(),
        indexes: if indexes { strings(columns) } else { Vec::new() },
    };
    let tables = [new("person", &["id"]), new("referral", &["id", "person"]), new("plan", &["id", "referral"])];
    writer.create(&tables).await.unwrap();
    writer.commit().await.unwrap();
    let dialect = PostgresDialect::default();
    let set = [("id", csc_bridge_sql::Store::Text(200)), ("nr", csc_bridge_sql::Store::Integer)];
    Some(home.raw(&format!(
        "INSERT INTO referral SELECT n, n FROM generate_series(1, 200000) n;
         INSERT INTO plan SELECT n, n FROM generate_series(1, 200000) n; ANALYZE;
         {};
         INSERT INTO {set_name} SELECT n, n FROM generate_series(1, 200) n; {};
         EXPLAIN {}",
        dialect.create_temporary(csc_bridge_sql::SET, &set, "id"),
        dialect.analyze_temporary(csc_bridge_sql::SET).unwrap(),
        scan_sql(&dialect, wanted),
        set_name = dialect.temporary(csc_bridge_sql::SET),
    )))
}

#[tokio::test]
async fn generated_tables_are_searched_by_their_indexes() {
    let Some(direct) = planned(true, &scan("referral", &["id"], &[], "person")).await else { return };
    assert!(direct.contains("ix_referral_1"), "{direct}");
    let joined = planned(true, &scan("plan", &["id"], &[("referral", "referral", "id")], "person")).await.unwrap();
    assert!(joined.contains("ix_referral_1"), "{joined}");
    assert!(joined.contains("ix_plan_1"), "{joined}");
}

#[tokio::test]
async fn tables_without_indexes_are_read_once_and_never_once_for_each_child() {
    for wanted in
        [scan("referral", &["id"], &[], "person"), scan("plan", &["id"], &[("referral", "referral", "id")], "person")]
    {
        let Some(plan) = planned(false, &wanted).await else { return };
        assert!(!plan.contains("Nested Loop"), "{plan}");
    }
}
