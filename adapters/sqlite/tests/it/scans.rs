use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{ScanEvent, read_all};
use csc_bridge_sql::{Dialect, scan_sql};
use csc_bridge_sqlite::SqliteDialect;

use crate::support::*;

/// Persons with text ids, referrals with integers, plans that reach their referral by padded text.
const MIXED: &str = "
    CREATE TABLE person (id TEXT, born TEXT);
    INSERT INTO person VALUES ('17', '2010-01-02'), (' 18 ', NULL), ('19', '2011-01-01');
    CREATE TABLE referral (id INTEGER, person INTEGER);
    INSERT INTO referral VALUES (1, 17), (2, 17), (3, 18), (4, 19), (5, NULL);
    CREATE TABLE plan (id TEXT, referral TEXT);
    INSERT INTO plan VALUES ('a', '1'), ('b', ' 2'), ('c', '3  '), ('d', '4'), ('e', NULL), ('f', '03');
    CREATE TABLE visit (id REAL, plan TEXT);
    INSERT INTO visit VALUES (1.5, 'a'), (2, 'c'), (3, 'd');";

#[tokio::test]
async fn ids_match_whether_they_are_integers_text_or_padded_text() {
    let home = Home::with(MIXED);
    let tables = [
        columns("person", &["id", "born"]),
        columns("referral", &["id", "person"]),
        columns("plan", &["id", "referral"]),
        columns("visit", &["id", "plan"]),
    ];
    let mut session = opened(&home, &tables).await;
    session.select(&strings(&["18", "17"])).await.unwrap();

    let persons = scanned(&mut session, &scan("person", &["id", "born"], &[], "id")).await;
    assert_eq!(persons, ["0| 18 |null", "1|17|2010-01-02"]);
    let referrals = scanned(&mut session, &scan("referral", &["id"], &[], "person")).await;
    assert_eq!(referrals, ["0|3", "1|1", "1|2"]);
    let plans = scanned(&mut session, &scan("plan", &["id"], &[("referral", "referral", "id")], "person")).await;
    assert_eq!(plans, ["0|c", "1|a", "1|b"]);
    let joins = [("plan", "plan", "id"), ("referral", "referral", "id")];
    let visits = scanned(&mut session, &scan("visit", &["id", "plan"], &joins, "person")).await;
    assert_eq!(visits, ["0|2|c", "1|1.5|a"]);
}

#[tokio::test]
async fn whole_numbers_stored_as_reals_are_the_ids_they_look_like() {
    let home = Home::with(
        "CREATE TABLE person (id REAL); INSERT INTO person VALUES (17), (18.5);
         CREATE TABLE plan (id TEXT, person INTEGER); INSERT INTO plan VALUES ('a', 17), ('b', 18.5);",
    );
    let mut session = opened(&home, &[columns("person", &["id"]), columns("plan", &["id", "person"])]).await;
    let listed = rows(session.list(&table("person"), &strings(&["id"])).await.unwrap().as_mut()).await;
    assert_eq!(listed, ["17", "18.5"]);
    session.select(&listed).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("person", &["id"], &[], "id")).await, ["0|17", "1|18.5"]);
    let plans = scanned(&mut session, &scan("plan", &["id"], &[("person", "person", "id")], "id")).await;
    assert_eq!(plans, ["0|a", "1|b"]);
}

/// Ways to have no key: two placeholders as `support::scan` names them, and what is blank.
const KEYLESS: &[&str] =
    &["NULL", "''", "'  '", "'\u{a0}\t\u{2003}'", "'-1'", "' -1\u{3000}'", "-1", "-1.0", "'SSD_PH'"];

#[tokio::test]
async fn a_key_that_is_null_blank_or_a_placeholder_joins_nothing_at_any_step() {
    // Of every pair of tables and of every pair of missing keys: rows of A and of B that would meet by the keys that they lack.
    let mut sql = "CREATE TABLE episode (id, person); CREATE TABLE plan (id, episode); CREATE TABLE review (id, plan);
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
    let home = Home::with(&sql);
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
    let mut episodes = scanned(&mut session, &scan("episode", &["person"], &[], "person")).await;
    episodes.dedup();
    assert_eq!(episodes, ["0|A", "1|B"]);
}

#[tokio::test]
async fn placeholders_are_only_texts_whatever_they_hold() {
    let hostile = "x'); DROP TABLE t; --";
    let home = Home::new();
    home.raw().execute_batch("CREATE TABLE t (id TEXT); INSERT INTO t VALUES ('1'), ('it''s'), ('\\')").unwrap();
    home.raw().execute("INSERT INTO t VALUES (?1)", [hostile]).unwrap();
    let mut session = opened(&home, &[columns("t", &["id"])]).await;
    session.select(&strings(&["1", "it's", "\\", hostile])).await.unwrap();
    let mut wanted = scan("t", &["id"], &[], "id");
    wanted.path_to_child.no_key = Vec::new();
    assert_eq!(scanned(&mut session, &wanted).await.len(), 4);
    wanted.path_to_child.no_key = strings(&["it's", "\\", "  ", hostile]);
    assert_eq!(scanned(&mut session, &wanted).await, ["0|1"]);
    wanted.path_to_child.no_key = strings(&["\0"]);
    assert_eq!(session.scan(&wanted).await.err().unwrap().kind(), Kind::Config);
}

