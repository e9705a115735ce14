use super::*;

/// Expressions with the values and types that SQL Server has for them.
#[tokio::test]
async fn expressions() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    let cases = [
        ("SELECT N'a' + N'b'", Type::NVarChar(Some(2)), text("ab")),
        ("SELECT 1 + 2", Type::Int, Value::Integer(3)),
        ("SELECT LTRIM(RTRIM(CAST(N' x ' AS NVARCHAR(200))))", Type::NVarChar(Some(200)), text("x")),
        (
            "SELECT CONVERT(VARCHAR(27), CAST('2024-05-06 07:08:09.1234567' AS DATETIME2(7)), 121)",
            Type::VarChar(Some(27)),
            text("2024-05-06 07:08:09.1234570"),
        ),
        (
            "SELECT CONVERT(NVARCHAR(30), CAST('2024-05-06T07:08:09.123' AS DATETIME), 126)",
            Type::NVarChar(Some(30)),
            text("2024-05-06T07:08:09.123"),
        ),
        ("SELECT CONVERT(VARCHAR(10), CAST('2024-05-06' AS DATE), 23)", Type::VarChar(Some(10)), text("2024-05-06")),
        ("SELECT DATEDIFF(second, '2024-01-01', '2024-01-01 00:01:00')", Type::Int, Value::Integer(60)),
        ("SELECT CAST(DATEADD(day, 19723, '19700101') AS DATE)", Type::Date, Value::Date(738_885)),
        ("SELECT LEN(N'ab  ')", Type::Int, Value::Integer(2)),
        ("SELECT DATALENGTH(N'ab ')", Type::Int, Value::Integer(6)),
        ("SELECT SUBSTRING(N'abcdef', 2, 3)", Type::NVarChar(Some(6)), text("bcd")),
        ("SELECT REPLACE(N'aXbx', N'x', N'.')", Type::NVarChar(Some(4000)), text("a.b.")),
        ("SELECT REPLACE(N'aXbx' COLLATE Latin1_General_BIN2, N'x', N'.')", Type::NVarChar(Some(4000)), text("aXb.")),
        ("SELECT PATINDEX(N'%[^ ' + NCHAR(9) + N']%', N'  x')", Type::Int, Value::Integer(3)),
        ("SELECT PATINDEX(N'%[^ab]%', N'abAc')", Type::Int, Value::Integer(4)),
        ("SELECT PATINDEX(N'%[^ab]%', N'abAc' COLLATE Latin1_General_BIN2)", Type::Int, Value::Integer(3)),
        ("SELECT PATINDEX(N'%[^ab]%', N'abba' COLLATE Latin1_General_BIN2)", Type::Int, Value::Integer(0)),
        ("SELECT PATINDEX(N'%[^a-c]%', N'-x' COLLATE Latin1_General_BIN2)", Type::Int, Value::Integer(1)),
        ("SELECT CHARINDEX('b', 'abc')", Type::Int, Value::Integer(2)),
        ("SELECT ISNULL(NULL, 5)", Type::Int, Value::Integer(5)),
        ("SELECT COALESCE(NULL, N'x')", Type::NVarChar(Some(1)), text("x")),
        ("SELECT CASE WHEN 1 = 1 THEN CAST(7 AS BIGINT) ELSE 0 END", Type::BigInt, Value::Integer(7)),
        ("SELECT 0x0AFF", Type::VarBinary(Some(2)), Value::Bytes(vec![10, 255])),
        ("SELECT CONVERT(VARBINARY(MAX), N'aé')", Type::VarBinary(None), Value::Bytes(vec![0x61, 0, 0xe9, 0])),
        ("SELECT CONVERT(VARCHAR(64), 0x0AFF, 2)", Type::VarChar(Some(64)), text("0AFF")),
        ("SELECT CAST(12.345 AS DECIMAL(10,2))", Type::Decimal { precision: 10, scale: 2 }, Value::Decimal(1235)),
        ("SELECT CAST(1.5 AS FLOAT)", Type::Float, Value::Float(1.5)),
        ("SELECT CAST(1 AS BIT)", Type::Bit, Value::Bit(true)),
        ("SELECT @@TRANCOUNT", Type::Int, Value::Integer(0)),
        ("SELECT CASE WHEN N'a ' = N'a' THEN 1 ELSE 0 END", Type::Int, Value::Integer(1)),
        ("SELECT CASE WHEN EXISTS (SELECT NULL INTERSECT SELECT NULL) THEN 1 ELSE 0 END", Type::Int, Value::Integer(1)),
        ("SELECT TOP (1) v.x FROM (VALUES (1), (NULL), (3)) AS v (x) ORDER BY v.x DESC", Type::Int, Value::Integer(3)),
        ("SELECT COUNT(*) FROM (VALUES (N'x'), (N'y')) v (x) WHERE v.x IN (N'x', N'z')", Type::Int, Value::Integer(1)),
        ("SELECT SERVERPROPERTY('ProductVersion')", Type::NVarChar(Some(128)), text("15.0.4430.1")),
        ("WITH a AS (SELECT 1 AS n), b (m) AS (SELECT n + 1 FROM a) SELECT m FROM b", Type::Int, Value::Integer(2)),
    ];
    for (query, kind, value) in cases {
        assert_eq!(sql.one(query).await, (kind, value), "{query}");
    }
    for query in ["SELECT SYSUTCDATETIME()", "SELECT GETDATE()", "SELECT DATEADD(millisecond, -1500, SYSUTCDATETIME())"]
    {
        assert!(matches!(sql.one(query).await.1, Value::Moment { .. }), "{query}");
    }
    let given = [(Type::NVarChar(Some(4000)), text("x")), (Type::BigInt, Value::Integer(5))];
    let answer = sql.text("SELECT @P1 AS a, @P2 AS b, @P1", &given).await;
    assert_eq!(answer.rows, [[text("x"), Value::Integer(5), text("x")]]);
}

