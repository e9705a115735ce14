//! Expressions.

use sqlparser::ast::{BinaryOperator, CaseWhen, CastKind, Expr, UnaryOperator, Value};

use super::collation::{all_of, any_of, is_text};
use super::{Label, Rewriter, Sql, Stop, Written, none, parts};
use crate::session::Type;
use crate::sql::catalogue::literal;
use crate::sql::errors::error;
use crate::sql::types::{self, Family};

/// A condition.
fn truth(text: String) -> Sql {
    Sql { nullable: true, ..Sql::new(text, None) }
}

impl Rewriter<'_> {
    pub(crate) fn expr(&mut self, expr: &Expr) -> Written<Sql> {
        Ok(match expr {
            Expr::Identifier(name) => self.identifier(name)?,
            Expr::CompoundIdentifier(names) => self.qualified(names)?,
            Expr::Nested(inner) => {
                let inner = self.expr(inner)?;
                Sql { text: format!("({})", inner.text), ..inner }
            }
            Expr::Value(value) => constant(&value.value)?,
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            Expr::UnaryOp { op, expr } => {
                let inner = self.expr(expr)?;
                let op = match op {
                    UnaryOperator::Minus => "- ",
                    UnaryOperator::Plus => "+ ",
                    UnaryOperator::Not => "NOT ",
                    _ => return Err(Stop::Shape),
                };
                Sql { text: format!("({op}{})", inner.text), bare: false, ..inner }
            }
            Expr::IsNull(inner) => truth(format!("{} IS NULL", self.expr(inner)?.text)),
            Expr::IsNotNull(inner) => truth(format!("{} IS NOT NULL", self.expr(inner)?.text)),
            Expr::IsDistinctFrom(left, right) => self.compare(left, "IS DISTINCT FROM", right)?,
            Expr::IsNotDistinctFrom(left, right) => self.compare(left, "IS NOT DISTINCT FROM", right)?,
            Expr::InList { expr, list, negated } => {
                let left = self.expr(expr)?;
                let mut items = Vec::new();
                let mut label = left.label;
                for item in list {
                    let item = self.expr(item)?;
                    if is_text(&item) {
                        label = label.against(item.label, "equal to")?;
                    }
                    items.push(self.pair(left.clone(), item, "equal to")?.1);
                }
                let left = self.said(&left, label);
                truth(format!("{left}{} IN ({})", not(*negated), items.join(", ")))
            }
            Expr::InSubquery { expr, subquery, negated } => {
                let left = self.expr(expr)?;
                let (query, columns) = self.query(subquery, None)?;
                none(columns.len() == 1)?;
                let label = columns.first().map_or(Label::Default, |column| column.label.of_reference());
                let label = left.label.against(label, "equal to")?;
                truth(format!("{}{} IN ({query})", self.said(&left, label), not(*negated)))
            }
            Expr::Between { expr, negated, low, high } => {
                let (middle, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
                let (of, low) = self.pair(middle.clone(), low, "greater than or equal to")?;
                let high = self.pair(middle, high, "less than or equal to")?.1;
                truth(format!("{of}{} BETWEEN {low} AND {high}", not(*negated)))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let (of, pattern) = (self.expr(expr)?, self.expr(pattern)?);
                let exact = all_of([&of, &pattern], "like")?.is_exact();
                truth(format!("({}mssql.matches({}, {}, {exact}))", not(*negated), of.text, pattern.text))
            }
            Expr::Exists { subquery, negated } => {
                let query = self.query(subquery, None)?.0;
                truth(format!("{}EXISTS ({query})", if *negated { "NOT " } else { "" }))
            }
            Expr::Subquery(query) => {
                let (query, columns) = self.query(query, None)?;
                none(columns.len() == 1)?;
                let label = columns.first().map_or(Label::Default, |column| column.label.of_reference());
                Sql { label, ..Sql::new(format!("({query})"), columns.first().and_then(|column| column.kind)) }
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())?
            }
            Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None } => {
                let kind = types::parse(&cast_type(&data_type.to_string())).ok_or(Stop::Shape)?;
                let inner = self.expr(expr)?;
                self.convert(kind, inner, None)?
            }
            Expr::Convert { is_try: false, expr, data_type: Some(data_type), charset: None, styles, .. } => {
                let kind = types::parse(&cast_type(&data_type.to_string())).ok_or(Stop::Shape)?;
                let style = match styles.as_slice() {
                    [] => None,
                    [style] => Some(style.to_string().parse().map_err(|_| Stop::Shape)?),
                    _ => return Err(Stop::Shape),
                };
                let inner = self.expr(expr)?;
                self.convert(kind, inner, style)?
            }
            Expr::Substring { expr, substring_from: Some(from), substring_for: Some(length), .. } => {
                let (of, from, length) = (self.expr(expr)?, self.expr(from)?, self.expr(length)?);
                of.label.resolved()?;
                let text = format!("substring({} FROM {} FOR {})", of.text, whole(&from), whole(&length));
                Sql { text, bare: of.bare, literal: false, ..of }
            }
            Expr::Trim { trim_where: None, trim_what, expr, trim_characters: None } => {
                let of = self.expr(expr)?;
                of.label.resolved()?;
                let what = trim_what.as_ref().map_or(Ok(None), |what| self.expr(what).map(Some))?;
                let what = what.map_or("' '".to_owned(), |what| what.text);
                Sql { text: format!("btrim({}, {what})", of.text), bare: false, literal: false, ..of }
            }
            Expr::Collate { expr, collation } => {
                let (of, collation) = (self.expr(expr)?, parts(collation)?.join("."));
                let collation = crate::sql::define::collation(&collation).ok_or(Stop::Shape)?;
                none(of.kind.is_none_or(|kind| types::family(kind) == Family::Text))?;
                let text = format!("({} COLLATE {})", of.text, collation.sql());
                Sql { text, label: Label::Explicit(collation), literal: false, ..of }
            }
            Expr::Floor { expr, .. } => {
                let inner = self.expr(expr)?;
                Sql::new(format!("floor({})", inner.text), inner.kind)
            }
            Expr::Function(function) => self.function(function)?,
            _ => return Err(Stop::Shape),
        })
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Written<Sql> {
        let op = match op {
            BinaryOperator::And => return self.both(left, "AND", right),
            BinaryOperator::Or => return self.both(left, "OR", right),
            BinaryOperator::Eq => return self.compare(left, "=", right),
            BinaryOperator::NotEq => return self.compare(left, "<>", right),
            BinaryOperator::Lt => return self.compare(left, "<", right),
            BinaryOperator::LtEq => return self.compare(left, "<=", right),
            BinaryOperator::Gt => return self.compare(left, ">", right),
            BinaryOperator::GtEq => return self.compare(left, ">=", right),
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::BitwiseAnd => "&",
            BinaryOperator::BitwiseOr => "|",
            _ => return Err(Stop::Shape),
        };
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let families = (left.kind.map(types::family), right.kind.map(types::family));
        let kind = types::common(left.kind, right.kind);
        match families {
            (Some(Family::Text), Some(Family::Text)) if op == "+" => {
                let label = any_of([&left, &right], "add")?;
                // Two constants would have no type.
                let text = format!("({} || CAST({} AS text))", left.text, right.text);
                Ok(Sql {
                    label,
                    bare: right.bare || right.literal,
                    ..Sql::new(text, concatenated(left.kind, right.kind))
                })
            }
            (Some(Family::Bytes), Some(Family::Bytes)) if op == "+" => {
                Ok(Sql::new(format!("({} || {})", left.text, right.text), Some(Type::VarBinary(None))))
            }
            // A number of days beside a DATETIME.
            (Some(Family::Temporal), _) | (_, Some(Family::Temporal)) => Err(Stop::Shape),
            (Some(Family::Text), Some(Family::Text)) => Err(Stop::Shape),
            _ => {
                let (left, right) = self.pair(left, right, "add")?;
                Ok(Sql::new(format!("({left} {op} {right})"), kind))
            }
        }
    }

    fn both(&mut self, left: &Expr, op: &str, right: &Expr) -> Written<Sql> {
        Ok(truth(format!("({} {op} {})", self.expr(left)?.text, self.expr(right)?.text)))
    }

    fn compare(&mut self, left: &Expr, op: &str, right: &Expr) -> Written<Sql> {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let (left, right) = self.pair(left, right, operation(op))?;
        Ok(truth(format!("({left} {op} {right})")))
    }

    /// Two values that meet: text becomes what the other is, as in SQL Server, and loses the spaces at its end.
    pub(crate) fn pair(&mut self, left: Sql, right: Sql, operation: &'static str) -> Written<(String, String)> {
        let family = |sql: &Sql| sql.kind.map(types::family);
        let (left, right) = match (family(&left), family(&right)) {
            (Some(Family::Text), Some(Family::Bytes)) | (Some(Family::Bytes), Some(Family::Text)) => {
                let message = "Implicit conversion from data type nvarchar to varbinary is not allowed. Use the CONVERT function to run this query.";
                return Err(error(257, message).into());
            }
            (Some(Family::Text), Some(other)) if other != Family::Text => {
                (self.convert(right.kind.ok_or(Stop::Shape)?, left, None)?, right)
            }
            (Some(other), Some(Family::Text)) if other != Family::Text => {
                let right = self.convert(left.kind.ok_or(Stop::Shape)?, right, None)?;
                (left, right)
            }
            _ => (left, right),
        };
        if !is_text(&left) || !is_text(&right) {
            return Ok((comparable(&left), comparable(&right)));
        }
        let label = left.label.against(right.label, operation)?;
        Ok((self.said(&left, label), comparable(&right)))
    }

    /// The left side of a comparison, with its collation where PostgreSQL would take another.
    fn said(&self, left: &Sql, label: Label) -> String {
        if is_text(left) { label.said(comparable(left)) } else { comparable(left) }
    }

    fn case(&mut self, operand: Option<&Expr>, branches: &[CaseWhen], other: Option<&Expr>) -> Written<Sql> {
        let operand = operand.map(|operand| self.expr(operand)).transpose()?;
        let mut text = "CASE".to_owned();
        let mut kind = None;
        let mut results = Vec::new();
        for branch in branches {
            let condition = self.expr(&branch.condition)?;
            let condition = match &operand {
                None => condition.text,
                Some(operand) => {
                    let (left, right) = self.pair(operand.clone(), condition, "equal to")?;
                    format!("{left} = {right}")
                }
            };
            results.push((Some(condition), self.expr(&branch.result)?));
        }
        if let Some(other) = other {
            results.push((None, self.expr(other)?));
        }
        for (_, result) in &results {
            kind = types::common(kind, result.kind);
        }
        let label = any_of(results.iter().map(|(_, result)| result), "CASE")?;
        for (condition, result) in results {
            // Text beside what is none is converted; PostgreSQL does the rest.
            let result = match (kind, result.kind) {
                (Some(kind), Some(of)) if types::family(kind) != types::family(of) => {
                    self.convert(kind, result, None)?
                }
                _ => result,
            };
            match condition {
                Some(condition) => text.push_str(&format!(" WHEN {condition} THEN {}", result.text)),
                None => text.push_str(&format!(" ELSE {}", result.text)),
            }
        }
        text.push_str(" END");
        Ok(Sql { label, bare: true, ..Sql::new(text, kind) })
    }
}

