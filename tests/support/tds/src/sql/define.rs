//! CREATE TABLE, CREATE VIEW, CREATE INDEX and ALTER TABLE.
//!
//! A column's declared type is kept in its comment (`mssql:nvarchar(200)`). A text column without COLLATE compares without regard to
//! case, as SQL Server's usual collation does; one with a `_BIN2` collation compares exactly. Keys of constraints are told from
//! indexes by their names, as SQL Server gives them: `PK__`, `UQ__`, or one that a statement chose.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlparser::ast::{
    AlterTable, AlterTableOperation, ColumnDef, ColumnOption, CreateIndex, CreateTable, CreateTableOptions, CreateView,
    IdentityPropertyKind, IndexColumn, ObjectName, TableConstraint,
};

use super::catalogue::{literal, quote};
use super::errors::error;
use super::parse::Computed;
use super::rewrite::{Collation, Label, Output, Relation, Rewriter, Scope, Sql, Stop, TableKey, Written, none};
use super::types::{self, Family};
use crate::session::{SqlError, Type};

/// A collation by its name.
pub(crate) fn collation(name: &str) -> Option<Collation> {
    let name = name.to_uppercase();
    if name.ends_with("_BIN2") || name.ends_with("_BIN") || name.contains("_CS_") {
        Some(Collation::Exact)
    } else if name.contains("_CI_") || name == "DATABASE_DEFAULT" {
        Some(Collation::Folding)
    } else {
        None
    }
}

/// Whether a unique index is a constraint's.
pub(crate) fn is_constraint(name: &str) -> bool {
    let name = name.to_uppercase();
    ["PK", "UQ", "UC", "AK"].iter().any(|prefix| name.starts_with(prefix))
        || name.ends_with("_KEY")
        || name.ends_with("_PKEY")
}

