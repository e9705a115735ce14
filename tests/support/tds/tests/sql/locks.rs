use super::*;

#[tokio::test]
async fn locked_rows_are_skipped() {
    let Some(database) = database() else { return };
    let (mut one, mut other) = (database.open().await, database.open().await);
    one.batch("CREATE TABLE t (id INT, person NVARCHAR(48)); INSERT INTO t (id, person) VALUES (1, 'a'), (2, 'b')")
        .await;
    one.batch(
        "CREATE TABLE #s (id NVARCHAR(200) COLLATE Latin1_General_BIN2); INSERT INTO #s (id) VALUES ('a'), ('c')",
    )
    .await;
    one.batch("BEGIN TRANSACTION").await;
    let held = "SELECT t.id FROM [dbo].[t] t WITH (ROWLOCK, READPAST, UPDLOCK) JOIN #s c ON c.id = LTRIM(RTRIM(t.person)) COLLATE Latin1_General_BIN2";
    assert_eq!(one.batch(held).await.rows, [[Value::Integer(1)]]);
    other.batch("SET LOCK_TIMEOUT 100; BEGIN TRANSACTION").await;
    let free = "SELECT t.id FROM t WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK) ORDER BY t.id";
    assert_eq!(other.batch(free).await.rows, [[Value::Integer(2)]]);
    assert_eq!(other.error("SELECT t.id FROM t WITH (UPDLOCK) WHERE t.id = 1").await, 1222);
    other.batch("ROLLBACK; BEGIN TRANSACTION").await;
    assert_eq!(other.error("SELECT TOP (0) * FROM t WITH (TABLOCKX, HOLDLOCK)").await, 1222);
    other.batch("ROLLBACK").await;
    one.batch("COMMIT; BEGIN TRANSACTION; SELECT TOP (0) * FROM t WITH (TABLOCK, HOLDLOCK)").await;
    assert_eq!((other.int("SELECT COUNT(*) FROM t").await, other.error("UPDATE t SET id = id").await), (2, 1222));
    drop(one);
    other.batch("SET LOCK_TIMEOUT 10000; UPDATE t SET id = id").await;
}

#[tokio::test]
async fn application_locks() {
    let Some(database) = database() else { return };
    let (mut one, mut other) = (database.open().await, database.open().await);
    let take = "DECLARE @r INT; EXEC @r = sp_getapplock @Resource = N'stage', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 50; SELECT @r";
    assert_eq!((one.int(take).await, other.int(take).await), (0, -1));
    assert_eq!(one.batch("EXEC sp_releaseapplock @Resource = N'stage', @LockOwner = 'Session'").await.returned, [0]);
    assert_eq!(other.int(take).await, 0);
    assert_eq!(one.error("EXEC sp_releaseapplock @Resource = N'stage', @LockOwner = 'Session'").await, 1223);
    drop(other);
    let waits = "EXEC sp_getapplock @Resource = N'stage', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 10000";
    assert!([0, 1].contains(&one.batch(waits).await.returned[0]));
    assert_eq!(one.error("EXEC sp_who").await, 2812);
    let params = [("@Resource", text("x")), ("@LockMode", text("Exclusive")), ("@LockOwner", text("Session"))];
    let params = params.map(|(name, value)| Param {
        name: name.to_owned(),
        kind: Type::NVarChar(Some(255)),
        value,
        output: false,
    });
    let mut collected = Collected::default();
    one.0
        .run(Request::Procedure { name: "sp_getapplock".to_owned(), params: params.to_vec() }, &mut collected)
        .await
        .unwrap();
    assert_eq!(collected.returned, [0]);
}
