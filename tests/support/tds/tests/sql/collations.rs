use super::*;

/// A table with a column of the database's collation, and one that compares exactly.
async fn two_collations(database: &Database) -> Sql {
    let mut sql = database.open().await;
    sql.batch("CREATE TABLE t (id INT, f NVARCHAR(20), e NVARCHAR(20) COLLATE Latin1_General_BIN2, n VARCHAR(20))")
        .await;
    sql.batch("INSERT INTO t (id, f, e, n) VALUES (1, N'A', N'A', 'a'), (2, N'B', N'b', 'b')").await;
    sql
}

#[tokio::test]
async fn what_two_collations_refuse() {
    let Some(database) = database() else { return };
    let mut sql = two_collations(&database).await;
    let cases = [
        ("SELECT id FROM t WHERE f = e", 468),
        ("SELECT id FROM t WHERE LTRIM(RTRIM(f)) <> e", 468),
        ("SELECT x.id FROM t x JOIN t y ON x.f = y.e", 468),
        ("SELECT id FROM t WHERE CAST(f AS NVARCHAR(MAX)) = e", 468),
        ("SELECT id FROM t WHERE f LIKE e", 468),
        ("SELECT id FROM t WHERE f IN (N'x', e)", 468),
        ("SELECT id FROM t WHERE f IN (SELECT e FROM t)", 468),
        ("SELECT id FROM t WHERE f = (SELECT TOP 1 e FROM t)", 468),
        ("SELECT id FROM t WHERE f BETWEEN N'a' AND e", 468),
        ("SELECT PATINDEX(f, e) FROM t", 468),
        ("SELECT CHARINDEX(f, e) FROM t", 468),
        ("SELECT REPLACE(f, N'x', e) FROM t", 468),
        ("SELECT NULLIF(f, e) FROM t", 468),
        ("SELECT CASE f WHEN e THEN 1 END FROM t", 468),
        ("SELECT f FROM t UNION SELECT e FROM t", 468),
        ("SELECT f FROM t EXCEPT SELECT e FROM t", 468),
        ("SELECT 1 FROM t WHERE EXISTS (SELECT t.f INTERSECT SELECT t.e)", 468),
        ("SELECT id FROM t WHERE f COLLATE DATABASE_DEFAULT = e COLLATE Latin1_General_BIN2", 468),
        ("SELECT f + N'' COLLATE DATABASE_DEFAULT + e COLLATE Latin1_General_BIN2 FROM t", 468),
        ("SELECT f FROM t UNION ALL SELECT e FROM t", 451),
        ("SELECT f + e FROM t", 451),
        ("SELECT id, CASE WHEN id = 1 THEN f ELSE e END FROM t", 451),
        ("SELECT COALESCE(f, e) FROM t", 451),
        ("SELECT ISNULL(f, e) FROM t", 451),
        ("SELECT id FROM t ORDER BY COALESCE(f, e)", 451),
        ("SELECT id FROM t WHERE COALESCE(f, e) = N'x'", 457),
        ("SELECT id FROM t WHERE LEN(f + e) > 1", 457),
        ("SELECT MAX(CASE WHEN id = 1 THEN f ELSE e END) FROM t", 457),
        ("UPDATE t SET f = CASE WHEN id = 1 THEN f ELSE e END", 457),
        ("INSERT INTO t (f) SELECT COALESCE(f, e) FROM t", 457),
    ];
    for (query, number) in cases {
        assert_eq!(sql.error(query).await, number, "{query}");
    }
}

#[tokio::test]
async fn what_two_collations_bear() {
    let Some(database) = database() else { return };
    let mut sql = two_collations(&database).await;
    let cases = [
        ("SELECT COUNT(*) FROM t WHERE f COLLATE Latin1_General_BIN2 = e", 1),
        ("SELECT COUNT(*) FROM t WHERE f = e COLLATE DATABASE_DEFAULT", 2),
        ("SELECT COUNT(*) FROM t WHERE CASE WHEN id = 1 THEN f ELSE e COLLATE DATABASE_DEFAULT END = N'B'", 1),
        ("SELECT COUNT(*) FROM t WHERE COALESCE(f, e) COLLATE Latin1_General_BIN2 = N'a'", 0),
        ("SELECT COUNT(*) FROM t WHERE COALESCE(f, e) = N'A' COLLATE Latin1_General_BIN2", 1),
        ("SELECT COUNT(*) FROM t WHERE COALESCE(f, e) IS NOT NULL", 2),
        ("SELECT COUNT(*) FROM t WHERE f = n", 2),
        ("SELECT COUNT(*) FROM t WHERE e = N'B'", 0),
        ("SELECT COUNT(*) FROM t WHERE f = N'b'", 1),
        ("SELECT COUNT(*) FROM t WHERE e LIKE N'B%'", 0),
        ("SELECT COUNT(*) FROM t WHERE f LIKE N'b%'", 1),
        // A constant has the database's collation; a parenthesis changes nothing.
        ("SELECT COUNT(*) FROM t WHERE N'x' = (N'X') AND id = 1", 1),
        ("SELECT COUNT(*) FROM t WHERE N'x' IN (N'y', N'X') AND id = 1", 1),
        ("SELECT COUNT(*) FROM (VALUES (N'a'), (N'b')) v (x) JOIN t ON t.e = v.x", 1),
        ("SELECT COUNT(*) FROM (SELECT f COLLATE Latin1_General_BIN2 AS x FROM t) v JOIN t ON t.e = v.x", 1),
    ];
    for (query, count) in cases {
        assert_eq!(sql.int(query).await, count, "{query}");
    }
    // Another collation's column takes the value.
    assert_eq!(sql.batch("UPDATE t SET f = e, e = f").await.done, [Some(2)]);
    assert_eq!(sql.batch("INSERT INTO t (e) SELECT f FROM t").await.done, [Some(2)]);
    let given = [(Type::NVarChar(Some(4000)), text("B"))];
    assert_eq!(sql.text("SELECT id FROM t WHERE e = @P1 ORDER BY id", &given).await.rows[0], [Value::Integer(2)]);
    sql.batch("CREATE TABLE #x (a NVARCHAR(5) COLLATE DATABASE_DEFAULT, b NVARCHAR(5)); INSERT INTO #x (a, b) VALUES (N'x', N'X')").await;
    assert_eq!(sql.int("SELECT COUNT(*) FROM #x WHERE a = b").await, 1);
}