fn numbered(prefix: &str, table: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let short: String = table.trim_start_matches('#').chars().take(24).collect();
    format!("{prefix}__{short}__{:08X}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Rewriter<'_> {
    /// The statements that create a table.
    pub(crate) fn create_table(&mut self, create: &CreateTable, computed: &[Computed]) -> Written<Vec<String>> {
        none(!create.or_replace && !create.temporary && !create.external && !create.if_not_exists)?;
        none(create.query.is_none() && create.like.is_none() && create.clone.is_none() && create.inherits.is_none())?;
        let key = self.key(&create.name)?;
        let (mut parts, mut comments, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        let sql = new_name(&key);
        for column in &create.columns {
            let (part, output) = self.column_part(column, &key)?;
            comments.push(comment(&existing_name(&key), &output));
            parts.push(part);
            outputs.push(output);
        }
        for computed in computed {
            let (part, output) = self.computed_part(computed, outputs.clone())?;
            comments.push(comment(&existing_name(&key), &output));
            parts.push(part);
        }
        for constraint in &create.constraints {
            let (prefix, word, name, columns) = match constraint {
                TableConstraint::PrimaryKey(of) => ("PK", "PRIMARY KEY", &of.name, &of.columns),
                TableConstraint::Unique(of) => ("UQ", "UNIQUE", &of.name, &of.columns),
                _ => return Err(Stop::Shape),
            };
            let name = name.as_ref().map_or_else(|| numbered(prefix, &key.table), |name| name.value.clone());
            let columns = self.key_columns(columns, &outputs)?;
            parts.push(format!("CONSTRAINT {} {word} ({})", quote(&name), columns.join(", ")));
        }
        let mut statements = vec![format!("CREATE {sql} ({})", parts.join(", "))];
        statements.extend(comments);
        Ok(statements)
    }

    /// `CREATE VIEW v AS SELECT …`. Its columns keep their types, and what they are made of its names.
    pub(crate) fn create_view(&mut self, create: &CreateView) -> Written<Vec<String>> {
        none(!create.or_alter && !create.or_replace && !create.materialized && !create.secure)?;
        none(create.columns.is_empty() && matches!(create.options, CreateTableOptions::None))?;
        none(!create.if_not_exists && !create.temporary && create.to.is_none() && create.params.is_none())?;
        let view = existing_name(&self.key(&create.name)?);
        let (sql, columns) = self.query(&create.query, None)?;
        if columns.iter().any(|column| column.name.is_empty()) {
            let message = "Create View or Function failed because no column name was specified for a column.";
            return Err(error(4511, message).into());
        }
        let mut statements = vec![format!("CREATE VIEW {view} AS {sql}")];
        statements.extend(columns.iter().filter(|column| column.kind.is_some()).map(|column| comment(&view, column)));
        Ok(statements)
    }

    /// `ALTER TABLE t ADD c type NULL`, `… DROP COLUMN c`, `… ADD CONSTRAINT n CHECK (…)`.
    pub(crate) fn alter_table(&mut self, alter: &AlterTable) -> Written<Vec<String>> {
        none(!alter.if_exists && !alter.only && alter.location.is_none())?;
        let key = self.key(&alter.name)?;
        let found = self.table(&alter.name)?;
        let (table, columns) = (found.sql.clone(), found.columns.clone());
        let mut statements = Vec::new();
        for operation in &alter.operations {
            match operation {
                AlterTableOperation::AddColumn { if_not_exists: false, column_def, column_position: None, .. } => {
                    let (part, output) = self.column_part(column_def, &key)?;
                    statements.push(format!("ALTER TABLE {table} ADD COLUMN {part}"));
                    statements.push(comment(&table, &output));
                }
                AlterTableOperation::DropColumn {
                    has_column_keyword: true, column_names, if_exists: false, ..
                } => {
                    for name in column_names {
                        let found = super::rewrite::exact_first(&columns, &name.value);
                        let found = found.ok_or_else(|| no_column(&name.value, &key.table))?;
                        statements.push(format!("ALTER TABLE {table} DROP COLUMN {}", quote(&found.name)));
                    }
                }
                AlterTableOperation::AddConstraint { constraint: TableConstraint::Check(check), not_valid: false } => {
                    let name =
                        check.name.as_ref().map_or_else(|| numbered("CK", &key.table), |name| name.value.clone());
                    let condition = self.unqualified(columns.clone(), |this| this.expr(&check.expr))?.text;
                    statements.push(format!("ALTER TABLE {table} ADD CONSTRAINT {} CHECK ({condition})", quote(&name)));
                }
                _ => return Err(Stop::Shape),
            }
        }
        Ok(statements)
    }

    /// `ALTER TABLE t ADD c AS (…)`.
    pub(crate) fn add_computed(&mut self, name: &ObjectName, computed: &Computed) -> Written<Vec<String>> {
        let table = self.table(name)?;
        let (sql, columns) = (table.sql.clone(), table.columns.clone());
        let (part, output) = self.computed_part(computed, columns)?;
        Ok(vec![format!("ALTER TABLE {sql} ADD COLUMN {part}"), comment(&sql, &output)])
    }

    /// `CREATE [UNIQUE] INDEX i ON t (c, …) [INCLUDE (…)] [WHERE …]`.
    pub(crate) fn create_index(&mut self, create: &CreateIndex) -> Written<Vec<String>> {
        none(!create.concurrently && !create.if_not_exists && create.using.is_none() && create.with.is_empty())?;
        none(create.nulls_distinct.is_none() && create.index_options.is_empty() && create.alter_options.is_empty())?;
        let name = super::rewrite::plain(create.name.as_ref().ok_or(Stop::Shape)?)?;
        let table = self.table(&create.table_name)?;
        let columns = self.key_columns(&create.columns, &table.columns)?;
        let mut include = Vec::new();
        for column in &create.include {
            let found = super::rewrite::exact_first(&table.columns, &column.value);
            include.push(quote(&found.ok_or(Stop::Shape)?.name));
        }
        let include = if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", include.join(", ")) };
        let only = match &create.predicate {
            None => String::new(),
            Some(condition) => {
                format!(" WHERE {}", self.unqualified(table.columns.clone(), |this| this.expr(condition))?.text)
            }
        };
        let unique = if create.unique { "UNIQUE " } else { "" };
        let (on, columns) = (&table.sql, columns.join(", "));
        Ok(vec![format!("CREATE {unique}INDEX {} ON {on} ({columns}){include}{only}", quote(&name))])
    }

    fn key_columns(&mut self, columns: &[IndexColumn], of: &[Output]) -> Written<Vec<String>> {
        let mut written = Vec::new();
        for column in columns {
            none(column.operator_class.is_none())?;
            let sqlparser::ast::Expr::Identifier(name) = &column.column.expr else { return Err(Stop::Shape) };
            let found = super::rewrite::exact_first(of, &name.value).ok_or(Stop::Shape)?;
            written.push(quote(&found.name));
        }
        Ok(written)
    }

    /// Columns of one table by themselves.
    fn unqualified<T>(&mut self, columns: Vec<Output>, write: impl FnOnce(&mut Self) -> Written<T>) -> Written<T> {
        self.push(Scope { relations: vec![Relation { alias: String::new(), columns }], ..Scope::default() });
        let written = write(self);
        self.pop();
        written
    }

    fn computed_part(&mut self, computed: &Computed, columns: Vec<Output>) -> Written<(String, Output)> {
        let value = self.unqualified(columns, |this| this.expr(&computed.expr))?;
        let kind = value.kind.ok_or(Stop::Shape)?;
        let collation = value.label.resolved()?.collation();
        let (collate, label) = match types::family(kind) {
            Family::Text => (format!(" COLLATE {}", collation.sql()), Label::Implicit(collation)),
            _ => (String::new(), Label::Default),
        };
        let (name, sql) = (quote(&computed.name), types::postgres(kind));
        let part = format!("{name} {sql}{collate} GENERATED ALWAYS AS ({}) STORED", value.text);
        Ok((part, Output { name: computed.name.clone(), kind: Some(kind), nullable: true, is_identity: false, label }))
    }

    fn column_part(&mut self, column: &ColumnDef, key: &TableKey) -> Written<(String, Output)> {
        let kind = types::parse(&column.data_type.to_string()).ok_or(Stop::Shape)?;
        let name = quote(&column.name.value);
        let mut collate = (types::family(kind) == Family::Text).then_some(Collation::Folding);
        let (mut rest, mut nullable, mut is_identity) = (String::new(), true, false);
        for option in &column.options {
            let constraint = |prefix: &str| {
                let name = option.name.as_ref().map(|name| name.value.clone());
                quote(&name.unwrap_or_else(|| numbered(prefix, &key.table)))
            };
            match &option.option {
                ColumnOption::Null => {}
                ColumnOption::NotNull => {
                    nullable = false;
                    rest.push_str(" NOT NULL");
                }
                ColumnOption::PrimaryKey(_) => {
                    nullable = false;
                    rest.push_str(&format!(" CONSTRAINT {} PRIMARY KEY", constraint("PK")));
                }
                ColumnOption::Unique(_) => rest.push_str(&format!(" CONSTRAINT {} UNIQUE", constraint("UQ"))),
                ColumnOption::Default(value) => {
                    let value: Sql = self.expr(value)?;
                    rest.push_str(&format!(" DEFAULT ({})", self.assigned(kind, value)?.text));
                }
                ColumnOption::Collation(name) => {
                    none(collate.is_some())?;
                    collate = Some(collation(&super::rewrite::plain(name)?).ok_or(Stop::Shape)?);
                }
                ColumnOption::Identity(IdentityPropertyKind::Identity(_)) => {
                    (nullable, is_identity) = (false, true);
                    rest.push_str(" GENERATED BY DEFAULT AS IDENTITY");
                }
                _ => return Err(Stop::Shape),
            }
        }
        if let Type::VarBinary(Some(length)) | Type::Binary(length) = kind {
            let check = quote(&numbered("mssql_bytes", &key.table));
            rest.push_str(&format!(" CONSTRAINT {check} CHECK (octet_length({name}) <= {length})"));
        }
        let label = collate.map_or(Label::Default, Label::Implicit);
        let collate = collate.map(|collate| format!(" COLLATE {}", collate.sql())).unwrap_or_default();
        let output = Output { name: column.name.value.clone(), kind: Some(kind), nullable, is_identity, label };
        Ok((format!("{name} {}{collate}{rest}", types::postgres(kind)), output))
    }
}

fn no_column(column: &str, table: &str) -> SqlError {
    let message =
        format!("ALTER TABLE DROP COLUMN failed because column '{column}' does not exist in table '{table}'.");
    error(4924, message)
}

fn new_name(key: &TableKey) -> String {
    match key.schema.is_empty() {
        true => format!("TEMPORARY TABLE {}", quote(&key.table)),
        false => format!("TABLE {}", existing_name(key)),
    }
}

/// A schema of a table that is being made is taken as it is written, or in lower case where there is no such.
fn existing_name(key: &TableKey) -> String {
    match key.schema.is_empty() {
        true => format!("pg_temp.{}", quote(&key.table)),
        false => format!("{}.{}", quote(&key.schema), quote(&key.table)),
    }
}

fn comment(table: &str, column: &Output) -> String {
    let declared = column.kind.map(types::name).unwrap_or_default();
    format!("COMMENT ON COLUMN {table}.{} IS {}", quote(&column.name), literal(&format!("mssql:{declared}")))
}
