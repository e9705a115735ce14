//! SELECT.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, OrderBy, OrderByExpr, OrderByKind, OrderBySort, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TopQuantity, Value,
};

use super::column::column;
use super::source::rename;
use super::{Output, Relation, Rewriter, Scope, Sql, Stop, Written, none, same_name};
use crate::session::Type;
use crate::sql::catalogue::quote;
use crate::sql::types;

/// The types of the columns into which an INSERT puts what is selected.
pub(crate) type Targets<'t> = Option<&'t [Option<Type>]>;

impl Rewriter<'_> {
    pub(crate) fn query(&mut self, query: &Query, targets: Targets<'_>) -> Written<(String, Vec<Output>)> {
        none(query.limit_clause.is_none() && query.fetch.is_none() && query.locks.is_empty())?;
        none(query.for_clause.is_none() && query.settings.is_none() && query.format_clause.is_none())?;
        none(query.pipe_operators.is_empty())?;
        let before = self.ctes.len();
        let mut with = Vec::new();
        if let Some(ctes) = &query.with {
            none(!ctes.recursive)?;
            for cte in &ctes.cte_tables {
                none(cte.from.is_none() && cte.materialized.is_none())?;
                let (sql, mut columns) = self.query(&cte.query, None)?;
                let alias = cte.alias.name.value.clone();
                let names = match cte.alias.columns.is_empty() {
                    true => String::new(),
                    false => rename(&mut columns, &cte.alias)?,
                };
                with.push(format!("{}{names} AS ({sql})", quote(&alias)));
                self.ctes.push(Relation { alias, columns });
            }
        }
        let with = if with.is_empty() { String::new() } else { format!("WITH {} ", with.join(", ")) };
        let (body, columns) = self.body(&query.body, query.order_by.as_ref(), targets)?;
        self.ctes.truncate(before);
        Ok((format!("{with}{body}"), columns))
    }

    fn body(
        &mut self,
        body: &SetExpr,
        order: Option<&OrderBy>,
        targets: Targets<'_>,
    ) -> Written<(String, Vec<Output>)> {
        match body {
            SetExpr::Select(select) => self.select(select, order, targets),
            SetExpr::Query(query) if order.is_none() => {
                let (sql, columns) = self.query(query, targets)?;
                Ok((format!("({sql})"), columns))
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } if order.is_none() => {
                let word = match (op, set_quantifier) {
                    (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
                    (SetOperator::Union, SetQuantifier::None) => "UNION",
                    (SetOperator::Intersect, SetQuantifier::None) => "INTERSECT",
                    (SetOperator::Except, SetQuantifier::None) => "EXCEPT",
                    _ => return Err(Stop::Shape),
                };
                let (left, mut columns) = self.body(left, None, targets)?;
                let (right, others) = self.body(right, None, targets)?;
                let is_all = word == "UNION ALL";
                for (at, (column, other)) in columns.iter_mut().zip(others).enumerate() {
                    column.label = match is_all {
                        true => column.label.beside(other.label, word)?.of_column(at + 1, "SELECT")?,
                        false => column.label.against(other.label, word)?,
                    };
                    column.kind = types::common(column.kind, other.kind);
                    column.nullable |= other.nullable;
                }
                Ok((format!("({left}) {word} ({right})"), columns))
            }
            SetExpr::Values(values) if order.is_none() => {
                let (mut rows, mut columns) = (Vec::new(), Vec::<Output>::new());
                for row in &values.rows {
                    let mut cells = Vec::new();
                    for (at, cell) in row.content.iter().enumerate() {
                        let cell = self.cell(cell, at, targets)?;
                        match columns.get_mut(at) {
                            Some(column) => {
                                column.label =
                                    column.label.beside(cell.label, "UNION ALL")?.of_column(at + 1, "SELECT")?;
                                column.kind = types::common(column.kind, cell.kind);
                            }
                            None => columns.push(output(String::new(), &cell)),
                        }
                        cells.push(cell.text);
                    }
                    rows.push(format!("({})", cells.join(", ")));
                }
                Ok((format!("VALUES {}", rows.join(", ")), columns))
            }
            _ => Err(Stop::Shape),
        }
    }

    /// A column of what is selected, as the column needs it into which it is put.
    fn cell(&mut self, expr: &Expr, at: usize, targets: Targets<'_>) -> Written<Sql> {
        let cell = self.expr(expr)?;
        if targets.is_none() {
            cell.label.of_column(at + 1, "SELECT")?;
        }
        match targets.and_then(|targets| targets.get(at).copied().flatten()) {
            Some(target) => self.assigned(target, cell),
            None => Ok(cell),
        }
    }

    fn select(
        &mut self,
        select: &Select,
        order: Option<&OrderBy>,
        targets: Targets<'_>,
    ) -> Written<(String, Vec<Output>)> {
        none(select.optimizer_hints.is_empty() && select.select_modifiers.is_none() && select.exclude.is_none())?;
        none(select.into.is_none() && select.lateral_views.is_empty() && select.prewhere.is_none())?;
        none(select.connect_by.is_empty() && select.cluster_by.is_empty() && select.distribute_by.is_empty())?;
        none(select.sort_by.is_empty() && select.named_window.is_empty() && select.qualify.is_none())?;
        none(select.value_table_mode.is_none())?;
        self.scopes.push(Scope::default());
        let from = self.sources(&select.from)?;
        let mut sql = match select.distinct {
            None => "SELECT ".to_owned(),
            Some(Distinct::Distinct) => "SELECT DISTINCT ".to_owned(),
            Some(_) => return Err(Stop::Shape),
        };
        let (items, columns) = self.items(&select.projection, targets)?;
        sql.push_str(&items);
        if !from.is_empty() {
            sql.push_str(&format!(" FROM {from}"));
        }
        if let Some(condition) = &select.selection {
            sql.push_str(&format!(" WHERE {}", self.expr(condition)?.text));
        }
        match &select.group_by {
            GroupByExpr::Expressions(by, modifiers) if modifiers.is_empty() => {
                let keys = by.iter().map(|by| self.expr(by)).collect::<Written<Vec<Sql>>>()?;
                for (at, key) in keys.iter().enumerate() {
                    key.label.of_column(at + 1, "GROUP BY")?;
                }
                let by: Vec<String> = keys.into_iter().map(|key| key.text).collect();
                if !by.is_empty() {
                    sql.push_str(&format!(" GROUP BY {}", by.join(", ")));
                }
            }
            _ => return Err(Stop::Shape),
        }
        if let Some(having) = &select.having {
            sql.push_str(&format!(" HAVING {}", self.expr(having)?.text));
        }
        if let Some(order) = order {
            let OrderByKind::Expressions(by) = &order.kind else { return Err(Stop::Shape) };
            none(order.interpolate.is_none())?;
            self.scope()?.made = columns.iter().filter(|column| !column.name.is_empty()).cloned().collect();
            let by = self.order(by)?;
            sql.push_str(&format!(" ORDER BY {by}"));
        }
        if let Some(top) = &select.top {
            none(!top.with_ties && !top.percent)?;
            let rows = match top.quantity.as_ref().ok_or(Stop::Shape)? {
                TopQuantity::Constant(rows) => rows.to_string(),
                TopQuantity::Expr(rows) => self.expr(rows)?.text,
            };
            sql.push_str(&format!(" LIMIT {rows}"));
        }
        let scope = self.scopes.pop().ok_or(Stop::Shape)?;
        sql.push_str(&scope.locks.concat());
        Ok((sql, columns))
    }

    /// ORDER BY, with nulls where SQL Server has them: before everything.
    pub(crate) fn order(&mut self, by: &[OrderByExpr]) -> Written<String> {
        let mut written = Vec::new();
        for by in by {
            none(by.with_fill.is_none() && by.options.nulls_first.is_none())?;
            let direction = match by.options.sort {
                None | Some(OrderBySort::Asc) => "ASC NULLS FIRST",
                Some(OrderBySort::Desc) => "DESC NULLS LAST",
                Some(_) => return Err(Stop::Shape),
            };
            let key = match &by.expr {
                Expr::Value(value) if matches!(value.value, Value::Number(..)) => value.to_string(),
                expr => {
                    let key = self.expr(expr)?;
                    key.label.of_column(written.len() + 1, "ORDER BY")?;
                    key.text
                }
            };
            written.push(format!("{key} {direction}"));
        }
        Ok(written.join(", "))
    }

    fn items(&mut self, items: &[SelectItem], targets: Targets<'_>) -> Written<(String, Vec<Output>)> {
        let (mut written, mut columns) = (Vec::new(), Vec::new());
        let mut add = |name: String, sql: Sql| {
            columns.push(output(name.clone(), &sql));
            written.push(match name.is_empty() {
                true => sql.text,
                false => format!("{} AS {}", sql.text, quote(&name)),
            });
        };
        for item in items {
            let of = match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = match expr {
                        Expr::Identifier(name) if !name.value.starts_with('@') => Some(name),
                        Expr::CompoundIdentifier(names) => names.last(),
                        _ => None,
                    };
                    let name = name.map(|name| name.value.clone()).unwrap_or_default();
                    add(name, self.cell(expr, place(items, item), targets)?);
                    continue;
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    add(alias.value.clone(), self.cell(expr, place(items, item), targets)?);
                    continue;
                }
                SelectItem::Wildcard(_) => None,
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(of), _) => {
                    Some(super::parts(of)?.pop().ok_or(Stop::Shape)?)
                }
                _ => return Err(Stop::Shape),
            };
            none(targets.is_none())?;
            let relations = self.scope()?.relations.clone();
            let named = |relation: &&Relation| of.as_ref().is_none_or(|of| same_name(&relation.alias, of));
            for relation in relations.iter().filter(named) {
                for found in &relation.columns {
                    add(found.name.clone(), column(&relation.alias, found));
                }
            }
        }
        Ok((written.join(", "), columns))
    }
}

/// Where an item stands; there are no wildcards where it matters.
fn place(items: &[SelectItem], item: &SelectItem) -> usize {
    items.iter().position(|other| std::ptr::eq(other, item)).unwrap_or(0)
}

fn output(name: String, sql: &Sql) -> Output {
    Output { name, kind: sql.kind, nullable: sql.nullable, is_identity: false, label: sql.label }
}
