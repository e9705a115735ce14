//! Functions.

use sqlparser::ast::{DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, WindowType};

use super::collation::{all_of, any_of, is_text};
use super::column::VERSION;
use super::expr::whole;
use super::times;
use super::{Label, Rewriter, Sql, Stop, Written, none, parts};
use crate::session::Type;
use crate::sql::catalogue::literal;
use crate::sql::errors::error;
use crate::sql::types::{self, Family};

/// The present time of UTC, which is this server's own, at the beginning of the statement.
const NOW: &str = "(statement_timestamp() AT TIME ZONE 'UTC')";

impl Rewriter<'_> {
    pub(crate) fn function(&mut self, function: &Function) -> Written<Sql> {
        none(!function.uses_odbc_syntax && matches!(function.parameters, FunctionArguments::None))?;
        none(function.filter.is_none() && function.null_treatment.is_none() && function.within_group.is_empty())?;
        let name = parts(&function.name)?.join(".").to_uppercase();
        let mut args = Vec::new();
        let mut is_distinct = false;
        match &function.args {
            FunctionArguments::None => {}
            FunctionArguments::List(list) => {
                none(list.clauses.is_empty())?;
                is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
                for arg in &list.args {
                    match arg {
                        FunctionArg::Unnamed(arg) => args.push(arg),
                        _ => return Err(Stop::Shape),
                    }
                }
            }
            FunctionArguments::Subquery(_) => return Err(Stop::Shape),
        }
        if let Some(over) = &function.over {
            return self.window(&name, &args, over);
        }
        if let ("COUNT" | "COUNT_BIG", [FunctionArgExpr::Wildcard]) = (name.as_str(), args.as_slice()) {
            return Ok(count("*", &name));
        }
        let args = args
            .into_iter()
            .map(|arg| match arg {
                FunctionArgExpr::Expr(expr) => Ok(expr),
                _ => Err(Stop::Shape),
            })
            .collect::<Written<Vec<&Expr>>>()?;
        if let ("DATEADD" | "DATEDIFF" | "DATEDIFF_BIG", [unit, one, other]) = (name.as_str(), args.as_slice()) {
            return self.moments(&name, unit, one, other);
        }
        let args = args.into_iter().map(|arg| self.expr(arg)).collect::<Written<Vec<Sql>>>()?;
        if is_distinct {
            return match (name.as_str(), args.as_slice()) {
                ("COUNT" | "COUNT_BIG", [of]) => Ok(count(&format!("DISTINCT {}", of.text), &name)),
                _ => Err(Stop::Shape),
            };
        }
        self.call(&name, &args)
    }

    fn window(&mut self, name: &str, args: &[&FunctionArgExpr], over: &WindowType) -> Written<Sql> {
        let WindowType::WindowSpec(spec) = over else { return Err(Stop::Shape) };
        none(name == "ROW_NUMBER" && args.is_empty() && spec.window_name.is_none() && spec.window_frame.is_none())?;
        let by = spec.partition_by.iter().map(|by| Ok(self.expr(by)?.text)).collect::<Written<Vec<String>>>()?;
        let by = if by.is_empty() { String::new() } else { format!("PARTITION BY {} ", by.join(", ")) };
        let order = self.order(&spec.order_by)?;
        Ok(Sql::new(format!("ROW_NUMBER() OVER ({by}ORDER BY {order})"), Some(Type::BigInt)))
    }

    fn moments(&mut self, name: &str, unit: &Expr, one: &Expr, other: &Expr) -> Written<Sql> {
        let Expr::Identifier(unit) = unit else { return Err(Stop::Shape) };
        let (one, other) = (self.expr(one)?, self.expr(other)?);
        let other = self.moment(other)?;
        if name == "DATEADD" {
            return times::add(&unit.value, &whole(&one), &other);
        }
        let one = self.moment(one)?;
        times::difference(&unit.value, &one, &other, if name == "DATEDIFF" { Type::Int } else { Type::BigInt })
    }

    fn moment(&mut self, sql: Sql) -> Written<Sql> {
        match sql.kind.map(types::family) {
            Some(Family::Temporal) => Ok(sql),
            Some(Family::Text) | None => self.convert(Type::DateTime, sql, None),
            Some(_) => Err(Stop::Shape),
        }
    }

    fn call(&mut self, name: &str, args: &[Sql]) -> Written<Sql> {
        let text = |at: usize| args.get(at).map_or("", |arg| arg.text.as_str());
        let kind = args.first().and_then(|arg| arg.kind);
        let label = match name {
            "COALESCE" | "ISNULL" => any_of(args, if name == "ISNULL" { "isnull" } else { "CASE" })?,
            "REPLACE" => all_of(args, "replace")?,
            "CHARINDEX" => all_of(args, "charindex")?,
            "PATINDEX" => all_of(args, "patindex")?,
            "DATALENGTH" | "COUNT" | "COUNT_BIG" => Label::Default,
            _ => {
                args.iter().filter(|arg| is_text(arg)).try_for_each(|arg| arg.label.resolved().map(drop))?;
                args.first().filter(|arg| is_text(arg)).map_or(Label::Default, |arg| arg.label)
            }
        };
        let exact = label.is_exact();
        // What is made of text has its type, and compares as it does.
        let same = |made: String| Sql { label, bare: true, ..Sql::new(made, kind) };
        let int = |made: String| Sql::new(made, Some(Type::Int));
        let unicode = |length: u16| Some(Type::NVarChar(Some(length)));
        Ok(match (name, args.len()) {
            ("LTRIM" | "RTRIM", 1) => Sql {
                bare: name == "LTRIM" && args[0].bare,
                ..same(format!("{}({}, ' ')", name.to_lowercase(), self.as_text(&args[0])?))
            },
            ("LTRIM" | "RTRIM", 2) => Sql {
                bare: name == "LTRIM" && args[0].bare,
                ..same(format!("{}({}, {})", name.to_lowercase(), self.as_text(&args[0])?, text(1)))
            },
            ("REVERSE", 1) => same(format!("reverse({})", self.as_text(&args[0])?)),
            ("LOWER" | "UPPER", 1) => {
                Sql { bare: args[0].bare, ..same(format!("{}({})", name.to_lowercase(), self.as_text(&args[0])?)) }
            }
            ("LEFT" | "RIGHT", 2) => {
                same(format!("{}({}, {})", name.to_lowercase(), self.as_text(&args[0])?, whole(&args[1])))
            }
            ("LEN", 1) => int(format!("mssql.len({})", self.as_text(&args[0])?)),
            ("DATALENGTH", 1) => match kind {
                Some(Type::NVarChar(_)) => int(format!("mssql.bytes_of_text({})", text(0))),
                Some(Type::NChar(length)) => int(format!("({} IS NOT NULL)::int * {}", text(0), 2 * u32::from(length))),
                Some(Type::VarChar(_)) => int(format!("length({})", text(0))),
                Some(Type::Char(length)) => int(format!("({} IS NOT NULL)::int * {length}", text(0))),
                Some(kind) if types::family(kind) == Family::Bytes => int(format!("octet_length({})", text(0))),
                _ => return Err(Stop::Shape),
            },
            ("REPLACE", 3) => {
                let made = format!("mssql.replace({}, {}, {}, {exact})", self.as_text(&args[0])?, text(1), text(2));
                let kind = match kind {
                    Some(Type::NVarChar(None) | Type::VarChar(None)) => kind,
                    Some(Type::VarChar(_) | Type::Char(_)) if types::common(kind, args[2].kind) == kind => {
                        Some(Type::VarChar(Some(8000)))
                    }
                    _ => unicode(4000),
                };
                Sql { label, bare: true, ..Sql::new(made, kind) }
            }
            ("ISNULL", 2) => {
                let Some(kind) = kind else { return Ok(args[1].clone()) };
                let other = self.convert(kind, args[1].clone(), None)?;
                Sql {
                    label,
                    bare: true,
                    nullable: other.nullable,
                    ..Sql::new(format!("COALESCE({}, {})", text(0), other.text), Some(kind))
                }
            }
            ("COALESCE", 2..) => {
                let kind = args.iter().fold(None, |kind, arg| types::common(kind, arg.kind));
                let mut made = Vec::new();
                for arg in args {
                    made.push(match (kind, arg.kind) {
                        (Some(kind), Some(of)) if types::family(kind) != types::family(of) => {
                            self.convert(kind, arg.clone(), None)?.text
                        }
                        _ => arg.text.clone(),
                    });
                }
                let nullable = args.iter().all(|arg| arg.nullable);
                Sql { label, bare: true, nullable, ..Sql::new(format!("COALESCE({})", made.join(", ")), kind) }
            }
            ("NULLIF", 2) => {
                let (left, right) = self.pair(args[0].clone(), args[1].clone(), "equal to")?;
                Sql {
                    label,
                    bare: true,
                    ..Sql::new(format!("CASE WHEN {left} = {right} THEN NULL ELSE {} END", text(0)), kind)
                }
            }
            ("CHAR" | "NCHAR", 1) => Sql {
                label: Label::Default,
                ..Sql::new(
                    format!("chr({})", whole(&args[0])),
                    Some(if name == "CHAR" { Type::Char(1) } else { Type::NChar(1) }),
                )
            },
            ("UNICODE" | "ASCII", 1) => int(format!("ascii({})", text(0))),
            ("PATINDEX", 2) => {
                let of = self.as_text(&args[1])?;
                int(match first_of_others(&args[0]).filter(|_| exact) {
                    Some(others) => format!(
                        "CASE WHEN ltrim({of}, {others}) = '' THEN 0 ELSE length({of}) - length(ltrim({of}, {others})) + 1 END"
                    ),
                    None => format!("mssql.patindex({}, {of}, {exact})", text(0)),
                })
            }
            ("CHARINDEX", 2) => int(format!("mssql.charindex({}, {}, 1, {exact})", text(0), text(1))),
            ("CHARINDEX", 3) => int(format!("mssql.charindex({}, {}, {}, {exact})", text(0), text(1), whole(&args[2]))),
            ("ABS" | "SIGN", 1) => Sql::new(format!("{}({})", name.to_lowercase(), text(0)), kind),
            ("COUNT" | "COUNT_BIG", 1) => count(text(0), name),
            ("MIN" | "MAX", 1) => same(format!("{}({})", name.to_lowercase(), text(0))),
            ("SUM", 1) => match kind {
                Some(Type::Int | Type::SmallInt | Type::TinyInt) => int(format!("CAST(SUM({}) AS integer)", text(0))),
                Some(Type::BigInt) => Sql::new(format!("CAST(SUM({}) AS bigint)", text(0)), kind),
                Some(Type::Decimal { scale, .. }) => {
                    Sql::new(format!("SUM({})", text(0)), Some(Type::Decimal { precision: 38, scale }))
                }
                Some(Type::Float | Type::Real) => Sql::new(format!("SUM({})", text(0)), Some(Type::Float)),
                _ => return Err(error(8117, "Operand data type is invalid for sum operator.").into()),
            },
            ("SYSUTCDATETIME" | "SYSDATETIME", 0) => Sql { nullable: false, ..Sql::new(NOW, Some(Type::DateTime2(7))) },
            ("GETDATE" | "GETUTCDATE", 0) => {
                Sql { nullable: false, ..Sql::new(format!("{NOW}::timestamp(3)"), Some(Type::DateTime)) }
            }
            ("DB_NAME", 0) => Sql::new(format!("{}::varchar(128)", literal(&self.asked.database)), unicode(128)),
            ("DB_ID", 0) => {
                Sql::new("(SELECT oid::int FROM pg_database WHERE datname = current_database())", Some(Type::Int))
            }
            ("SCHEMA_NAME", 0) => Sql::new("'dbo'::varchar(128)", unicode(128)),
            ("SCHEMA_NAME", 1) => {
                Sql::new(format!("(SELECT s.name FROM sys.schemas s WHERE s.schema_id = {})", text(0)), unicode(128))
            }
            ("SCHEMA_ID", 1) => {
                Sql::new(format!("(SELECT s.schema_id FROM sys.schemas s WHERE s.name = {})", text(0)), Some(Type::Int))
            }
            ("SUSER_SNAME" | "SUSER_NAME" | "ORIGINAL_LOGIN" | "USER_NAME", 0) => {
                Sql::new(format!("{}::varchar(128)", literal(&self.asked.user)), unicode(128))
            }
            ("APP_NAME", 0) => Sql::new("current_setting('application_name')::varchar(128)", unicode(128)),
            // In a subquery of its own it is asked once, not for each row of the catalogue.
            ("OBJECT_ID", 1 | 2) => int(format!("(SELECT mssql.object_id({}))", join(args))),
            ("COL_LENGTH", 2) => Sql::new(format!("mssql.col_length({})", join(args)), Some(Type::SmallInt)),
            ("HAS_PERMS_BY_NAME", 3) => int(format!("mssql.has_perms_by_name({})", join(args))),
            ("SERVERPROPERTY", 1) => property(
                text(0),
                &[
                    ("productversion", VERSION),
                    ("productmajorversion", "15"),
                    ("productlevel", "RTM"),
                    ("edition", "Developer Edition (64-bit)"),
                    ("engineedition", "3"),
                    ("collation", "Latin1_General_CI_AS"),
                    ("servername", "TESTSERVER"),
                    ("machinename", "TESTSERVER"),
                ],
            ),
            ("DATABASEPROPERTYEX", 2) => property(
                text(1),
                &[
                    ("collation", "Latin1_General_CI_AS"),
                    ("updateability", "READ_WRITE"),
                    ("status", "ONLINE"),
                    ("recovery", "FULL"),
                    ("useraccess", "MULTI_USER"),
                ],
            ),
            _ => return Err(Stop::Shape),
        })
    }

    /// An argument as text, which SQL Server makes of anything.
    fn as_text(&mut self, arg: &Sql) -> Written<String> {
        match arg.kind.map(types::family) {
            None | Some(Family::Text) => Ok(arg.text.clone()),
            Some(_) => Ok(self.convert(Type::NVarChar(None), arg.clone(), None)?.text),
        }
    }
}

