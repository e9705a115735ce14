//! What stands after FROM: tables with their hints, derived tables, joins.

use sqlparser::ast::{Expr, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableWithJoins};

use super::{Output, Relation, Rewriter, Scope, Stop, Written, none, same_name};
use crate::sql::catalogue::quote;

impl Rewriter<'_> {
    pub(crate) fn scope(&mut self) -> Written<&mut Scope> {
        self.scopes.last_mut().ok_or(Stop::Shape)
    }

    /// The sources of a FROM clause; their relations join the scope.
    pub(crate) fn sources(&mut self, from: &[TableWithJoins]) -> Written<String> {
        let mut written = Vec::new();
        for source in from {
            let mut text = self.factor(&source.relation, false)?;
            for join in &source.joins {
                text.push_str(&self.join(join)?);
            }
            written.push(text);
        }
        Ok(written.join(", "))
    }

    fn join(&mut self, join: &Join) -> Written<String> {
        none(!join.global)?;
        let (word, constraint, is_lateral) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => ("JOIN", Some(on), false),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => ("LEFT JOIN", Some(on), false),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => ("RIGHT JOIN", Some(on), false),
            JoinOperator::FullOuter(on) => ("FULL JOIN", Some(on), false),
            JoinOperator::CrossJoin(JoinConstraint::None) => ("CROSS JOIN", None, false),
            JoinOperator::CrossApply => ("CROSS JOIN LATERAL", None, true),
            JoinOperator::OuterApply => ("LEFT JOIN LATERAL", None, true),
            _ => return Err(Stop::Shape),
        };
        let before = self.scope()?.relations.len();
        let factor = self.factor(&join.relation, is_lateral)?;
        let scope = self.scope()?;
        for (at, relation) in scope.relations.iter_mut().enumerate() {
            let is_filled = match word {
                "LEFT JOIN" | "LEFT JOIN LATERAL" => at >= before,
                "RIGHT JOIN" => at < before,
                "FULL JOIN" => true,
                _ => false,
            };
            relation.columns.iter_mut().for_each(|column| column.nullable |= is_filled);
        }
        let on = match constraint {
            Some(JoinConstraint::On(on)) => format!(" ON {}", self.expr(on)?.text),
            Some(_) => return Err(Stop::Shape),
            None if word == "LEFT JOIN LATERAL" => " ON true".to_owned(),
            None => String::new(),
        };
        Ok(format!(" {word} {factor}{on}"))
    }

    /// One table or derived table.
    pub(crate) fn factor(&mut self, factor: &TableFactor, is_lateral: bool) -> Written<String> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if partitions.is_empty() && index_hints.is_empty() && !is_lateral => {
                let (sql, own, columns) = self.named(name)?;
                let alias = alias.as_ref().map_or(Ok(own.clone()), plain_alias)?;
                self.hints(with_hints, &sql, &alias)?;
                self.scope()?.relations.push(Relation { alias: alias.clone(), columns });
                Ok(match alias == own && !sql.contains("INFORMATION_SCHEMA") {
                    true => sql,
                    false => format!("{sql} AS {}", quote(&alias)),
                })
            }
            TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None } => {
                // It does not see what stands beside it, unless it is applied to it.
                let hidden = match is_lateral {
                    true => None,
                    false => Some(std::mem::take(self.scope()?)),
                };
                let (sql, mut columns) = self.query(subquery, None)?;
                if let Some(hidden) = hidden {
                    *self.scope()? = hidden;
                }
                let name = alias.name.value.clone();
                let mut named = format!("({sql}) AS {}", quote(&name));
                if !alias.columns.is_empty() {
                    named.push_str(&rename(&mut columns, alias)?);
                }
                self.scope()?.relations.push(Relation { alias: name, columns });
                Ok(named)
            }
            _ => Err(Stop::Shape),
        }
    }

    /// A table or common table expression: its SQL, its own name and its columns.
    fn named(&mut self, name: &ObjectName) -> Written<(String, String, Vec<Output>)> {
        if let [part] = super::parts(name)?.as_slice()
            && let Some(cte) = self.ctes.iter().rev().find(|cte| same_name(&cte.alias, part))
        {
            return Ok((quote(&cte.alias), cte.alias.clone(), cte.columns.clone()));
        }
        let own = super::parts(name)?.pop().ok_or(Stop::Shape)?;
        let table = self.table(name)?;
        let real =
            table.sql.rsplit_once(".\"").map_or(own, |(_, real)| real.trim_end_matches('"').replace("\"\"", "\""));
        let real = real.rsplit_once("INFORMATION_SCHEMA.").map_or(real.clone(), |(_, view)| view.to_owned());
        Ok((table.sql.clone(), real, table.columns.clone()))
    }

    /// WITH (ROWLOCK, READPAST, UPDLOCK) and its like. Ranges of keys are not locked: HOLDLOCK holds rows that are there.
    fn hints(&mut self, hints: &[Expr], table: &str, alias: &str) -> Written<()> {
        let mut words = Vec::new();
        for hint in hints {
            match hint {
                Expr::Identifier(word) if word.quote_style.is_none() => words.push(word.value.to_uppercase()),
                _ => return Err(Stop::Shape),
            }
        }
        const KNOWN: &[&str] = &[
            "ROWLOCK",
            "PAGLOCK",
            "READPAST",
            "UPDLOCK",
            "XLOCK",
            "READCOMMITTEDLOCK",
            "READCOMMITTED",
            "HOLDLOCK",
            "SERIALIZABLE",
            "TABLOCK",
            "TABLOCKX",
            "NOWAIT",
        ];
        none(words.iter().all(|word| KNOWN.contains(&word.as_str())))?;
        let has = |word: &str| words.iter().any(|found| found == word);
        let holds = has("HOLDLOCK") || has("SERIALIZABLE");
        if has("TABLOCKX") || has("TABLOCK") && has("XLOCK") {
            self.done.before.push(format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"));
        } else if has("TABLOCK") && holds {
            self.done.before.push(format!("LOCK TABLE {table} IN SHARE MODE"));
        }
        let is_row_lock = has("UPDLOCK") || has("XLOCK") && !has("TABLOCK");
        none(is_row_lock || !has("READPAST"))?;
        if is_row_lock {
            let wait = match (has("READPAST"), has("NOWAIT")) {
                (true, _) => " SKIP LOCKED",
                (false, true) => " NOWAIT",
                (false, false) => "",
            };
            let lock = format!(" FOR UPDATE OF {}{wait}", quote(alias));
            self.scope()?.locks.push(lock);
        }
        Ok(())
    }
}

fn plain_alias(alias: &TableAlias) -> Written<String> {
    none(alias.columns.is_empty() && alias.at.is_none())?;
    Ok(alias.name.value.clone())
}

/// Gives columns the names of `AS r (a, b)`, and writes that.
pub(crate) fn rename(columns: &mut [Output], alias: &TableAlias) -> Written<String> {
    none(columns.len() == alias.columns.len())?;
    for (column, name) in columns.iter_mut().zip(&alias.columns) {
        none(name.data_type.is_none())?;
        column.name = name.name.value.clone();
    }
    let names: Vec<String> = columns.iter().map(|column| quote(&column.name)).collect();
    Ok(format!(" ({})", names.join(", ")))
}
