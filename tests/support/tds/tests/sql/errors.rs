use super::*;

#[tokio::test]
async fn numbers() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch(
        "CREATE TABLE t (id INT NOT NULL, name NVARCHAR(3) UNIQUE, hash BINARY(2)); CREATE UNIQUE INDEX ix_t ON t (id)",
    )
    .await;
    sql.batch("INSERT INTO t (id, name) VALUES (1, N'a')").await;
    let cases = [
        ("SELECT * FROM missing", 208),
        ("SELECT missing FROM t", 207),
        ("SELECT x.id FROM t", 4104),
        ("INSERT INTO t (id, name) VALUES (2, N'A')", 2627),
        ("INSERT INTO t (id, name) VALUES (1, N'b')", 2601),
        ("INSERT INTO t (name) VALUES (N'c')", 515),
        ("INSERT INTO t (id, name) VALUES (3, N'long')", 2628),
        ("INSERT INTO t (id, hash) VALUES (3, 0x010203)", 2628),
        ("INSERT INTO t (id, hash) VALUES (3, N'x')", 257),
        ("SELECT CAST(name AS INT) FROM t", 245),
        ("SELECT CAST(name AS DATETIME2) FROM t", 241),
        ("SELECT CAST('2024-01-01 00:00:00.1234' AS DATETIME)", 241),
        ("SELECT id / 0 FROM t", 8134),
        ("CREATE TABLE t (id INT)", 2714),
        ("CREATE TABLE nowhere.t (id INT)", 2760),
        ("SELECT @missing", 137),
        ("MERGE INTO t USING t AS s ON s.id = t.id WHEN MATCHED THEN DELETE", 40517),
        ("SELECT STRING_AGG(name, ',') FROM t", 40517),
        ("SET ROWCOUNT 5", 40517),
        ("SELECT * FROM t OPTION (RECOMPILE)", 40517),
    ];
    for (text, number) in cases {
        assert_eq!(sql.error(text).await, number, "{text}");
    }
}

#[tokio::test]
async fn logons() {
    let Some(database) = database() else { return };
    let open = async |user: &str, password: &str, name: &str| {
        let login = Login { database: name.to_owned(), ..login(user, password) };
        database.backend.open(&login).await.map(Sql).map_err(|error| error.number)
    };
    let reader = format!("reader_{}", database.name);
    database
        .server
        .psql(&database.name, &format!("CREATE ROLE {reader} LOGIN PASSWORD 'right'; CREATE TABLE t (id integer)"));
    assert_eq!(open("sa", "", "missing").await.err(), Some(4060));
    assert_eq!(open("nobody_there", "", "").await.err(), Some(18456));
    assert_eq!(open(&reader, "wrong", "").await.err(), Some(18456));
    let mut sql = open(&reader, "right", "").await.unwrap_or_else(|number| panic!("{number}"));
    assert_eq!((sql.error("SELECT id FROM t").await, sql.error("CREATE TABLE dbo.x (id INT)").await), (229, 2760));
    assert_eq!(sql.int("SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT')").await, 0);
    sql.batch("CREATE TABLE #x (id INT); INSERT INTO #x (id) VALUES (1)").await;
}

#[tokio::test]
async fn deadlocks() {
    let Some(database) = database() else { return };
    let (mut one, mut other) = (database.open().await, database.open().await);
    one.batch("CREATE TABLE t (id INT, n INT); INSERT INTO t (id, n) VALUES (1, 0), (2, 0); BEGIN TRANSACTION; UPDATE t SET n = 1 WHERE id = 1").await;
    other.batch("BEGIN TRANSACTION; UPDATE t SET n = 1 WHERE id = 2").await;
    let (one, other) = tokio::join!(
        one.try_batch("UPDATE t SET n = 1 WHERE id = 2"),
        other.try_batch("UPDATE t SET n = 1 WHERE id = 1")
    );
    let numbers: Vec<i32> = [one, other]
        .into_iter()
        .filter_map(|ran| if let Err(Failed::Error(error)) = ran { Some(error.number) } else { None })
        .collect();
    // Whoever was not chosen waits for the other's transaction, which its error has ended.
    assert_eq!(numbers, [1205]);
}