#[tokio::test]
async fn tables_keep_their_declared_types() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch(
        "CREATE TABLE [dbo].[Child] ([Id] BIGINT IDENTITY(1,1) PRIMARY KEY, [Name] NVARCHAR(48) NOT NULL UNIQUE, code VARCHAR(10) COLLATE Latin1_General_BIN2, \
         pad NCHAR(4), born DATETIME, seen DATETIME2(3) DEFAULT SYSUTCDATETIME(), hash BINARY(2), doc NVARCHAR(MAX), flag BIT, n DECIMAL(9,2), \
         status NVARCHAR(50) DEFAULT 'pending')",
    )
    .await;
    sql.batch("INSERT INTO dbo.child (name, CODE, pad, born, hash, doc, flag, n) VALUES (N'Ann', 'Ab', N'x', '2024-01-02', 0x0102, N'{}', 1, 1.5)").await;
    let answer = sql.batch("SELECT t.*, 1 AS one FROM [dbo].[child] t WHERE T.[NAME] = N'ANN  '").await;
    let kinds: Vec<Type> = answer.columns[0].iter().map(|column| column.kind).collect();
    let decimal = Type::Decimal { precision: 9, scale: 2 };
    let wanted = [
        Type::BigInt,
        Type::NVarChar(Some(48)),
        Type::VarChar(Some(10)),
        Type::NChar(4),
        Type::DateTime,
        Type::DateTime2(3),
        Type::Binary(2),
        Type::NVarChar(None),
        Type::Bit,
        decimal,
        Type::NVarChar(Some(50)),
        Type::Int,
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(answer.columns[0][1].name, "Name");
    assert_eq!(answer.rows.len(), 1);
    let row = &answer.rows[0];
    assert_eq!(
        (&row[3], &row[6], &row[9], &row[10]),
        (&text("x   "), &Value::Bytes(vec![1, 2]), &Value::Decimal(150), &text("pending"))
    );
    assert_eq!(sql.int("SELECT COUNT(*) FROM dbo.child WHERE code = 'AB'").await, 0);
    assert_eq!(sql.int("SELECT COUNT(*) FROM dbo.child WHERE [name] COLLATE Latin1_General_BIN2 = N'ANN'").await, 0);
    let row = sql.batch("SELECT TOP 0 [Name], [hash] FROM dbo.child").await;
    assert_eq!((row.columns[0].len(), row.rows.len()), (2, 0));
    let rows = sql.batch("SELECT c.id FROM (SELECT x.id, ROW_NUMBER() OVER (PARTITION BY x.name ORDER BY x.born DESC, x.id) AS place FROM dbo.child x) c WHERE c.place = 1");
    assert_eq!(rows.await.rows, [[Value::Integer(1)]]);
    let mut enough = Collected { enough: Some(0), ..Collected::default() };
    let many = "SELECT a.object_id FROM sys.all_columns a CROSS JOIN sys.all_columns b";
    assert_eq!(sql.0.run(Request::Batch(many.to_owned()), &mut enough).await, Err(Failed::Cancelled));
    assert_eq!(sql.int("SELECT 1").await, 1);
}

/// The adapter's own key, and its comparison of what may be null.
#[tokio::test]
async fn keys_as_the_dialect_spells_them() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    let key = |of: &str| {
        let text = format!("CAST({of} AS NVARCHAR(4000)) COLLATE Latin1_General_BIN2");
        let (first, last) = (
            format!("PATINDEX(N'%[^ \t\n\u{a0}]%', {text})"),
            format!("PATINDEX(N'%[^ \t\n\u{a0}]%', REVERSE({text}))"),
        );
        format!(
            "ISNULL(SUBSTRING({text}, NULLIF({first}, 0), DATALENGTH({text}) / 2 + 2 - {first} - {last}), LEFT({text}, 0)) COLLATE Latin1_General_BIN2"
        )
    };
    assert_eq!(sql.one(&format!("SELECT {}", key("N' \ta b\u{a0} '"))).await.1, text("a b"));
    assert_eq!(sql.one(&format!("SELECT {}", key("N' \t '"))).await.1, text(""));
    assert_eq!(sql.one(&format!("SELECT {}", key("12"))).await.1, text("12"));
    sql.batch("CREATE TABLE t (id NVARCHAR(20), h VARBINARY(32), at DATETIME2(3)); INSERT INTO t (id, h, at) VALUES (N' a', 0x01, '2024-01-01')").await;
    let same = |left: &str, right: &str| {
        format!(
            "(({left} = {right} AND DATALENGTH({left}) = DATALENGTH({right})) OR ({left} IS NULL AND {right} IS NULL))"
        )
    };
    let query = format!(
        "SELECT COUNT(*) FROM t JOIN t x ON {} = {} WHERE {} AND {}",
        key("t.id"),
        key("x.id"),
        same("t.h", "x.h"),
        same("t.id", "N' a'")
    );
    assert_eq!(sql.int(&query).await, 1);
    let age = "SELECT (CAST(DATEDIFF(DAY, t.at, SYSUTCDATETIME()) AS BIGINT) * 86400 + DATEDIFF(SECOND, DATEADD(DAY, DATEDIFF(DAY, t.at, \
               SYSUTCDATETIME()), CAST(t.at AS DATETIME2(3))), SYSUTCDATETIME())) FROM t WHERE t.at <= DATEADD(MILLISECOND, -0, DATEADD(SECOND, -5, SYSUTCDATETIME()))";
    assert!(sql.int(age).await > 86_400);
}
