//! Queries: their clauses, before their expressions are written anew.

use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, LimitClause, ObjectName,
    ObjectNamePart, Query, Select, SelectItem, SetExpr, SetOperator, TableAlias, TableFactor, Value,
};

use super::Context;
use super::functions::is_aggregate;
use super::names::ours;
use crate::error::{Result, ora, told, unknown};

/// A query, without what is inside its parts.
pub(crate) fn query(query: &mut Query, context: &Context<'_>) -> Result<()> {
    let known = query.for_clause.is_none()
        && query.settings.is_none()
        && query.format_clause.is_none()
        && query.pipe_operators.is_empty();
    if !known {
        return Err(unknown(query.to_string()));
    }
    if let Some(with) = &query.with
        && (with.recursive || with.cte_tables.iter().any(|cte| cte.materialized.is_some() || cte.from.is_some()))
    {
        return Err(ora(933));
    }
    match &query.limit_clause {
        None | Some(LimitClause::LimitOffset { limit: None, .. }) => {}
        _ => return Err(ora(933)),
    }
    if query.fetch.as_ref().is_some_and(|fetch| fetch.percent || fetch.with_ties) {
        return Err(unknown("FETCH … PERCENT and WITH TIES"));
    }
    let limited = query.fetch.is_some() || query.limit_clause.is_some();
    let locked = !query.locks.is_empty();
    if let SetExpr::Select(select) = query.body.as_mut() {
        if locked && (limited || groups(select)) {
            return Err(ora(2014));
        }
        if let Some(limit) = row_number(select)? {
            if limited || groups(select) || query.order_by.is_some() {
                return Err(unknown("ROWNUM beside ORDER BY, GROUP BY, DISTINCT or FETCH FIRST"));
            }
            let (limit, offset, limit_by) = (Some(limit), None, Vec::new());
            query.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by });
        }
        let single = select.from.len() == 1 && select.from[0].joins.is_empty();
        for lock in &mut query.locks {
            // Oracle names a column, PostgreSQL its table.
            match lock.of.take() {
                None => {}
                Some(_) if single => {}
                Some(mut column) if column.0.len() == 2 => {
                    column.0.pop();
                    lock.of = Some(column);
                }
                Some(column) => return Err(unknown(format!("FOR UPDATE OF {column}"))),
            }
        }
    } else if locked {
        return Err(ora(2014));
    }
    set_operations(&mut query.body, context)
}

/// Whether rows of an answer are not rows of a table.
fn groups(select: &Select) -> bool {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(columns, _) if columns.is_empty());
    let calls = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => match expr {
            Expr::Function(call) => call.over.is_some() || is_aggregate(&call.name.to_string().to_uppercase()),
            _ => false,
        },
        _ => false,
    };
    grouped || select.distinct.is_some() || select.having.is_some() || select.projection.iter().any(calls)
}

fn set_operations(body: &mut SetExpr, context: &Context<'_>) -> Result<()> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) => Ok(()),
        SetExpr::SetOperation { left, op, right, .. } => {
            match op {
                SetOperator::Minus => *op = SetOperator::Except,
                SetOperator::Except => return Err(ora(933)),
                SetOperator::Union | SetOperator::Intersect => {}
            }
            set_operations(left, context)?;
            set_operations(right, context)
        }
        SetExpr::Values(values) if values.rows.len() == 1 || context.version >= (23, 0) => Ok(()),
        SetExpr::Values(_) => Err(ora(933)),
        other => Err(unknown(other.to_string())),
    }
}

/// Takes `ROWNUM <= n` out of the conditions that are joined by AND.
fn row_number(select: &mut Select) -> Result<Option<Expr>> {
    let Some(condition) = select.selection.take() else { return Ok(None) };
    let mut limit = None;
    select.selection = without_row_number(condition, &mut limit)?;
    Ok(limit)
}

fn without_row_number(condition: Expr, limit: &mut Option<Expr>) -> Result<Option<Expr>> {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            let (left, right) = (without_row_number(*left, limit)?, without_row_number(*right, limit)?);
            Ok(match (left, right) {
                (Some(left), Some(right)) => {
                    Some(Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) })
                }
                (left, right) => left.or(right),
            })
        }
        Expr::BinaryOp { left, op, right } if is_row_number(&left) => {
            let most = match op {
                BinaryOperator::LtEq => *right,
                BinaryOperator::Eq if right.to_string() == "1" => *right,
                BinaryOperator::Lt => {
                    let one = Expr::value(Value::Number("1".into(), false));
                    Expr::BinaryOp { left: right, op: BinaryOperator::Minus, right: Box::new(one) }
                }
                _ => return Err(unknown(format!("ROWNUM {op} {right}"))),
            };
            if limit.replace(bounded(most)).is_some() {
                return Err(unknown("ROWNUM twice"));
            }
            Ok(None)
        }
        other => Ok(Some(other)),
    }
}

