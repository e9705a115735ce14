//! CAST, CONVERT and the conversions that SQL Server does by itself.

use super::times;
use super::{Label, Rewriter, Sql, Stop, Written, none};
use crate::session::Type;
use crate::sql::errors::error;
use crate::sql::types::{self, Family};

impl Rewriter<'_> {
    /// A value on its way into a column: a text that is too long is an error, not cut off.
    pub(crate) fn assigned(&mut self, target: Type, value: Sql) -> Written<Sql> {
        let Some(kind) = value.kind else { return Ok(value) };
        if types::family(kind) == Family::Text {
            value.label.resolved()?;
        }
        match (types::family(target), types::family(kind)) {
            (Family::Text, Family::Text) | (Family::Bytes, Family::Bytes) => Ok(value),
            (Family::Bytes, Family::Text) => {
                let message = "Implicit conversion from data type nvarchar to varbinary is not allowed. Use the CONVERT function to run this query.";
                Err(error(257, message).into())
            }
            (Family::Text, _) => self.convert(Type::NVarChar(None), value, None),
            (Family::Temporal, Family::Whole | Family::Fraction) => Err(Stop::Shape),
            _ if target == kind => Ok(value),
            _ => self.convert(target, value, None),
        }
    }

    /// CONVERT(to, value, style).
    pub(crate) fn convert(&mut self, to: Type, value: Sql, style: Option<u32>) -> Written<Sql> {
        let Some(from) = value.kind else {
            return Ok(Sql::new(format!("CAST({} AS {})", value.text, types::postgres(to)), Some(to)));
        };
        // What was no text has no collation to keep.
        let label = match (types::family(from), types::family(to)) {
            (Family::Text, Family::Text) => value.label,
            _ => Label::Default,
        };
        let made =
            |text: String| Sql { kind: Some(to), bare: value.bare, literal: false, text, label, ..value.clone() };
        let cast = |text: &str| made(format!("CAST({text} AS {})", types::postgres(to)));
        let text = &value.text;
        Ok(match (types::family(from), types::family(to)) {
            (Family::Text, Family::Text) => {
                // PostgreSQL takes the spaces off a CHAR.
                match from {
                    Type::NChar(n) | Type::Char(n) if !value.literal => cast(&format!("rpad({text}::text, {n})")),
                    _ => cast(text),
                }
            }
            (Family::Temporal, Family::Text) => cast(&times::text(from, text, style)?),
            (Family::Text, Family::Temporal) => {
                none(style.is_none_or(|style| [20, 21, 23, 112, 120, 121, 126, 127].contains(&style)))?;
                match to {
                    Type::DateTime => made(format!("mssql.to_datetime(CAST({text} AS text))")),
                    _ => cast(&format!("CAST({text} AS text)")),
                }
            }
            (Family::Temporal, Family::Temporal) => match (from, to) {
                (Type::DateTimeOffset(_), Type::DateTimeOffset(_)) => cast(text),
                (Type::DateTimeOffset(_), _) => cast(&format!("({text} AT TIME ZONE 'UTC')")),
                (_, Type::DateTimeOffset(_)) => cast(&format!("({text} AT TIME ZONE 'UTC')")),
                _ => cast(text),
            },
            (Family::Text, Family::Whole) if to == Type::Bit => made(format!(
                "(CASE lower(btrim({text})) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE sign(CAST({text} AS integer)) END)::smallint"
            )),
            (Family::Text, Family::Whole) => {
                cast(&format!("COALESCE(NULLIF(btrim({text}, ' '), ''), left({text}, 0) || '0')"))
            }
            (Family::Text, Family::Fraction | Family::Other) => cast(&format!("CAST({text} AS text)")),
            (Family::Fraction, Family::Whole) => cast(&format!("trunc({text})")),
            (Family::Whole | Family::Fraction, Family::Whole | Family::Fraction) if to == Type::Bit => {
                made(format!("abs(sign({text}))::smallint"))
            }
            (Family::Whole | Family::Fraction, Family::Whole | Family::Fraction) => cast(text),
            (Family::Whole | Family::Fraction | Family::Other, Family::Text) => {
                let text = if from == Type::UniqueIdentifier { format!("upper({text}::text)") } else { text.clone() };
                Sql { bare: false, ..cast(&text) }
            }
            (Family::Bytes, Family::Bytes) => match to {
                Type::VarBinary(Some(length)) => made(format!("substring({text} FROM 1 FOR {length})")),
                Type::Binary(length) => {
                    made(format!("substring({text} || decode(repeat('00', {length}), 'hex') FROM 1 FOR {length})"))
                }
                _ => made(text.clone()),
            },
            (Family::Bytes, Family::Text) => match style {
                Some(1) => cast(&format!("('0x' || upper(encode({text}, 'hex')))")),
                Some(2) => cast(&format!("upper(encode({text}, 'hex'))")),
                _ => return Err(Stop::Shape),
            },
            (Family::Text, Family::Bytes) => {
                let bytes = match (style, from) {
                    (Some(2), _) => format!("decode({text}, 'hex')"),
                    (Some(1), _) => format!("decode(substr({text}, 3), 'hex')"),
                    (None | Some(0), Type::NVarChar(_) | Type::NChar(_)) => format!("mssql.utf16({text})"),
                    (None | Some(0), _) => format!("convert_to({text}, 'WIN1252')"),
                    _ => return Err(Stop::Shape),
                };
                match to {
                    Type::VarBinary(Some(length)) => made(format!("substring({bytes} FROM 1 FOR {length})")),
                    Type::VarBinary(None) => made(bytes),
                    _ => return Err(Stop::Shape),
                }
            }
            _ => return Err(Stop::Shape),
        })
    }
}
