//! SQL Server's spellings: those of 2012.

use std::time::Duration;

use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_sql::{Dialect, KeyIndex, RowLock, Store, UpdateFrom, WritingDialect, name};

/// The collation of every comparison: by exact characters. Said each time, for that of a database, and of `tempdb`, folds case and more.
const EXACT: &str = "COLLATE Latin1_General_BIN2";

/// A join that looks each row of its left side up on its right side: by the index there is.
const BY_INDEX: &str = "INNER LOOP JOIN";

/// SQL Server's spellings.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqlServerDialect;

impl Dialect for SqlServerDialect {
    /// Without the letter, a text would go through the code page of the database's collation.
    fn literal(&self, text: &str) -> String {
        format!("N'{}'", text.replace('\'', "''"))
    }

    fn materialized(&self) -> &'static str {
        ""
    }

    /// LTRIM and RTRIM take spaces alone, and TRIM is of 2017: the first character that is no white space is looked for from either end.
    /// A text of nothing but white space has none, and becomes the empty text. (DATALENGTH, because LEN leaves trailing spaces out.)
    /// The result has the collation of the text that goes in.
    fn key(&self, expr: &str) -> String {
        let text = format!("CAST({expr} AS NVARCHAR(4000)) {EXACT}");
        let first = format!("PATINDEX({}, {text})", other_than_white_space());
        let last = format!("PATINDEX({}, REVERSE({text}))", other_than_white_space());
        format!(
            "ISNULL(SUBSTRING({text}, NULLIF({first}, 0), DATALENGTH({text}) / 2 + 2 - {first} - {last}), LEFT({text}, 0))"
        )
    }

    fn temporary(&self, name: &str) -> String {
        format!("#{name}")
    }

    fn create_temporary(&self, name: &str, columns: &[(&str, Store)], key: &str) -> String {
        let columns: Vec<String> = columns
            .iter()
            .map(|(column, store)| {
                let kind = match store {
                    Store::Text(_) | Store::LongText | Store::Json => format!("{} {EXACT}", self.stored(*store)),
                    // Whatever another tool has written there is compared, not judged.
                    Store::Hash => "VARBINARY(8000)".to_owned(),
                    other => self.stored(*other),
                };
                format!("{column} {kind} {}", if *column == key { "NOT NULL" } else { "NULL" })
            })
            .collect();
        format!("CREATE TABLE {} ({}, PRIMARY KEY ({key}))", self.temporary(name), columns.join(", "))
    }

    /// The server keeps count of a temporary table's rows and plans anew when they change.
    fn analyze_temporary(&self, _: &str) -> Option<String> {
        None
    }
}

impl WritingDialect for SqlServerDialect {
    fn placeholder(&self, position: usize) -> String {
        format!("@P{position}")
    }

