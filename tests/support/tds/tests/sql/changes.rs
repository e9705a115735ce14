use super::*;

#[tokio::test]
async fn changes_and_definitions() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch("CREATE SCHEMA ssd; CREATE TABLE [ssd].[t] (id INT NOT NULL, name NVARCHAR(20) NULL, CONSTRAINT PK_t PRIMARY KEY (id))").await;
    sql.batch("CREATE TABLE #csc_bridge_set (id NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY, number BIGINT)").await;
    let done =
        sql.batch("INSERT INTO [ssd].[t] (id, name) VALUES (1, N'a'), (2, N'b'), (3, NULL); SELECT @@ROWCOUNT").await;
    assert_eq!((done.done[0], &done.rows[0]), (Some(3), &vec![Value::Integer(3)]));
    sql.batch("INSERT INTO #csc_bridge_set (id, number) SELECT t.id, t.id + 10 FROM ssd.t AS t WHERE t.id < 3").await;
    let update = "UPDATE t SET name = t.name + N'!', t.id = t.id FROM [ssd].[t] AS t JOIN #csc_bridge_set s ON s.id = CAST(t.id AS NVARCHAR(20)) \
                  JOIN #csc_bridge_set x ON x.number = s.number WHERE x.number = 12";
    assert_eq!(sql.batch(update).await.done, [Some(1)]);
    assert_eq!(sql.one("SELECT name FROM ssd.t WHERE id = 2").await, (Type::NVarChar(Some(20)), text("b!")));
    let again =
        "INSERT INTO ssd.t (id, name) SELECT 4, N'd' WHERE NOT EXISTS (SELECT 1 FROM ssd.t AS x WHERE x.id = 4)";
    assert_eq!((sql.batch(again).await.done, sql.batch(again).await.done), (vec![Some(1)], vec![Some(0)]));
    assert_eq!(
        sql.batch("DELETE t FROM ssd.t AS t JOIN #csc_bridge_set s ON s.number = t.id + 10 WHERE s.number = 11")
            .await
            .done,
        [Some(1)]
    );
    assert_eq!(sql.batch("DELETE FROM [ssd].[t] WHERE [ssd].[t].id = 4 AND EXISTS (SELECT 1 FROM [ssd].[t] l WHERE l.id < [ssd].[t].id)").await.done, [Some(1)]);
    sql.batch("ALTER TABLE [ssd].[t] ADD [mentioned] NVARCHAR(MAX) NULL; UPDATE [ssd].[t] SET mentioned = mentioned WHERE 1 = 0").await;
    sql.batch("CREATE UNIQUE INDEX [ix_t] ON [ssd].[t] ([name]) INCLUDE ([mentioned]) WHERE name IS NOT NULL").await;
    sql.batch("ALTER TABLE [ssd].[t] ADD [key] AS (LTRIM(RTRIM(CAST([name] AS NVARCHAR(20)))) COLLATE Latin1_General_BIN2) PERSISTED; CREATE INDEX [ix_key] ON [ssd].[t] ([key])").await;
    assert_eq!(sql.one("SELECT [key] FROM ssd.t WHERE id = 2").await, (Type::NVarChar(Some(20)), text("b!")));
    let given = [(Type::NVarChar(Some(4000)), Value::Null), (Type::Int, Value::Integer(3))];
    sql.text("UPDATE ssd.t SET name = @P1 WHERE id = @P2", &given).await;

    sql.batch("CREATE TABLE #b ([id] NVARCHAR(200) COLLATE Latin1_General_BIN2 PRIMARY KEY, h VARBINARY(32), n INT); TRUNCATE TABLE #b").await;
    sql.batch("INSERT BULK #b ([id] nvarchar(200), [h] varbinary(32), [n] int) WITH (TABLOCK)").await;
    let column = |name: &str, kind| Column { name: name.to_owned(), kind, nullable: true };
    let columns =
        vec![column("id", Type::NVarChar(Some(200))), column("h", Type::VarBinary(Some(32))), column("n", Type::Int)];
    let rows = vec![
        vec![text("a\tb\\\n"), Value::Bytes(vec![0, 255]), Value::Integer(1)],
        vec![text("é"), Value::Null, Value::Null],
    ];
    let mut collected = Collected::default();
    sql.0.run(Request::Bulk { columns, rows: rows.clone() }, &mut collected).await.unwrap();
    assert_eq!(collected.done, [Some(2)]);
    assert_eq!(sql.batch("SELECT * FROM #b ORDER BY id").await.rows, rows);
    sql.batch("DROP TABLE #b; DROP TABLE IF EXISTS #b").await;
    assert_eq!(sql.error("SELECT * FROM #b").await, 208);
    sql.0.reset().await.unwrap();
    assert_eq!(sql.error("SELECT * FROM #csc_bridge_set").await, 208);
}

#[tokio::test]
async fn transactions() {
    let Some(database) = database() else { return };
    let (mut sql, mut other) = (database.open().await, database.open().await);
    sql.batch("CREATE TABLE t (id INT)").await;
    sql.batch("SET NOCOUNT OFF; SET XACT_ABORT ON; SET LOCK_TIMEOUT 1000; SET DEADLOCK_PRIORITY LOW; SET ANSI_NULLS, QUOTED_IDENTIFIER ON").await;
    sql.batch("BEGIN TRANSACTION; INSERT INTO t (id) VALUES (1)").await;
    assert_eq!(sql.int("SELECT @@TRANCOUNT").await, 1);
    sql.batch("IF @@TRANCOUNT > 0 ROLLBACK; IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION").await;
    assert_eq!(
        (sql.int("SELECT COUNT(*) FROM t").await, sql.error("COMMIT").await, sql.error("ROLLBACK").await),
        (0, 3902, 3903)
    );
    sql.batch("BEGIN TRANSACTION; INSERT INTO t (id) VALUES (1); COMMIT TRANSACTION").await;
    sql.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION").await;
    assert_eq!(sql.int("SELECT COUNT(*) FROM t").await, 1);
    other.batch("INSERT INTO t (id) VALUES (2); UPDATE t SET id = id").await;
    assert_eq!(sql.int("SELECT COUNT(*) FROM t").await, 1);
    assert_eq!((sql.error("UPDATE t SET id = 5").await, sql.int("SELECT @@TRANCOUNT").await), (3960, 0));
    other.batch("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF").await;
    assert_eq!(other.int("SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()").await, 0);
    assert_eq!(sql.error("SELECT COUNT(*) FROM t").await, 3952);
    // Without XACT_ABORT the transaction is doomed until it is rolled back.
    other.batch("BEGIN TRANSACTION").await;
    assert_eq!((other.error("SELECT 1 / 0 FROM t").await, other.error("COMMIT").await), (8134, 3930));
    other.batch("ROLLBACK").await;
}