/// LIMIT takes a whole number.
fn bounded(expr: Expr) -> Expr {
    Expr::Function(super::functions::whole(expr))
}

pub(crate) fn is_row_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("ROWNUM"))
}

/// A SELECT, without its expressions. Columns without a name get Oracle's: their text.
pub(crate) fn select(select: &mut Select, context: &Context<'_>) -> Result<()> {
    let known = select.top.is_none()
        && select.into.is_none()
        && select.lateral_views.is_empty()
        && select.prewhere.is_none()
        && select.connect_by.is_empty()
        && select.cluster_by.is_empty()
        && select.distribute_by.is_empty()
        && select.sort_by.is_empty()
        && select.named_window.is_empty()
        && select.qualify.is_none()
        && select.value_table_mode.is_none()
        && select.exclude.is_none()
        && !matches!(select.distinct, Some(Distinct::On(_)));
    if !known {
        return Err(unknown(select.to_string()));
    }
    if select.from.is_empty() && context.version < (23, 0) {
        return Err(ora(923));
    }
    let alone = select.projection.len() == 1;
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) if !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
                let mut name: String = expr.to_string().to_uppercase();
                name.retain(|letter| !letter.is_whitespace());
                let name: String = name.chars().take(30).collect();
                let alias = Ident::with_quote('"', name.replace('"', ""));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
            SelectItem::Wildcard(_) if !alone => return Err(ora(923)),
            _ => {}
        }
    }
    for from in &select.from {
        for join in &from.joins {
            join_operator(&join.join_operator)?;
        }
    }
    Ok(())
}

fn join_operator(operator: &JoinOperator) -> Result<()> {
    use JoinOperator::{CrossJoin, FullOuter, Inner, Join, Left, LeftOuter, Right, RightOuter};
    match operator {
        CrossJoin(JoinConstraint::None) => Ok(()),
        Join(constraint)
        | Inner(constraint)
        | Left(constraint)
        | LeftOuter(constraint)
        | Right(constraint)
        | RightOuter(constraint)
        | FullOuter(constraint) => match constraint {
            JoinConstraint::On(_) | JoinConstraint::Using(_) => Ok(()),
            _ => Err(told(905, "missing keyword")),
        },
        _ => Err(unknown("a join of that kind")),
    }
}

/// A table, or a query in place of one.
pub(crate) fn factor(factor: &mut TableFactor, made: &mut usize, context: &Context<'_>) -> Result<()> {
    match factor {
        TableFactor::Table { alias, args: None, version: None, sample: None, json_path: None, .. } => {
            plain_alias(alias.as_ref())
        }
        TableFactor::Derived { lateral: false, alias, sample: None, .. } => {
            plain_alias(alias.as_ref())?;
            if alias.is_none() {
                // PostgreSQL wants a name for each.
                *made += 1;
                let name = ours(&format!("unnamed_{made}"));
                *alias = Some(TableAlias { explicit: false, name, columns: Vec::new(), at: None });
            }
            Ok(())
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            table_with_joins.joins.iter().try_for_each(|join| join_operator(&join.join_operator))
        }
        TableFactor::XmlTable { columns, alias, namespaces, .. } if namespaces.is_empty() => {
            for column in columns {
                if let sqlparser::ast::XmlTableColumnOption::NamedInfo { r#type, .. } = &mut column.option {
                    let written = super::types::written(r#type)?;
                    *r#type = sqlparser::ast::DataType::Custom(
                        ObjectName(vec![ObjectNamePart::Identifier(ours(&written.sql))]),
                        vec![],
                    );
                }
            }
            plain_alias(alias.as_ref())
        }
        other => {
            let _ = context;
            Err(unknown(other.to_string()))
        }
    }
}

/// Oracle has no AS before the name of a table.
fn plain_alias(alias: Option<&TableAlias>) -> Result<()> {
    match alias {
        Some(alias) if alias.explicit => Err(ora(933)),
        Some(alias) if !alias.columns.is_empty() => Err(ora(933)),
        _ => Ok(()),
    }
}

/// The last part of a name.
pub(crate) fn last(name: &ObjectName) -> Option<&Ident> {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(ident)) => Some(ident),
        _ => None,
    }
}