    fn now(&self) -> &'static str {
        "SYSUTCDATETIME()"
    }

    fn before_now(&self, age: Duration) -> String {
        // DATEADD counts in INT: 68 years of seconds.
        let seconds = age.as_secs().min(2_147_483_647);
        format!("DATEADD(MILLISECOND, -{}, DATEADD(SECOND, -{seconds}, SYSUTCDATETIME()))", age.subsec_millis())
    }

    /// By days and the rest of a day: the seconds of 68 years are more than DATEDIFF counts, and DATEDIFF_BIG is of 2016.
    fn seconds_since(&self, expr: &str) -> String {
        let days = format!("DATEDIFF(DAY, {expr}, SYSUTCDATETIME())");
        format!(
            "(CAST({days} AS BIGINT) * 86400 + DATEDIFF(SECOND, DATEADD(DAY, {days}, CAST({expr} AS DATETIME2(3))), SYSUTCDATETIME()))"
        )
    }

    /// READCOMMITTEDLOCK: where READ_COMMITTED_SNAPSHOT is on, READPAST would be refused without it. A loop keeps the locks to the rows
    /// that are looked for: any other way to join them reads, and locks, the table.
    fn row_lock(&self) -> Option<RowLock> {
        Some(RowLock {
            hint: " WITH (ROWLOCK, READPAST, UPDLOCK, READCOMMITTEDLOCK)",
            clause: "",
            by_id: Some(BY_INDEX),
        })
    }

    fn word(&self, expr: &str) -> String {
        format!("LOWER({})", self.key(expr))
    }

    /// With the lengths, because trailing spaces do not count in a comparison, nor trailing zeros in one of bytes.
    fn same(&self, left: &str, right: &str) -> String {
        format!(
            "(({left} = {right} AND DATALENGTH({left}) = DATALENGTH({right})) OR ({left} IS NULL AND {right} IS NULL))"
        )
    }

    fn text(&self, expr: &str) -> String {
        format!("CAST({expr} AS NVARCHAR(MAX)) {EXACT}")
    }

    fn bytes(&self, expr: &str) -> String {
        expr.to_owned()
    }

    /// Style 121 prints all the digits that the type has.
    fn version(&self, expr: &str) -> String {
        format!("CONVERT(NVARCHAR(40), {expr}, 121) {EXACT}")
    }

    /// Read by DATETIME2 the same in every language of the session, which DATETIME is not.
    fn timestamp(&self, expr: &str) -> String {
        format!("CAST({expr} AS DATETIME2(3))")
    }

    fn date(&self, expr: &str) -> String {
        format!("DATEADD(DAY, CAST({expr} AS INT), CAST('19700101' AS DATETIME))")
    }

    fn document_in(&self, expr: &str) -> String {
        self.beside_column(expr)
    }

    fn document_out(&self, expr: &str) -> String {
        self.text(expr)
    }

    /// Without reading it: two characters of two bytes are the least that JSON is.
    fn has_document(&self, expr: &str) -> String {
        format!("DATALENGTH({expr}) >= 4")
    }

    fn stored(&self, store: Store) -> String {
        match store {
            Store::Identity => "BIGINT IDENTITY(1,1) PRIMARY KEY".to_owned(),
            Store::Text(width) => format!("NVARCHAR({width})"),
            Store::LongText | Store::Json => "NVARCHAR(MAX)".to_owned(),
            Store::Hash => "VARBINARY(32)".to_owned(),
            Store::Timestamp => "DATETIME2(3)".to_owned(),
            Store::Integer => "BIGINT".to_owned(),
        }
    }

    /// As the SSD's own scripts have them, but for the widths, which the definition does not know.
    fn generated(&self, column: ColumnType) -> String {
        match column {
            ColumnType::Id => "NVARCHAR(200)",
            ColumnType::Text => "NVARCHAR(1000)",
            ColumnType::Date => "DATETIME",
            ColumnType::Integer => "INT",
            ColumnType::Json => "NVARCHAR(MAX)",
        }
        .to_owned()
    }

    /// Two columns of different collations are neither compared nor alternatives in a CASE (468, 457): one must say which counts.
    fn beside_column(&self, expr: &str) -> String {
        format!("{expr} COLLATE DATABASE_DEFAULT")
    }

    /// Not by the database's collation, to which `a1` and `A1` are one child. With another collation the column could not be joined with
    /// the SSD's, as analysts do.
    fn unique(&self) -> &'static str {
        ""
    }

    /// The target is joined last: what comes before it may be joins of its own.
    fn update_from(&self, update: &UpdateFrom<'_>) -> String {
        let set: Vec<String> = update.set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        let (set, source) = (set.join(", "), update.source);
        format!("UPDATE t SET {set} FROM {source} {BY_INDEX} {} AS t ON {}", update.target, update.on)
    }

    /// On the column as it stands: an index on a computed column would be found by the expression, but makes every write of another
    /// program fail whose session has QUOTED_IDENTIFIER off, as `sqlcmd` and SQL Server Agent have it. This one is read whole instead of
    /// the rows with their documents. (An index with a condition does the same harm: the one there is, on the submission log, is where
    /// nobody else writes.)
    fn key_index(&self, index: &KeyIndex<'_>) -> String {
        let include: Vec<String> = index.include.iter().map(|column| self.quote(column)).collect();
        let include = match include.is_empty() {
            true => String::new(),
            false => format!(" INCLUDE ({})", include.join(", ")),
        };
        let only = index.only.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
        format!("{}{include}{only}", self.plain_index(index.name, index.table, index.column))
    }
}

