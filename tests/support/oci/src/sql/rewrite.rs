//! SELECT, INSERT, UPDATE, DELETE and MERGE, changed in place into PostgreSQL's.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AssignmentTarget, BinaryOperator, CastKind, CeilFloorKind, DataType, Delete, Expr, FromTable, Ident, Insert, Merge,
    MergeAction, MergeClauseKind, MergeInsertKind, MergeUpdateKind, ObjectName, ObjectNamePart, Query, Select, SetExpr,
    Statement, TableFactor, TableObject, TypedString, UnaryOperator, Update, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};

use super::names::{self, ours};
use super::query::{self, is_row_number, last};
use super::{Context, Plan, functions, types};
use crate::error::{OraError, Result, ora, told, unknown};

/// A statement that reads or changes rows.
pub(crate) fn statement(mut statement: Statement, context: &Context<'_>) -> Result<Plan> {
    let locks = matches!(&statement, Statement::Query(query) if !query.locks.is_empty());
    match &mut statement {
        Statement::Insert(insert) => check_insert(insert)?,
        Statement::Update(update) => check_update(update)?,
        Statement::Delete(delete) => check_delete(delete)?,
        Statement::Merge(merge) => check_merge(merge)?,
        _ => {}
    }
    let tables = rewrite(&mut statement, context)?;
    let sql = statement.to_string();
    Ok(match statement {
        Statement::Query(_) => Plan::Query { sql, locks, tables },
        _ => Plan::Change { sql, tables },
    })
}

/// Rewrites any part of a statement, and tells the user's tables in it.
pub(crate) fn rewrite(part: &mut impl VisitMut, context: &Context<'_>) -> Result<Vec<String>> {
    let mut rewriter = Rewriter { context, tables: Vec::new(), made: 0 };
    match part.visit(&mut rewriter) {
        ControlFlow::Continue(()) => Ok(rewriter.tables),
        ControlFlow::Break(fault) => Err(fault),
    }
}

fn check_insert(insert: &mut Insert) -> Result<()> {
    let plain = insert.into
        && insert.or.is_none()
        && !insert.ignore
        && !insert.overwrite
        && insert.assignments.is_empty()
        && insert.partitioned.is_none()
        && insert.on.is_none()
        && insert.returning.is_none()
        && insert.output.is_none()
        && !insert.replace_into
        && insert.multi_table_into_clauses.is_empty()
        && insert.multi_table_when_clauses.is_empty()
        && matches!(insert.table, TableObject::TableName(_));
    if !plain {
        return Err(unknown("this INSERT"));
    }
    if insert.source.as_ref().is_none_or(|source| source.with.is_some() && matches!(*source.body, SetExpr::Values(_))) {
        return Err(told(926, "missing VALUES keyword"));
    }
    insert.columns.iter_mut().for_each(unqualified);
    Ok(())
}

fn check_update(update: &mut Update) -> Result<()> {
    let plain = update.from.is_none()
        && update.returning.is_none()
        && update.output.is_none()
        && update.or.is_none()
        && update.order_by.is_empty()
        && update.limit.is_none()
        && update.table.joins.is_empty()
        && matches!(update.table.relation, TableFactor::Table { .. });
    if !plain {
        return Err(ora(933));
    }
    for assignment in &mut update.assignments {
        assigned(&mut assignment.target);
    }
    Ok(())
}

fn check_delete(delete: &mut Delete) -> Result<()> {
    let plain = delete.tables.is_empty()
        && delete.using.is_none()
        && delete.returning.is_none()
        && delete.output.is_none()
        && delete.order_by.is_empty()
        && delete.limit.is_none();
    if !plain {
        return Err(ora(933));
    }
    // FROM may be missing.
    if let FromTable::WithoutKeyword(from) = &mut delete.from {
        delete.from = FromTable::WithFromKeyword(std::mem::take(from));
    }
    Ok(())
}

