use super::*;

#[tokio::test]
async fn a_join_hint_changes_no_answer() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch("CREATE TABLE t (id BIGINT, person NVARCHAR(48), loop NVARCHAR(40)); INSERT INTO t (id, person) VALUES (1, N'a'), (2, N'b'), (3, N'c')").await;
    sql.batch("CREATE TABLE #k (row_id BIGINT PRIMARY KEY, person NVARCHAR(48)); INSERT INTO #k (row_id, person) VALUES (1, N'a'), (3, N'x')").await;
    sql.batch("BEGIN TRANSACTION").await;
    let held = "SELECT t.id FROM #k k INNER LOOP JOIN [t] AS t WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK) ON t.id = k.row_id JOIN #k c ON c.person = t.person";
    assert_eq!(sql.batch(held).await.rows, [[Value::Integer(1)]]);
    let update =
        "UPDATE t SET loop = o.person + N' INNER LOOP JOIN ' FROM #k o INNER LOOP JOIN \"t\" AS t ON t.id = o.row_id";
    assert_eq!(sql.batch(update).await.done, [Some(2)]);
    sql.batch("COMMIT").await;
    assert_eq!(sql.one("SELECT loop FROM t WHERE id = 3").await.1, text("x INNER LOOP JOIN "));
    assert_eq!(
        sql.int("SELECT COUNT(*) FROM t LEFT OUTER HASH JOIN #k k /* INNER LOOP JOIN */ ON k.row_id = t.id").await,
        3
    );
    sql.batch("CREATE TABLE [inner] (id INT); CREATE TABLE [loop] (id INT)").await;
    assert_eq!(sql.int("SELECT COUNT(*) FROM [inner] [loop] JOIN [loop] AS x ON x.id = [loop].id").await, 0);
}

#[tokio::test]
async fn columns_go_and_checks_come() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch("CREATE TABLE t (id INT, person NVARCHAR(48), born DATE); ALTER TABLE t DROP COLUMN [Born]").await;
    assert_eq!((sql.error("SELECT born FROM t").await, sql.error("ALTER TABLE t DROP COLUMN born").await), (207, 4924));
    sql.batch("INSERT INTO t (id, person) VALUES (1, N'P1')").await;
    assert_eq!(sql.error("ALTER TABLE t ADD CONSTRAINT refused CHECK (person <> N'p1')").await, 547);
    sql.batch("ALTER TABLE t ADD CONSTRAINT refused CHECK ([person] <> N'P3701')").await;
    let (Err(Failed::Error(insert)), Err(Failed::Error(update))) = (
        sql.try_batch("INSERT INTO t (id, person) VALUES (2, N'P3701')").await,
        sql.try_batch("UPDATE t SET person = N'p3701'").await,
    ) else {
        panic!("a check that lets through what it is there for")
    };
    assert_eq!((insert.number, update.number), (547, 547));
    assert!(insert.message.starts_with("The INSERT statement conflicted with the CHECK constraint \"refused\"."));
    assert!(update.message.starts_with("The UPDATE statement conflicted"), "{}", update.message);
    sql.batch("INSERT INTO t (id, person) VALUES (2, NULL)").await;
}

#[tokio::test]
async fn a_view_reads_like_its_table() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch("CREATE TABLE person (id NVARCHAR(48) NOT NULL, code VARCHAR(5) COLLATE Latin1_General_BIN2, born DATETIME, flag BIT, n DECIMAL(9,2), doc NVARCHAR(MAX))").await;
    sql.batch("INSERT INTO person (id, code, born, flag, n) VALUES (N'a', 'Ab', '2024-01-02', 1, 1.5)").await;
    sql.batch("CREATE VIEW [person_view] AS SELECT born, id, code, flag, n, doc AS document FROM person").await;
    let (over, of) = (
        sql.batch("SELECT id, code, born, flag, n, document FROM person_view").await,
        sql.batch("SELECT id, code, born, flag, n, doc AS document FROM person").await,
    );
    let kinds = |answer: &Collected| answer.columns[0].iter().map(|column| column.kind).collect::<Vec<Type>>();
    assert_eq!((kinds(&over), &over.rows), (kinds(&of), &of.rows));
    assert_eq!(sql.int("SELECT COUNT(*) FROM person_view WHERE code = 'ab'").await, 0);
    assert_eq!(sql.int("SELECT COUNT(*) FROM person_view WHERE id = N'A'").await, 1);
    assert_eq!(sql.one("SELECT o.type FROM sys.objects o WHERE o.name = N'person_view'").await.1, text("V "));
    assert_eq!(sql.int("SELECT COUNT(*) FROM sys.tables o WHERE o.name = N'person_view'").await, 0);
    assert_eq!(sql.int("SELECT CASE WHEN OBJECT_ID('dbo.person_view', 'V') IS NULL THEN 0 ELSE 1 END").await, 1);
    assert_eq!(
        (
            sql.error("CREATE VIEW person_view AS SELECT id FROM person").await,
            sql.error("CREATE VIEW v AS SELECT 1 FROM person").await
        ),
        (2714, 4511)
    );
}

/// Every letter has a case, not only those of ASCII.
#[tokio::test]
async fn names_in_any_script_are_found_in_any_case() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch("CREATE TABLE \"Übergänge\" (\"Größe\" INT, \"ÉTAT\" NVARCHAR(5)); INSERT INTO \"Übergänge\" (\"Größe\", \"état\") VALUES (1, N'x')").await;
    assert_eq!(sql.int("SELECT ü.\"GRÖßE\" FROM [übergänge] AS Ü").await, 1);
    assert_eq!(sql.int("SELECT COUNT(*) FROM [ÜBERGÄNGE] WHERE [übergänge].[État] = N'X'").await, 1);
    assert_eq!(sql.int("SELECT COL_LENGTH('dbo.übergänge', 'État')").await, 10);
    // The exact name comes first, and an accent is no case.
    sql.batch("CREATE TABLE \"übergänge\" (id INT); CREATE TABLE [Ubergange] (id INT)").await;
    assert_eq!(sql.int("SELECT COUNT(*) FROM [Übergänge]").await, 1);
    assert_eq!(sql.int("SELECT COUNT(*) FROM [übergänge]").await, 0);
    assert_eq!(sql.error("SELECT 1 FROM [Übergange]").await, 208);
    sql.batch("CREATE SCHEMA [Straße]; CREATE TABLE [Straße].[Я] (id INT); INSERT INTO [STRAßE].[я] (id) VALUES (1)")
        .await;
    assert_eq!(sql.int("SELECT HAS_PERMS_BY_NAME('[straße].[я]', 'OBJECT', 'SELECT')").await, 1);
}