#[tokio::test]
async fn ids_match_whatever_white_space_of_unicode_stands_around_them() {
    let white: Vec<char> = ('\0'..=char::MAX).filter(|c| c.is_whitespace()).collect();
    assert_eq!(white.iter().map(|c| u32::from(*c)).collect::<Vec<_>>(), csc_bridge_sql::name::WHITE_SPACE);
    let home = Home::with("CREATE TABLE person (id TEXT); CREATE TABLE plan (id TEXT, person TEXT)");
    let raw = home.raw();
    for (at, space) in white.iter().enumerate() {
        raw.execute("INSERT INTO person VALUES (?1)", [format!("{space}{at} x{space}{space}")]).unwrap();
        raw.execute("INSERT INTO plan VALUES ('p', ?1)", [format!("{at} x{space}\n")]).unwrap();
        assert_eq!(csc_bridge_sql::name::trimmed(&format!("{space}\t{at} x{space}")), format!("{at} x"));
    }
    // Neither is white space.
    raw.execute_batch("INSERT INTO person VALUES (char(8203) || '0 x'), ('0 x' || char(0))").unwrap();
    let mut session = opened(&home, &[columns("person", &["id"]), columns("plan", &["id", "person"])]).await;
    session.select(&(0..white.len()).map(|at| format!("{at} x")).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("person", &["id"], &[], "id")).await.len(), white.len());
    let plans = scanned(&mut session, &scan("plan", &["id"], &[("person", "person", "id")], "id")).await;
    assert_eq!(plans.len(), white.len());
}