/// PostgreSQL has its conditions beside WHEN, and at the columns that are set no table.
fn check_merge(merge: &mut Merge) -> Result<()> {
    if merge.output.is_some() || !merge.into {
        return Err(unknown("this MERGE"));
    }
    let joined = merge.on.to_string().to_uppercase();
    let target = match &merge.table {
        TableFactor::Table { alias: Some(alias), .. } => alias.name.value.to_uppercase(),
        TableFactor::Table { name, .. } => last(name).map(|name| name.value.to_uppercase()).unwrap_or_default(),
        _ => return Err(unknown("MERGE INTO a query")),
    };
    for clause in &mut merge.clauses {
        if clause.predicate.is_some() {
            return Err(told(905, "missing keyword"));
        }
        match (&clause.clause_kind, &mut clause.action) {
            (MergeClauseKind::Matched, MergeAction::Update(update)) => {
                if update.delete_predicate.is_some() {
                    return Err(unknown("MERGE … DELETE WHERE"));
                }
                let MergeUpdateKind::Set(assignments) = &mut update.kind else { return Err(ora(933)) };
                for assignment in assignments {
                    assigned(&mut assignment.target);
                    let column = assignment.target.to_string().to_uppercase().replace('"', "");
                    if mentions(&joined.replace('"', ""), &format!("{target}.{column}")) {
                        return Err(told(
                            38104,
                            format!("Columns referenced in the ON Clause cannot be updated: {column}"),
                        ));
                    }
                }
                clause.predicate = update.update_predicate.take();
            }
            (MergeClauseKind::NotMatched, MergeAction::Insert(insert)) => {
                if !matches!(&insert.kind, MergeInsertKind::Values(values) if values.rows.len() == 1) {
                    return Err(ora(933));
                }
                insert.columns.iter_mut().for_each(unqualified);
                clause.predicate = insert.insert_predicate.take();
            }
            _ => return Err(told(905, "missing keyword")),
        }
    }
    Ok(())
}

/// Whether a name stands in a text by itself.
fn mentions(text: &str, name: &str) -> bool {
    let part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || "_$#.".contains(letter));
    text.match_indices(name)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next()))
}

fn assigned(target: &mut AssignmentTarget) {
    match target {
        AssignmentTarget::ColumnName(name) => unqualified(name),
        AssignmentTarget::Tuple(names) => names.iter_mut().for_each(unqualified),
    }
}

fn unqualified(name: &mut ObjectName) {
    let keep = name.0.len().saturating_sub(1);
    name.0.drain(..keep);
}

struct Rewriter<'a> {
    context: &'a Context<'a>,
    tables: Vec<String>,
    made: usize,
}

type Flow = ControlFlow<OraError>;