/// What SQL Server calls a comparison.
fn operation(op: &str) -> &'static str {
    match op {
        "<>" => "not equal to",
        "<" => "less than",
        "<=" => "less than or equal to",
        ">" => "greater than",
        ">=" => "greater than or equal to",
        _ => "equal to",
    }
}

/// Text as it is compared: without spaces at its end.
pub(crate) fn comparable(sql: &Sql) -> String {
    match sql.kind.map(types::family) {
        Some(Family::Text) if sql.bare || sql.literal && sql.text.ends_with(" '") => {
            format!("rtrim({}, ' ')", sql.text)
        }
        _ => sql.text.clone(),
    }
}

/// A number as an argument that PostgreSQL takes as integer only.
pub(crate) fn whole(sql: &Sql) -> String {
    match sql.kind {
        Some(Type::Int | Type::SmallInt | Type::TinyInt) => sql.text.clone(),
        _ => format!("CAST({} AS integer)", sql.text),
    }
}

fn not(negated: bool) -> &'static str {
    if negated { " NOT " } else { "" }
}

fn concatenated(left: Option<Type>, right: Option<Type>) -> Option<Type> {
    let length = |kind: Option<Type>| match kind {
        Some(Type::NVarChar(length) | Type::VarChar(length)) => length,
        Some(Type::NChar(length) | Type::Char(length)) => Some(length),
        _ => None,
    };
    let sum = length(left).zip(length(right)).map(|(left, right)| left.saturating_add(right));
    match types::common(left, right) {
        Some(Type::VarChar(_) | Type::Char(_)) => Some(Type::VarChar(sum.map(|sum| sum.clamp(1, 8000)))),
        _ => Some(types::wide(sum)),
    }
}