fn count(of: &str, name: &str) -> Sql {
    let (cast, kind) = if name == "COUNT" { ("integer", Type::Int) } else { ("bigint", Type::BigInt) };
    Sql { nullable: false, ..Sql::new(format!("CAST(COUNT({of}) AS {cast})"), Some(kind)) }
}

fn join(args: &[Sql]) -> String {
    let args: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
    args.join(", ")
}

/// A property by its name; null where there is none. (SQL Server's type for it is sql_variant.)
fn property(name: &str, known: &[(&str, &str)]) -> Sql {
    let name = name.trim_matches('\'').to_lowercase();
    let found = known.iter().find(|(known, _)| *known == name).map_or("NULL".to_owned(), |(_, value)| literal(value));
    Sql::new(format!("{found}::varchar(128)"), Some(Type::NVarChar(Some(128))))
}

/// The characters of a constant pattern that finds the first that is none of them, as a constant. Each key of the product begins and ends
/// there, several times for each row, so it has a quicker way than a pattern's.
fn first_of_others(pattern: &Sql) -> Option<String> {
    let constant = pattern.literal.then_some(pattern.text.as_str())?;
    let others = constant.strip_prefix("'%[^")?.strip_suffix("]%'")?;
    (!others.is_empty() && !others.contains(['[', ']', '-', '^'])).then(|| format!("'{others}'"))
}
