//! CREATE TABLE, CREATE INDEX, CREATE VIEW, ALTER TABLE, GRANT and COMMENT.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlparser::ast::{
    AlterTable, AlterTableOperation, ColumnDef, ColumnOption, CreateIndex, CreateTable, Expr, GeneratedAs, IndexColumn,
    OnCommit, Statement, TableConstraint,
};

use super::names::{self, quote};
use super::{Context, Plan, rewrite, types};
use crate::error::{Result, ora, told, unknown};

/// A statement that defines something.
pub(crate) fn statement(mut statement: Statement, context: &Context<'_>) -> Result<Plan> {
    let statements = match &mut statement {
        Statement::CreateTable(create) => create_table(create, context)?,
        Statement::CreateIndex(create) => vec![create_index(create, context)?],
        Statement::AlterTable(alter) => alter_table(alter, context)?,
        Statement::CreateView(create) => {
            let plain = !create.materialized && !create.if_not_exists && !create.temporary && create.columns.is_empty();
            if !plain {
                return Err(unknown("this CREATE VIEW"));
            }
            let name = names::written(&create.name, context)?;
            rewrite::rewrite(&mut create.query, context)?;
            let or_replace = if create.or_replace { "OR REPLACE " } else { "" };
            vec![format!("CREATE {or_replace}VIEW {name} AS {}", create.query)]
        }
        Statement::Comment { if_exists: false, .. } => {
            rewrite::rewrite(&mut statement, context)?;
            vec![statement.to_string()]
        }
        _ => return Err(unknown("")),
    };
    Ok(Plan::Define { statements })
}

/// A name that nobody chose.
fn numbered(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}{:06}", NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() % 1000 * 1000)
}

fn create_table(create: &mut CreateTable, context: &Context<'_>) -> Result<Vec<String>> {
    if create.if_not_exists && context.version < (23, 0) {
        return Err(told(922, "missing or invalid option"));
    }
    let plain = !create.or_replace
        && !create.external
        && create.query.is_none()
        && create.like.is_none()
        && create.inherits.is_none()
        && create.partition_by.is_none();
    if !plain {
        return Err(unknown("this CREATE TABLE"));
    }
    let (schema, table) = names::table(&create.name, context)?;
    let name = format!("{}.{}", quote(schema.as_deref().unwrap_or("public")), quote(&table));
    let mut parts = Vec::new();
    for column in &mut create.columns {
        parts.extend(column_parts(column, context)?);
    }
    for constraint in &mut create.constraints {
        parts.push(constraint_part(constraint, context)?);
    }
    let mut statements = vec![format!("CREATE TABLE {name} ({})", parts.join(", "))];
    match (create.temporary, create.global, create.on_commit) {
        (false, None, None) => statements.extend(super::own::note_of_truncation(&table)),
        // A temporary table without more loses its rows with each transaction.
        (true, Some(true), on_commit) => {
            let on_commit = match on_commit {
                Some(OnCommit::PreserveRows) => "PRESERVE",
                None | Some(OnCommit::DeleteRows) => "DELETE",
                Some(OnCommit::Drop) => return Err(ora(933)),
            };
            statements.push(format!(
                "INSERT INTO oracle.temporary_tables VALUES ('{}', '{on_commit}')",
                table.replace('\'', "''")
            ));
            statements.push(format!("GRANT SELECT ON {name} TO PUBLIC"));
        }
        _ => return Err(told(922, "missing or invalid option")),
    }
    Ok(statements)
}

/// A column, and what it takes beside it.
fn column_parts(column: &mut ColumnDef, context: &Context<'_>) -> Result<Vec<String>> {
    let plain = names::folded(&column.name, context)?;
    let name = quote(&plain);
    let written = types::written(&column.data_type)?;
    let (mut kind, mut rest, mut beside) = (written.sql, String::new(), Vec::new());
    for option in &mut column.options {
        let named = match &option.name {
            Some(name) => format!("CONSTRAINT {} ", quote(&names::folded(name, context)?)),
            None => format!("CONSTRAINT {} ", quote(&numbered("SYS_C"))),
        };
        match &mut option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => rest.push_str(" NOT NULL"),
            ColumnOption::Default(value) => rest.push_str(&format!(" DEFAULT {}", default(value, &kind, context)?)),
            ColumnOption::PrimaryKey(_) => rest.push_str(&format!(" {named}PRIMARY KEY")),
            ColumnOption::Unique(_) => rest.push_str(&format!(" {named}UNIQUE")),
            ColumnOption::Check(check) => {
                rewrite::rewrite(&mut check.expr, context)?;
                beside.push(format!("{named}CHECK ({})", check.expr));
            }
            ColumnOption::Generated { generated_as, generation_expr: None, sequence_options, .. } => {
                let generated = match generated_as {
                    GeneratedAs::Always => "ALWAYS",
                    GeneratedAs::ByDefault => "BY DEFAULT",
                    GeneratedAs::ExpStored => return Err(unknown("a generated column")),
                };
                if sequence_options.as_ref().is_some_and(|options| !options.is_empty()) {
                    return Err(unknown("options of an identity column"));
                }
                if !kind.starts_with("numeric") {
                    return Err(told(30675, "identity column must be a numeric type"));
                }
                kind = "bigint".to_owned();
                rest.push_str(&format!(" GENERATED {generated} AS IDENTITY NOT NULL"));
            }
            other => return Err(unknown(other.to_string())),
        }
    }
    if let Some(bytes) = written.bytes {
        let check = quote(&numbered("oracle_bytes_"));
        beside.push(format!("CONSTRAINT {check} CHECK (octet_length(CAST({name} AS text)) <= {bytes})"));
    }
    let mut parts = vec![format!("{name} {kind}{rest}")];
    parts.append(&mut beside);
    Ok(parts)
}

