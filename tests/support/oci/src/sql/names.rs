//! Names: unquoted ones are upper case, and not too long, and not reserved.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::Context;
use crate::error::{Result, ora, told, unknown};

/// Before the name of something of PostgreSQL's, which stays as it is.
const OURS: char = '\u{1}';

/// Words that no unquoted name may be ("SQL Language Reference", appendix E), less those that stand where an expression does.
const RESERVED: [&str; 104] = [
    "ACCESS",
    "ADD",
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "AUDIT",
    "BETWEEN",
    "BY",
    "CHAR",
    "CHECK",
    "CLUSTER",
    "COLUMN",
    "COMMENT",
    "COMPRESS",
    "CONNECT",
    "CREATE",
    "CURRENT",
    "DATE",
    "DECIMAL",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DROP",
    "ELSE",
    "EXCLUSIVE",
    "EXISTS",
    "FILE",
    "FLOAT",
    "FOR",
    "FROM",
    "GRANT",
    "GROUP",
    "HAVING",
    "IDENTIFIED",
    "IMMEDIATE",
    "IN",
    "INCREMENT",
    "INDEX",
    "INITIAL",
    "INSERT",
    "INTEGER",
    "INTERSECT",
    "INTO",
    "IS",
    "LIKE",
    "LOCK",
    "LONG",
    "MAXEXTENTS",
    "MINUS",
    "MLSLABEL",
    "MODE",
    "MODIFY",
    "NOAUDIT",
    "NOCOMPRESS",
    "NOT",
    "NOWAIT",
    "NULL",
    "NUMBER",
    "OF",
    "OFFLINE",
    "ON",
    "ONLINE",
    "OPTION",
    "OR",
    "ORDER",
    "PCTFREE",
    "PRIOR",
    "PUBLIC",
    "RAW",
    "RENAME",
    "RESOURCE",
    "REVOKE",
    "ROW",
    "ROWS",
    "SELECT",
    "SESSION",
    "SET",
    "SHARE",
    "SIZE",
    "SMALLINT",
    "START",
    "SUCCESSFUL",
    "SYNONYM",
    "TABLE",
    "THEN",
    "TO",
    "TRIGGER",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "VALIDATE",
    "VALUES",
    "VARCHAR",
    "VARCHAR2",
    "VIEW",
    "WHENEVER",
    "WHERE",
    "WITH",
    "NVARCHAR2",
    "UID",
];

pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name of PostgreSQL's, which is not folded.
pub(crate) fn ours(name: &str) -> Ident {
    Ident::new(format!("{OURS}{name}"))
}

/// The name of a function of the schema `oracle`.
pub(crate) fn function(name: &str) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(ours("oracle")), ObjectNamePart::Identifier(ours(name))])
}

/// Folds a name as Oracle does.
pub(crate) fn fold(ident: &mut Ident, context: &Context<'_>) -> Result<()> {
    if let Some(name) = ident.value.strip_prefix(OURS) {
        ident.value = name.to_owned();
        ident.quote_style = None;
        return Ok(());
    }
    if ident.quote_style.is_none() {
        ident.value = ident.value.to_uppercase();
        if RESERVED.contains(&ident.value.as_str()) {
            return Err(told(904, format!("{}: invalid identifier (it is a reserved word)", ident.value)));
        }
        let begins = ident.value.chars().next().is_some_and(char::is_alphabetic);
        if !begins {
            return Err(ora(911));
        }
    }
    ident.quote_style = Some('"');
    let longest = if context.version >= (12, 2) { 128 } else { 30 };
    if ident.value.len() > longest {
        return Err(ora(972));
    }
    // PostgreSQL cuts off what is longer.
    if ident.value.len() > 63 {
        return Err(unknown(format!("a name of more than 63 bytes ({})", ident.value)));
    }
    Ok(())
}

/// A name as it is known, of a table or column.
pub(crate) fn folded(ident: &Ident, context: &Context<'_>) -> Result<String> {
    let mut ident = ident.clone();
    fold(&mut ident, context)?;
    Ok(ident.value)
}

/// The parts of a table's name: its schema, where it is none of the user's own, and itself.
pub(crate) fn table(name: &ObjectName, context: &Context<'_>) -> Result<(Option<String>, String)> {
    let mut parts = Vec::new();
    for part in &name.0 {
        let ObjectNamePart::Identifier(ident) = part else { return Err(unknown(name.to_string())) };
        if ident.value.contains('@') {
            return Err(unknown(format!("a database link ({name})")));
        }
        parts.push(folded(ident, context)?);
    }
    match <[String; 2]>::try_from(parts) {
        Ok([schema, table]) if schema == context.user => Ok((None, table)),
        Ok([schema, table]) if schema == "SYS" => Ok((Some("oracle".to_owned()), table)),
        Ok([schema, table]) => Ok((Some(schema), table)),
        Err(mut parts) => match (parts.pop(), parts.is_empty()) {
            (Some(table), true) => Ok((None, table)),
            _ => Err(unknown(format!("the name {name}"))),
        },
    }
}

/// A table for PostgreSQL.
pub(crate) fn written(name: &ObjectName, context: &Context<'_>) -> Result<String> {
    let (schema, table) = table(name, context)?;
    Ok(schema.map_or_else(|| quote(&table), |schema| format!("{}.{}", quote(&schema), quote(&table))))
}
