//! What the server's catalogue says of a table.

use csc_bridge_core::source::TableName;
use csc_bridge_sql::Dialect;

use crate::SqlServerDialect;

/// The columns of the table or view that `@P1` names, in their order.
pub(crate) const COLUMNS: &str =
    "SELECT c.name FROM sys.columns c WHERE c.object_id = OBJECT_ID(@P1) ORDER BY c.column_id";

/// Whether `@P1` names a synonym, whose columns are those of a table that may be in another database.
pub(crate) const SYNONYM: &str = "SELECT OBJECT_ID(@P1, N'SN')";

/// What kind of object `@P1` names: `U` a table, `V` a view, `SN` a synonym.
pub(crate) const KIND: &str = "SELECT RTRIM(o.type) FROM sys.objects o WHERE o.object_id = OBJECT_ID(@P1)";

/// Whether the database lets transactions read as of one moment: 1.
pub(crate) const SNAPSHOT_STATE: &str =
    "SELECT d.snapshot_isolation_state FROM sys.databases d WHERE d.database_id = DB_ID()";

/// A table as `OBJECT_ID` reads it: quoted, for the name may hold anything.
pub(crate) fn named(table: &TableName) -> String {
    SqlServerDialect.table(table)
}
