//! INSERT, UPDATE and DELETE.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, JoinConstraint, JoinOperator, ObjectName,
    TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::column::{exact_first, same_name};
use super::{Output, Relation, Rewriter, Scope, Stop, Written, none, parts};
use crate::session::Type;
use crate::sql::catalogue::quote;
use crate::sql::errors::error;

impl Rewriter<'_> {
    pub(crate) fn insert(&mut self, insert: &Insert) -> Written<String> {
        none(insert.optimizer_hints.is_empty() && insert.or.is_none() && !insert.ignore && !insert.overwrite)?;
        none(insert.table_alias.is_none() && insert.assignments.is_empty() && insert.partitioned.is_none())?;
        none(insert.after_columns.is_empty() && !insert.has_table_keyword && insert.on.is_none())?;
        none(
            insert.returning.is_none() && insert.output.is_none() && !insert.replace_into && insert.settings.is_none(),
        )?;
        let TableObject::TableName(name) = &insert.table else { return Err(Stop::Shape) };
        let table = self.table(name)?;
        let own = plain_name(name)?;
        let columns: Vec<&Output> = match insert.columns.is_empty() {
            true => table.columns.iter().filter(|column| !column.is_identity).collect(),
            false => {
                let found = insert.columns.iter().map(|column| target(&table.columns, column));
                found.collect::<Written<Vec<&Output>>>()?
            }
        };
        if columns.iter().any(|column| column.is_identity) {
            let message = format!(
                "Cannot insert explicit value for identity column in table '{own}' when IDENTITY_INSERT is set to OFF."
            );
            return Err(error(544, message).into());
        }
        let targets: Vec<Option<Type>> = columns.iter().map(|column| column.kind).collect();
        let names: Vec<String> = columns.iter().map(|column| quote(&column.name)).collect();
        let source = insert.source.as_ref().ok_or(Stop::Shape)?;
        let (source, made) = self.query(source, Some(&targets))?;
        if made.len() != targets.len() {
            let message = "The number of columns for each row in a table value constructor must be the same as the number of target columns.";
            return Err(error(120, message).into());
        }
        Ok(format!("INSERT INTO {} ({}) {source}", table.sql, names.join(", ")))
    }

    /// `UPDATE t SET … FROM [s].[table] AS t JOIN #x AS x ON … WHERE …`, and without FROM.
    pub(crate) fn update(&mut self, update: &Update) -> Written<String> {
        none(update.optimizer_hints.is_empty() && update.returning.is_none() && update.output.is_none())?;
        none(update.or.is_none() && update.order_by.is_empty() && update.limit.is_none())?;
        none(update.table.joins.is_empty())?;
        let TableFactor::Table { name, alias: None, .. } = &update.table.relation else { return Err(Stop::Shape) };
        let from = match &update.from {
            None => None,
            Some(UpdateTableFromKind::AfterSet(from)) => Some(from.as_slice()),
            Some(UpdateTableFromKind::BeforeSet(_)) => return Err(Stop::Shape),
        };
        let target = self.changed(name, &update.table, from)?;
        let mut set = Vec::new();
        for Assignment { target: of, value } in &update.assignments {
            let AssignmentTarget::ColumnName(of) = of else { return Err(Stop::Shape) };
            let column = self::target(&target.columns, of)?;
            let value = self.expr(value)?;
            let value = match column.kind {
                Some(kind) => self.assigned(kind, value)?,
                None => value,
            };
            set.push(format!("{} = {}", quote(&column.name), value.text));
        }
        let condition = self.condition(target.conditions, update.selection.as_ref())?;
        self.scopes.pop();
        let from = if target.from.is_empty() { String::new() } else { format!(" FROM {}", target.from.join(", ")) };
        Ok(format!("UPDATE {} SET {}{from}{condition}", target.sql, set.join(", ")))
    }

    /// `DELETE FROM table WHERE …`, `DELETE t FROM table AS t JOIN …`.
    pub(crate) fn delete(&mut self, delete: &Delete) -> Written<String> {
        none(delete.optimizer_hints.is_empty() && delete.returning.is_none() && delete.output.is_none())?;
        none(delete.using.is_none() && delete.order_by.is_empty() && delete.limit.is_none())?;
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let [first, ..] = from.as_slice() else { return Err(Stop::Shape) };
        let target = match delete.tables.as_slice() {
            [] => {
                none(from.len() == 1 && first.joins.is_empty())?;
                let TableFactor::Table { name, .. } = &first.relation else { return Err(Stop::Shape) };
                self.changed(name, first, None)?
            }
            [name] => self.changed(name, first, Some(from))?,
            _ => return Err(Stop::Shape),
        };
        let condition = self.condition(target.conditions, delete.selection.as_ref())?;
        self.scopes.pop();
        let using = if target.from.is_empty() { String::new() } else { format!(" USING {}", target.from.join(", ")) };
        Ok(format!("DELETE FROM {}{using}{condition}", target.sql))
    }

    fn condition(&mut self, mut conditions: Vec<String>, selection: Option<&Expr>) -> Written<String> {
        if let Some(selection) = selection {
            conditions.push(self.expr(selection)?.text);
        }
        none(self.scope()?.locks.is_empty())?;
        Ok(if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) })
    }

    /// The table that is changed, what is joined to it, and a scope with all of that, which the caller takes away. PostgreSQL's target
    /// stands apart, so only inner joins can be said.
    fn changed(
        &mut self,
        name: &ObjectName,
        own: &TableWithJoins,
        from: Option<&[TableWithJoins]>,
    ) -> Written<Changed> {
        self.scopes.push(Scope::default());
        let (mut factors, mut conditions) = (Vec::new(), Vec::new());
        match from {
            None => factors.push(&own.relation),
            Some(from) => {
                for source in from {
                    factors.push(&source.relation);
                    for join in &source.joins {
                        match &join.join_operator {
                            JoinOperator::Join(JoinConstraint::On(on))
                            | JoinOperator::Inner(JoinConstraint::On(on)) => {
                                conditions.push(on);
                            }
                            JoinOperator::CrossJoin(JoinConstraint::None) => {}
                            _ => return Err(Stop::Shape),
                        }
                        factors.push(&join.relation);
                    }
                }
            }
        }
        let wanted = plain_name(name)?;
        let is_target = |factor: &TableFactor| match factor {
            TableFactor::Table { alias: Some(alias), .. } => same_name(&alias.name.value, &wanted),
            TableFactor::Table { name, alias: None, .. } => plain_name(name).is_ok_and(|own| same_name(&own, &wanted)),
            _ => false,
        };
        let position = factors.iter().position(|factor| is_target(factor));
        // A table that is named in full and not among the joined ones, all of which then are joined to it.
        let (mut sql, mut columns) = (String::new(), Vec::new());
        if position.is_none() {
            let table = self.table(name)?;
            (sql, columns) = (table.sql.clone(), table.columns.clone());
            self.scope()?.relations.push(Relation { alias: wanted.clone(), columns: columns.clone() });
        }
        let mut others = Vec::new();
        for (at, factor) in factors.into_iter().enumerate() {
            let written = self.factor(factor, false)?;
            if Some(at) == position {
                columns = self.scope()?.relations.last().ok_or(Stop::Shape)?.columns.clone();
                sql = written;
            } else {
                others.push(written);
            }
        }
        let conditions = conditions.into_iter().map(|on| Ok(self.expr(on)?.text)).collect::<Written<Vec<String>>>()?;
        Ok(Changed { sql, columns, from: others, conditions })
    }
}

struct Changed {
    sql: String,
    columns: Vec<Output>,
    from: Vec<String>,
    conditions: Vec<String>,
}

/// A column that is written, with or without its table's alias.
fn target<'c>(columns: &'c [Output], name: &ObjectName) -> Written<&'c Output> {
    let name = plain_name(name)?;
    match exact_first(columns, &name) {
        Some(column) => Ok(column),
        None => Err(error(207, format!("Invalid column name '{name}'.")).into()),
    }
}

fn plain_name(name: &ObjectName) -> Written<String> {
    parts(name)?.pop().ok_or(Stop::Shape)
}