fn flow(done: Result<()>) -> Flow {
    match done {
        Ok(()) => Flow::Continue(()),
        Err(fault) => Flow::Break(fault),
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = OraError;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        flow(query::query(query, self.context))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        flow(query::select(select, self.context))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        flow(query::factor(factor, &mut self.made, self.context))
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> Flow {
        flow(self.relation(relation))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        flow(self.expr(expr))
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> Flow {
        flow(names::fold(ident, self.context))
    }
}

impl Rewriter<'_> {
    fn relation(&mut self, relation: &mut ObjectName) -> Result<()> {
        let (schema, table) = names::table(relation, self.context)?;
        let quoted = |name: String| ObjectNamePart::Identifier(Ident::with_quote('"', name));
        match schema {
            // Of a schema's own spelling: PostgreSQL's are what they are.
            Some(schema) => *relation = ObjectName(vec![quoted(schema), quoted(table)]),
            None => {
                self.tables.push(table.clone());
                *relation = ObjectName(vec![quoted(table)]);
            }
        }
        Ok(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<()> {
        if let Some(new) = self.replaced(expr)? {
            *expr = new;
        }
        Ok(())
    }

    /// What stands for an expression; `None` where it stays, or was changed in place. What is put in its place has its parts visited next,
    /// but is not visited itself.
    fn replaced(&mut self, expr: &mut Expr) -> Result<Option<Expr>> {
        let refused = |expr: &Expr| Err(unknown(expr.to_string()));
        Ok(match expr {
            Expr::Identifier(ident) if ident.quote_style.is_none() => match ident.value.to_uppercase().as_str() {
                "SYSDATE" => Some(functions::call("sysdate", Vec::new())),
                "SYSTIMESTAMP" => Some(functions::call("systimestamp", Vec::new())),
                // A column's own, among the values of an INSERT.
                "DEFAULT" => Some(Expr::Identifier(ours("DEFAULT"))),
                "USER" => Some(Expr::value(Value::SingleQuotedString(self.context.user.to_owned()))),
                "ROWNUM" | "ROWID" | "LEVEL" | "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => {
                    return refused(expr);
                }
                _ => None,
            },
            Expr::CompoundIdentifier(parts) => {
                if let Some(last) = parts.last_mut()
                    && last.quote_style.is_none()
                {
                    match last.value.to_uppercase().as_str() {
                        "ROWID" => *last = ours("ctid"),
                        "NEXTVAL" | "CURRVAL" => return refused(expr),
                        _ => {}
                    }
                }
                // ORA-01747 where a column's name is a reserved word.
                for part in parts.iter() {
                    names::folded(part, self.context)
                        .map_err(|fault| if fault.code == 904 { ora(1747) } else { fault })?;
                }
                None
            }
            Expr::Identifier(_) => None,
            Expr::Value(value) => self.value(value)?,
            Expr::Function(call) => functions::rewrite(call)?,
            Expr::BinaryOp { left, op, right } => return self.operation(left, op, right),
            Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, .. } => None,
            // Made here.
            Expr::Cast { data_type: DataType::Custom(name, _), .. } if name.to_string().starts_with('\u{1}') => None,
            Expr::Cast { kind: CastKind::Cast, expr: inner, data_type, format: None } => {
                let written = types::written(data_type)?;
                let is_text = written.sql.starts_with("varchar") || written.sql.starts_with("char");
                *data_type = DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(ours(&written.sql))]), vec![]);
                if is_text {
                    **inner = functions::call("to_char", vec![(**inner).clone()]);
                }
                None
            }
            Expr::TypedString(TypedString { data_type, value, .. }) => {
                let kind = match data_type {
                    DataType::Date => "oracle.date",
                    DataType::Timestamp(None, _) => "timestamp",
                    _ => return refused(expr),
                };
                Some(Expr::Cast {
                    kind: CastKind::Cast,
                    expr: Box::new(Expr::Nested(Box::new(Expr::Value(value.clone())))),
                    data_type: DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(ours(kind))]), vec![]),
                    format: None,
                })
            }
            Expr::InList { list, .. } if list.len() > 1000 => return Err(ora(1795)),
            Expr::Like { any: false, escape_char, .. } => {
                // Oracle has no escape character unless one is named.
                if escape_char.is_none() {
                    *escape_char = Some(Box::new(Expr::Identifier(ours("''"))));
                }
                None
            }
            Expr::Trim { trim_where, trim_what, expr: inner, trim_characters: None } => {
                let name = match trim_where.as_ref().map(ToString::to_string).as_deref() {
                    None | Some("BOTH") => "trim",
                    Some("LEADING") => "ltrim",
                    _ => "rtrim",
                };
                let what = trim_what.as_ref().map(|what| (**what).clone());
                if matches!(&what, Some(Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(set), .. })) if set.chars().count() != 1)
                {
                    return Err(told(30001, "trim set should have only one character"));
                }
                Some(functions::call(name, std::iter::once((**inner).clone()).chain(what).collect()))
            }
            Expr::Substring { expr: inner, substring_from: Some(from), substring_for, shorthand: true, .. } => {
                let length = substring_for.as_ref().map(|length| (**length).clone());
                let args = [(**inner).clone(), (**from).clone()];
                Some(functions::call("substr", args.into_iter().chain(length).collect()))
            }
            Expr::Interval(interval) if interval.leading_field.is_some() && interval.last_field.is_none() => None,
            Expr::Ceil { field: CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime), .. }
            | Expr::Floor { field: CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime), .. } => {
                None
            }
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Extract { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Nested(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_) => None,
            // Made by DECODE; Oracle has no such words before 23, and the parser takes them nowhere else.
            Expr::IsNotDistinctFrom(left, _) if matches!(**left, Expr::Nested(_)) => None,
            _ => return refused(expr),
        })
    }

    fn value(&self, value: &ValueWithSpan) -> Result<Option<Expr>> {
        Ok(match &value.value {
            Value::SingleQuotedString(text) if text.is_empty() => Some(Expr::value(Value::Null)),
            Value::SingleQuotedString(_) | Value::Number(..) | Value::Null => None,
            Value::NationalStringLiteral(text) => Some(Expr::value(Value::SingleQuotedString(text.clone()))),
            Value::Placeholder(name) => {
                let number: usize = name.trim_start_matches(':').parse().map_err(|_| unknown(name))?;
                let kind = self.context.kinds.get(number).ok_or_else(|| ora(1008))?;
                Some(Expr::Identifier(ours(&kind.parameter(number + 1))))
            }
            Value::Boolean(_) => return Err(ora(904)),
            other => return Err(unknown(other.to_string())),
        })
    }

    fn operation(&mut self, left: &mut Expr, op: &mut BinaryOperator, right: &mut Expr) -> Result<Option<Expr>> {
        use BinaryOperator::{And, Divide, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or, StringConcat};
        if is_row_number(left) || is_row_number(right) {
            return Err(unknown("ROWNUM here"));
        }
        match op {
            StringConcat => return Ok(Some(functions::join(left.clone(), right.clone()))),
            And | Or | Eq | NotEq | Lt | LtEq | Gt | GtEq => {}
            op if functions::is_arithmetic(op) => {
                functions::as_number(left);
                functions::as_number(right);
                if *op == Divide {
                    let data_type =
                        DataType::Custom(ObjectName(vec![ObjectNamePart::Identifier(ours("numeric"))]), vec![]);
                    let expr = Box::new(Expr::Nested(Box::new(left.clone())));
                    *left = Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None };
                }
            }
            other => return Err(unknown(format!("the operator {other}"))),
        }
        Ok(None)
    }
}
