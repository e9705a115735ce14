//! Oracle's spellings: those of 12.1.

use std::fmt::Write as _;
use std::time::Duration;

use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::TableName;
use csc_bridge_sql::{Dialect, KeyIndex, RowLock, Store, UpdateFrom, WritingDialect, name};

/// Bytes of a name, at most: 12.1 takes no more.
const LONGEST_NAME: usize = 30;

/// The database's present time in UTC, whatever zones the session and the server have.
const NOW: &str = "SYS_EXTRACT_UTC(SYSTIMESTAMP)";

/// Oracle's spellings.
///
/// Ids are compared as NVARCHAR2, which is Unicode in every database: in one whose own character set is not, the white space and the ids
/// of a statement would be replaced by question marks. They come in as `UNISTR('…')`, in ASCII, for the same reason.
#[derive(Debug, Clone, Copy, Default)]
pub struct OracleDialect;

impl Dialect for OracleDialect {
    /// In upper case, as Oracle itself takes a name without quotes. A name that is written with its quotes is taken as it stands.
    fn quote(&self, identifier: &str) -> String {
        let exact = identifier.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let name = exact.map_or_else(|| identifier.to_uppercase(), str::to_owned);
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn literal(&self, text: &str) -> String {
        let escaped = escaped(text);
        match escaped == text {
            true => format!("'{text}'"),
            false => format!("UNISTR('{escaped}')"),
        }
    }

    /// Nothing is ever the empty text.
    fn has_key(&self, expr: &str) -> String {
        format!("{expr} IS NOT NULL")
    }

    fn materialized(&self) -> &'static str {
        ""
    }

    /// Of a text of nothing but white space nothing is left, which is null.
    fn key(&self, expr: &str) -> String {
        let white_space = white_space();
        format!("LTRIM(RTRIM(TO_NCHAR({expr}), {white_space}), {white_space})")
    }

    /// In the schema of the account.
    fn temporary(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Escapes keep the document in ASCII and without a character that XML has no place for.
    fn set_query(&self) -> Option<String> {
        let rows = "XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.')";
        Some(format!("SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM {rows} x"))
    }

    fn set_text(&self, ids: &[String]) -> String {
        let mut text = String::with_capacity(16 + ids.len() * 20);
        text.push_str("<s>");
        for id in ids {
            text.push_str("<c>");
            escape(id, &mut text);
            text.push_str("</c>");
        }
        text.push_str("</s>");
        text
    }

    fn create_temporary(&self, name: &str, columns: &[(&str, Store)], key: &str) -> String {
        let columns: Vec<String> = columns
            .iter()
            .map(|(column, store)| {
                let kind = match store {
                    Store::Text(width) => format!("NVARCHAR2({width})"),
                    // Whatever another tool has written there is compared, not judged.
                    Store::Hash => "RAW(2000)".to_owned(),
                    other => self.stored(*other),
                };
                format!("{column} {kind}{}", if *column == key { " PRIMARY KEY" } else { "" })
            })
            .collect();
        format!("CREATE GLOBAL TEMPORARY TABLE {name} ({}) ON COMMIT PRESERVE ROWS", columns.join(", "))
    }

    /// The server samples a temporary table when it plans.
    fn analyze_temporary(&self, _: &str) -> Option<String> {
        None
    }
}

impl WritingDialect for OracleDialect {
    fn placeholder(&self, position: usize) -> String {
        format!(":{position}")
    }

    fn now(&self) -> &'static str {
        NOW
    }

    fn before_now(&self, age: Duration) -> String {
        let seconds = age.as_secs().min(2_147_483_647);
        format!("({NOW} - NUMTODSINTERVAL({seconds}.{:03}, 'SECOND'))", age.subsec_millis())
    }

    /// By the parts of the difference: it is an interval, which has no length in seconds.
    fn seconds_since(&self, expr: &str) -> String {
        let part = |part: &str| format!("EXTRACT({part} FROM ({NOW} - {expr}))");
        format!(
            "FLOOR({} * 86400 + {} * 3600 + {} * 60 + {})",
            part("DAY"),
            part("HOUR"),
            part("MINUTE"),
            part("SECOND")
        )
    }

    fn row_lock(&self) -> Option<RowLock> {
        Some(RowLock { hint: "", clause: " FOR UPDATE OF t.id SKIP LOCKED", by_id: None })
    }

    /// Beside words of the statement, which are not NVARCHAR2 (ORA-12704). A blank stays what it is: it is no null.
    fn word(&self, expr: &str) -> String {
        format!("COALESCE(LOWER(TO_CHAR({})), TO_CHAR({expr}))", self.key(expr))
    }

    fn same(&self, left: &str, right: &str) -> String {
        format!("({left} = {right} OR ({left} IS NULL AND {right} IS NULL))")
    }

    fn text(&self, expr: &str) -> String {
        expr.to_owned()
    }

    fn bytes(&self, expr: &str) -> String {
        expr.to_owned()
    }

    /// The column is a TIMESTAMP: a DATE has no such digits.
    fn version(&self, expr: &str) -> String {
        format!("TO_CHAR({expr}, 'YYYY-MM-DD HH24:MI:SS.FF9')")
    }