/// The pattern of a character that is not in [`name::WHITE_SPACE`].
fn other_than_white_space() -> String {
    let white_space: String = name::WHITE_SPACE.iter().filter_map(|code| char::from_u32(*code)).collect();
    format!("N'%[^{white_space}]%'")
}

#[cfg(test)]
mod tests {
    use csc_bridge_core::source::TableName;

    use super::*;

    fn staging() -> TableName {
        TableName { schema: "dbo".to_owned(), table: "ssd_api_data_staging".to_owned() }
    }

    #[test]
    fn temporary_tables_compare_exactly() {
        let columns = [("id", Store::Text(200)), ("number", Store::Integer), ("document", Store::LongText)];
        assert_eq!(
            SqlServerDialect.create_temporary("csc_bridge_set", &columns, "id"),
            "CREATE TABLE #csc_bridge_set (id NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL, number BIGINT NULL, \
             document NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NULL, PRIMARY KEY (id))"
        );
    }

    #[test]
    fn updates_join_the_target_last() {
        let set = [("outcome", "o.outcome".to_owned())];
        let update = UpdateFrom {
            target: &SqlServerDialect.table(&staging()),
            set: &set,
            source: "#a s JOIN #b o ON o.n = s.n",
            on: "t.id = s.id",
        };
        assert_eq!(
            SqlServerDialect.update_from(&update),
            "UPDATE t SET outcome = o.outcome FROM #a s JOIN #b o ON o.n = s.n INNER LOOP JOIN \"dbo\".\"ssd_api_data_staging\" AS t ON t.id = s.id"
        );
    }

    #[test]
    fn texts_are_unicode_and_quotes_are_doubled() {
        assert_eq!(SqlServerDialect.literal("O'Neil"), "N'O''Neil'");
        assert_eq!(SqlServerDialect.placeholder(3), "@P3");
    }

    #[test]
    fn a_key_leaves_out_every_kind_of_white_space() {
        let key = SqlServerDialect.key("t.\"person_id\"");
        for code in name::WHITE_SPACE {
            let character = char::from_u32(code).expect("a character");
            assert!(key.contains(character), "U+{code:04X}");
        }
        assert!(
            key.ends_with("LEFT(CAST(t.\"person_id\" AS NVARCHAR(4000)) COLLATE Latin1_General_BIN2, 0))"),
            "{key}"
        );
        assert!(!key.contains("TRIM("));
    }

    #[test]
    fn an_index_is_one_statement() {
        let index = KeyIndex {
            name: "ix_open",
            table: &staging(),
            column: "person_id",
            include: &["id"],
            only: Some("outcome IS NULL"),
        };
        assert_eq!(
            SqlServerDialect.key_index(&index),
            "CREATE INDEX \"ix_open\" ON \"dbo\".\"ssd_api_data_staging\" (\"person_id\") INCLUDE (\"id\") WHERE outcome IS NULL"
        );
    }

    #[test]
    fn nothing_is_newer_than_2012() {
        let dialect = SqlServerDialect;
        let all = [
            dialect.key("x"),
            dialect.word("x"),
            dialect.text("x"),
            dialect.version("x"),
            dialect.seconds_since("x"),
            dialect.before_now(Duration::from_millis(1500)),
            dialect.same("a", "b"),
        ]
        .concat();
        for newer in
            ["TRIM(", "DATEDIFF_BIG", "JSON", "STRING_", "TRANSLATE", "CONCAT_WS", "IS NOT DISTINCT", "GREATEST"]
        {
            assert!(!all.contains(newer), "{newer}");
        }
    }
}
