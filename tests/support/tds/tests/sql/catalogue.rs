use super::*;

#[tokio::test]
async fn the_catalogue() {
    let Some(database) = database() else { return };
    let mut sql = database.open().await;
    sql.batch("CREATE SCHEMA ssd; CREATE TABLE [ssd].[Person] (id INT NOT NULL, name VARCHAR(20), doc NVARCHAR(MAX)); CREATE TABLE #x (id INT)").await;
    let columns = "SELECT c.name, t.name AS type, c.max_length, c.is_nullable FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id \
                   WHERE c.object_id = OBJECT_ID(@P1) ORDER BY c.column_id";
    let name = [(Type::NVarChar(Some(4000)), text("[SSD].[person]"))];
    let rows = sql.text(columns, &name).await.rows;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1], [text("name"), text("varchar"), Value::Integer(20), Value::Bit(true)]);
    assert_eq!(rows[2][2], Value::Integer(-1));
    let query = "SELECT c.COLUMN_NAME FROM INFORMATION_SCHEMA.COLUMNS c WHERE c.TABLE_SCHEMA = N'SSD' AND c.table_name = N'PERSON' ORDER BY c.ORDINAL_POSITION";
    assert_eq!(sql.batch(query).await.rows.len(), 3);
    assert_eq!(sql.int("SELECT COUNT(*) FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE s.name = 'ssd' AND t.name = 'person'").await, 1);
    let there = "SELECT CASE WHEN OBJECT_ID('tempdb..#x') IS NULL THEN 0 ELSE 1 END";
    assert_eq!(sql.int(there).await, 1);
    assert_eq!(sql.int("SELECT COL_LENGTH('ssd.person', 'name')").await, 20);
    assert_eq!(sql.int("SELECT HAS_PERMS_BY_NAME('ssd.person', 'OBJECT', 'SELECT')").await, 1);
    assert_eq!(sql.one("SELECT DB_NAME()").await.1, text(&database.name));
    assert_eq!(sql.one("SELECT SUSER_SNAME()").await.1, text("sa"));
    assert_eq!(sql.one("SELECT DATABASEPROPERTYEX(DB_NAME(), 'Updateability')").await.1, text("READ_WRITE"));
    let state = "SELECT d.snapshot_isolation_state, d.is_read_committed_snapshot_on FROM sys.databases d WHERE d.name = DB_NAME()";
    assert_eq!(sql.batch(state).await.rows, [[Value::Integer(1), Value::Bit(true)]]);
}