    fn timestamp(&self, expr: &str) -> String {
        format!("TO_TIMESTAMP({expr}, 'YYYY-MM-DD HH24:MI:SS.FF')")
    }

    fn date(&self, expr: &str) -> String {
        format!("(DATE '1970-01-01' + {expr})")
    }

    fn document_in(&self, expr: &str) -> String {
        expr.to_owned()
    }

    fn document_out(&self, expr: &str) -> String {
        expr.to_owned()
    }

    /// A CLOB is compared with nothing (ORA-00932), but by this function.
    fn same_document(&self, column: &str, text: &str) -> String {
        format!("(DBMS_LOB.COMPARE({column}, {text}) = 0 OR ({column} IS NULL AND {text} IS NULL))")
    }

    /// The length of a CLOB is known without reading it.
    fn has_document(&self, expr: &str) -> String {
        format!("LENGTH({expr}) >= 2")
    }

    fn creating_can_be_undone(&self) -> bool {
        false
    }

    fn groups_long_text(&self) -> bool {
        false
    }

    fn stored(&self, store: Store) -> String {
        match store {
            Store::Identity => "NUMBER(19) GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY".to_owned(),
            Store::Text(width) => format!("VARCHAR2({width} CHAR)"),
            Store::LongText | Store::Json => "CLOB".to_owned(),
            Store::Hash => "RAW(32)".to_owned(),
            Store::Timestamp => "TIMESTAMP(6)".to_owned(),
            Store::Integer => "NUMBER(19)".to_owned(),
        }
    }

    /// As proposed for Azeus, but for the widths, which the definition does not know.
    fn generated(&self, column: ColumnType) -> String {
        match column {
            ColumnType::Id => "VARCHAR2(200 CHAR)",
            ColumnType::Text => "VARCHAR2(1000 CHAR)",
            ColumnType::Date => "DATE",
            ColumnType::Integer => "NUMBER(10)",
            ColumnType::Json => "CLOB",
        }
        .to_owned()
    }

    /// NVARCHAR2 beside VARCHAR2: in a comparison the column would be converted, and its index not used; in a CASE it is ORA-12704.
    fn beside_column(&self, expr: &str) -> String {
        format!("TO_CHAR({expr})")
    }

    /// By ROWID: what MERGE joins by, it may not write (ORA-38104), and an UPDATE of a join asks for keys that no temporary table can
    /// prove (ORA-01779).
    fn update_from(&self, update: &UpdateFrom<'_>) -> String {
        let (mut values, mut set) = (String::new(), Vec::with_capacity(update.set.len()));
        for (at, (column, value)) in update.set.iter().enumerate() {
            if value == "NULL" {
                set.push(format!("{column} = NULL"));
            } else {
                let _ = write!(values, ", {value} AS v{at}");
                set.push(format!("{column} = n.v{at}"));
            }
        }
        format!(
            "MERGE INTO {target} t USING (SELECT t.ROWID AS rid{values} FROM {source} CROSS JOIN {target} t WHERE {on}) n \
             ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET {set}",
            target = update.target,
            source = update.source,
            on = update.on,
            set = set.join(", "),
        )
    }

    /// Oracle has no columns beside the key, so they are part of it, and no index over some rows: where those are the rows without a
    /// value, they are found first in an index that begins with that column (rows are left out of an index where all of it is null).
    fn key_index(&self, index: &KeyIndex<'_>) -> String {
        let mut columns = vec![self.key(&self.quote(index.column))];
        columns.extend(index.include.iter().map(|column| self.quote(column)));
        if let Some(column) = index.only.and_then(|condition| condition.strip_suffix(" IS NULL")) {
            columns.insert(0, self.quote(column));
        }
        self.index(index.name, index.table, &columns.join(", "))
    }

    fn plain_index(&self, name: &str, table: &TableName, column: &str) -> String {
        self.index(name, table, &self.quote(column))
    }
}

impl OracleDialect {
    /// An index lives in the schema of its table: without being told it would go to that of the account.
    fn index(&self, name: &str, table: &TableName, columns: &str) -> String {
        let index = TableName { schema: table.schema.clone(), table: short(name) };
        format!("CREATE INDEX {} ON {} ({columns})", self.table(&index), self.table(table))
    }
}

/// A name that 12.1 takes: a long one is cut, and ends with a number made of the whole of it.
fn short(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    // FNV-1a: the same number in every version of the program.
    let number = name
        .to_uppercase()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut end = LONGEST_NAME - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{number:08x}", &name[..end])
}

/// The white space of [`name::WHITE_SPACE`] as a constant.
fn white_space() -> String {
    let escaped: String = name::WHITE_SPACE.iter().map(|code| format!("\\{code:04X}")).collect();
    format!("UNISTR('{escaped}')")
}

/// A text as UNISTR reads it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape(text, &mut escaped);
    escaped
}

/// Letters, digits and a few signs as they are; everything else as its UTF-16 in hexadecimal, so that neither SQL nor XML finds a sign in
/// it that means something.
fn escape(text: &str, into: &mut String) {
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '/') {
            into.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(into, "\\{unit:04X}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