/// In CAST a length that is not said is 30, not 1.
fn cast_type(declared: &str) -> String {
    match declared.to_lowercase().as_str() {
        "nvarchar" | "varchar" | "nchar" | "char" | "character" | "varbinary" | "binary" => format!("{declared}(30)"),
        _ => declared.to_owned(),
    }
}

fn constant(value: &Value) -> Written<Sql> {
    let length = |text: &str| u16::try_from(text.encode_utf16().count().max(1)).ok();
    Ok(match value {
        Value::Null => Sql::new("NULL", None),
        Value::Number(digits, _) => {
            let digits = digits.to_string();
            let kind = match digits.split_once('.') {
                _ if digits.to_lowercase().contains('e') => Type::Float,
                Some((whole, part)) => {
                    let scale = u8::try_from(part.len()).map_err(|_| Stop::Shape)?;
                    let precision = u8::try_from(whole.len()).map_err(|_| Stop::Shape)?.saturating_add(scale);
                    Type::Decimal { precision: precision.clamp(1, 38), scale }
                }
                None if digits.parse::<i32>().is_ok() => Type::Int,
                None if digits.parse::<i64>().is_ok() => Type::BigInt,
                None => Type::Decimal { precision: u8::try_from(digits.len()).map_err(|_| Stop::Shape)?, scale: 0 },
            };
            Sql { nullable: false, ..Sql::new(digits, Some(kind)) }
        }
        Value::SingleQuotedString(text) => {
            let kind = Type::VarChar(length(text).filter(|length| *length <= 8000));
            Sql { literal: true, nullable: false, ..Sql::new(literal(text), Some(kind)) }
        }
        Value::NationalStringLiteral(text) => {
            let kind = Type::NVarChar(length(text).filter(|length| *length <= 4000));
            Sql { literal: true, nullable: false, ..Sql::new(literal(text), Some(kind)) }
        }
        Value::HexStringLiteral(hex) => {
            let hex = if hex.len() % 2 == 1 { format!("0{hex}") } else { hex.clone() };
            none(hex.chars().all(|digit| digit.is_ascii_hexdigit()))?;
            let length = u16::try_from(hex.len() / 2).ok().filter(|length| *length <= 8000).map(|length| length.max(1));
            Sql { nullable: false, ..Sql::new(format!("'\\x{hex}'::bytea"), Some(Type::VarBinary(length))) }
        }
        _ => return Err(Stop::Shape),
    })
}