#[tokio::test]
async fn a_set_replaces_the_set_before_and_may_be_empty() {
    let home = Home::with(MIXED);
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
async fn ids_alike_but_for_case_stay_apart_even_in_a_column_that_folds_case() {
    let home = Home::with(
        "CREATE TABLE t (id TEXT COLLATE NOCASE, v TEXT); INSERT INTO t VALUES ('ab', 'small'), ('AB', 'large');",
    );
    let mut session = opened(&home, &[columns("t", &["id", "v"])]).await;
    session.select(&strings(&["AB"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("t", &["v"], &[], "id")).await, ["0|large"]);
    let joined = scan("t", &["v"], &[("id", "t", "id")], "id");
    assert_eq!(scanned(&mut session, &joined).await, ["0|large"]);
}

#[tokio::test]
async fn a_row_that_reaches_two_children_comes_twice_and_by_two_partners_once() {
    let home = Home::with(
        "CREATE TABLE family (id TEXT, person TEXT);
         INSERT INTO family VALUES ('f', '1'), ('f', '2'), ('f', '1'), (' f ', '1');
         CREATE TABLE event (id TEXT, family TEXT);
         INSERT INTO event VALUES ('e', 'f');",
    );
    let mut session = opened(&home, &[columns("family", &["id", "person"]), columns("event", &["id", "family"])]).await;
    session.select(&strings(&["1", "2", "3"])).await.unwrap();
    let events = scanned(&mut session, &scan("event", &["id"], &[("family", "family", "id")], "person")).await;
    assert_eq!(events, ["0|e", "1|e"]);
}

#[tokio::test]
async fn a_scan_of_many_rows_comes_in_batches_and_attests_their_number() {
    let home = Home::with(
        "CREATE TABLE t (id INTEGER, v TEXT);
         INSERT INTO t SELECT value % 10, printf('%0300d', value) FROM generate_series(1, 30000);"
            .replace("generate_series(1, 30000)", "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 30000) SELECT value FROM n)")
            .as_str(),
    );
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
    let home = Home::with(
        "CREATE TABLE t (id INTEGER);
         INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT 200000) SELECT v FROM n;",
    );
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
async fn a_blob_or_text_that_is_not_utf8_is_a_data_error_that_names_table_and_column_only() {
    for value in ["x'41'", "CAST(x'ff41' AS TEXT)"] {
        let home = Home::with(&format!("CREATE TABLE t (id TEXT, v TEXT); INSERT INTO t VALUES ('secret', {value});"));
        let mut session = opened(&home, &[columns("t", &["id", "v"])]).await;
        let error =
            read_all(session.list(&table("t"), &strings(&["id", "v"])).await.unwrap().as_mut()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(error.message().contains("the column v of t"), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[tokio::test]
async fn a_session_sees_one_moment_while_others_write() {
    let home = Home::with("PRAGMA journal_mode = WAL; CREATE TABLE t (id TEXT); INSERT INTO t VALUES ('1');");
    let mut session = opened(&home, &[columns("t", &["id"])]).await;
    home.raw().execute_batch("DELETE FROM t; INSERT INTO t VALUES ('2'), ('3')").unwrap();
    let listed = rows(session.list(&table("t"), &strings(&["id"])).await.unwrap().as_mut()).await;
    assert_eq!(listed, ["1"]);
    session.select(&strings(&["1", "2"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("t", &["id"], &[], "id")).await, ["0|1"]);
}

#[tokio::test]
async fn hostile_names_of_tables_and_columns_are_only_names() {
    let (name, id, value) = ("t\"; DROP TABLE other; --", "the id's \"column\"; x", "a b;'");
    let home = Home::new();
    let quote = |name: &str| SqliteDialect.quote(name);
    home.raw()
        .execute_batch(&format!(
            "CREATE TABLE other (x); CREATE TABLE {0} ({1} TEXT, {2} TEXT); INSERT INTO {0} VALUES ('1', 'v')",
            quote(name),
            quote(id),
            quote(value)
        ))
        .unwrap();
    let mut session = opened(&home, &[columns(name, &[id, value])]).await;
    session.select(&strings(&["1", "'; DROP TABLE other; --"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan(name, &[value], &[(id, name, id)], id)).await, ["0|v"]);
    assert_eq!(home.count("SELECT COUNT(*) FROM other"), 0);
}

#[tokio::test]
async fn a_table_of_the_ssd_may_be_called_as_our_temporary_tables() {
    let home = Home::with("CREATE TABLE csc_bridge_set (id TEXT); INSERT INTO csc_bridge_set VALUES ('1');");
    let mut session = opened(&home, &[columns("csc_bridge_set", &["id"])]).await;
    session.select(&strings(&["2", "1"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("csc_bridge_set", &["id"], &[], "id")).await, ["1|1"]);
}

fn plan(connection: &rusqlite::Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
    steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
}

/// A database of three generated tables, with or without the indexes of `SourceWriter::create`, and a set of 5000.
async fn planned(indexes: bool, wanted: &csc_bridge_core::source::Scan) -> String {
    use csc_bridge_core::payload::definition::ColumnType;
    use csc_bridge_core::source::{NewTable, SourceWriter};
    let home = Home::new();
    let mut writer = home.writer().await;
    let new = |name: &str, columns: &[&str]| NewTable {
        name: table(name),
        columns: columns.iter().map(|column| ((*column).to_owned(), ColumnType::Id)).collect(),
        indexes: if indexes { strings(columns) } else { Vec::new() },
    };
    let tables = [new("person", &["id"]), new("referral", &["id", "person"]), new("plan", &["id", "referral"])];
    writer.create(&tables).await.unwrap();
    writer.commit().await.unwrap();
    let raw = home.raw();
    let set = [("id", csc_bridge_sql::Store::Text(200)), ("nr", csc_bridge_sql::Store::Integer)];
    raw.execute_batch(&SqliteDialect.create_temporary(csc_bridge_sql::SET, &set, "id")).unwrap();
    raw.execute_batch(
        "INSERT INTO temp.csc_bridge_set WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT 5000) SELECT v, v FROM n;
         ANALYZE temp.csc_bridge_set;",
    )
    .unwrap();
    plan(&raw, &scan_sql(&SqliteDialect, wanted))
}

#[tokio::test]
async fn generated_tables_are_searched_by_their_indexes() {
    let direct = planned(true, &scan("referral", &["id"], &[], "person")).await;
    assert!(direct.contains("SEARCH t USING INDEX ix_referral_1"), "{direct}");
    let joined = planned(true, &scan("plan", &["id"], &[("referral", "referral", "id")], "person")).await;
    assert!(joined.contains("SEARCH e USING INDEX ix_referral_1"), "{joined}");
    assert!(joined.contains("SEARCH t USING INDEX ix_plan_1"), "{joined}");
}

#[tokio::test]
async fn tables_without_indexes_are_read_once_and_never_once_for_each_child() {
    for wanted in [
        scan("referral", &["id"], &[], "person"),
        scan("plan", &["id"], &[("referral", "referral", "id")], "person"),
        scan("plan", &["id"], &[("referral", "referral", "id"), ("person", "person", "id")], "id"),
    ] {
        let plan = planned(false, &wanted).await;
        // In each query the table is the outer loop, and the set or step before it the inner, searched one.
        for (table, partner) in [("SCAN t", "SEARCH c"), ("SCAN e", "SEARCH c")] {
            if let Some(at) = plan.find(table) {
                assert!(plan[at..].contains(partner), "{plan}");
            }
        }
        assert!(!plan.contains("SCAN c"), "{plan}");
    }
}