fn default(value: &mut Expr, kind: &str, context: &Context<'_>) -> Result<String> {
    rewrite::rewrite(value, context)?;
    Ok(format!("CAST({value} AS {kind})"))
}

fn constraint_part(constraint: &mut TableConstraint, context: &Context<'_>) -> Result<String> {
    let name = |name: &Option<sqlparser::ast::Ident>| {
        let name = name.as_ref().map(|name| names::folded(name, context)).transpose()?;
        Ok::<String, crate::error::OraError>(quote(&name.unwrap_or_else(|| numbered("SYS_C"))))
    };
    Ok(match constraint {
        TableConstraint::PrimaryKey(of) => {
            format!("CONSTRAINT {} PRIMARY KEY ({})", name(&of.name)?, plain_columns(&of.columns, context)?)
        }
        TableConstraint::Unique(of) => {
            format!("CONSTRAINT {} UNIQUE ({})", name(&of.name)?, plain_columns(&of.columns, context)?)
        }
        TableConstraint::Check(of) => {
            rewrite::rewrite(&mut of.expr, context)?;
            format!("CONSTRAINT {} CHECK ({})", name(&of.name)?, of.expr)
        }
        other => return Err(unknown(other.to_string())),
    })
}

fn plain_columns(columns: &[IndexColumn], context: &Context<'_>) -> Result<String> {
    let mut written = Vec::new();
    for column in columns {
        let Expr::Identifier(name) = &column.column.expr else { return Err(unknown(column.to_string())) };
        written.push(quote(&names::folded(name, context)?));
    }
    Ok(written.join(", "))
}

fn create_index(create: &mut CreateIndex, context: &Context<'_>) -> Result<String> {
    let plain = !create.concurrently
        && !create.if_not_exists
        && create.using.is_none()
        && create.include.is_empty()
        && create.predicate.is_none()
        && create.nulls_distinct.is_none()
        && create.with.is_empty()
        && create.index_options.is_empty()
        && create.alter_options.is_empty();
    if !plain {
        return Err(ora(933));
    }
    let name = create.name.as_ref().ok_or_else(|| told(953, "missing or invalid index name"))?;
    let (_, name) = names::table(name, context)?;
    let table = names::written(&create.table_name, context)?;
    let unique = if create.unique { "UNIQUE " } else { "" };
    let mut columns = Vec::new();
    for column in &mut create.columns {
        rewrite::rewrite(&mut column.column.expr, context)?;
        let expr = &column.column.expr;
        columns.push(if matches!(expr, Expr::Identifier(_)) { expr.to_string() } else { format!("({expr})") });
    }
    Ok(format!("CREATE {unique}INDEX {} ON {table} ({})", quote(&name), columns.join(", ")))
}

fn alter_table(alter: &mut AlterTable, context: &Context<'_>) -> Result<Vec<String>> {
    if alter.if_exists || alter.only {
        return Err(ora(933));
    }
    let table = names::written(&alter.name, context)?;
    let mut statements = Vec::new();
    for operation in &mut alter.operations {
        match operation {
            AlterTableOperation::AddColumn { column_keyword: false, if_not_exists: false, column_def, .. } => {
                for (at, part) in column_parts(column_def, context)?.into_iter().enumerate() {
                    let what = if at == 0 { "COLUMN " } else { "" };
                    statements.push(format!("ALTER TABLE {table} ADD {what}{part}"));
                }
            }
            AlterTableOperation::AddConstraint { constraint, not_valid: false } => {
                statements.push(format!("ALTER TABLE {table} ADD {}", constraint_part(constraint, context)?));
            }
            AlterTableOperation::DropColumn { has_column_keyword: true, column_names, if_exists: false, .. } => {
                for name in column_names {
                    statements
                        .push(format!("ALTER TABLE {table} DROP COLUMN {}", quote(&names::folded(name, context)?)));
                }
            }
            other => return Err(unknown(other.to_string())),
        }
    }
    Ok(statements)
}
