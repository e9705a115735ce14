//! Names of columns, and what begins with `@`.

use sqlparser::ast::Ident;

use super::{Output, Relation, Rewriter, Sql, Stop, Written};
use crate::session::{Param, Type};
use crate::sql::catalogue::{literal, quote};
use crate::sql::errors::error;
use crate::sql::types::{self, Family};

/// What the test server says that it is.
pub(crate) const VERSION: &str = "15.0.4430.1";

impl Rewriter<'_> {
    pub(crate) fn identifier(&mut self, name: &Ident) -> Written<Sql> {
        if name.quote_style.is_none() && name.value.starts_with("@@") {
            return self.global(&name.value);
        }
        if name.quote_style.is_none() && name.value.starts_with('@') {
            return self.parameter(&name.value);
        }
        for scope in self.scopes.iter().rev() {
            if let Some(found) = find(&scope.relations, &name.value) {
                return Ok(found);
            }
            if let Some(made) = exact_first(&scope.made, &name.value) {
                return Ok(column("", made));
            }
        }
        Err(error(207, format!("Invalid column name '{}'.", name.value)).into())
    }

    /// `t.c`, `table.c`, `[schema].[table].[c]`.
    pub(crate) fn qualified(&mut self, names: &[Ident]) -> Written<Sql> {
        let [.., of, name] = names else { return Err(Stop::Shape) };
        let (of, name) = (&of.value, &name.value);
        for scope in self.scopes.iter().rev() {
            let Some(relation) = scope.relations.iter().find(|relation| same_name(&relation.alias, of)) else {
                continue;
            };
            return match exact_first(&relation.columns, name) {
                Some(found) => Ok(column(&relation.alias, found)),
                None => Err(error(207, format!("Invalid column name '{name}'.")).into()),
            };
        }
        Err(error(4104, format!("The multi-part identifier \"{of}.{name}\" could not be bound.")).into())
    }

    fn parameter(&mut self, name: &str) -> Written<Sql> {
        let params = &self.asked.params;
        let Some(at) = params.iter().position(|param| param.name.eq_ignore_ascii_case(name)) else {
            return Err(error(137, format!("Must declare the scalar variable \"{name}\".")).into());
        };
        let number = match self.done.bound.iter().position(|bound| *bound == at) {
            Some(number) => number + 1,
            None => {
                self.done.bound.push(at);
                self.done.bound.len()
            }
        };
        let Param { kind, .. } = params[at];
        let text = match types::family(kind) {
            Family::Temporal | Family::Other => format!("CAST(${number} AS {})", types::postgres(kind)),
            Family::Fraction if matches!(kind, Type::Decimal { .. }) => {
                format!("CAST(${number} AS {})", types::postgres(kind))
            }
            _ => format!("${number}"),
        };
        Ok(Sql { bare: true, ..Sql::new(text, Some(kind)) })
    }

    fn global(&mut self, name: &str) -> Written<Sql> {
        let whole = |number: String| Ok(Sql { nullable: false, ..Sql::new(number, Some(Type::Int)) });
        match name.to_uppercase().as_str() {
            "@@ROWCOUNT" => whole(self.asked.row_count.to_string()),
            "@@TRANCOUNT" => whole(self.asked.transactions.to_string()),
            "@@ERROR" => whole("0".to_owned()),
            "@@SPID" => Ok(Sql::new(format!("({} % 32768)::smallint", self.asked.process), Some(Type::SmallInt))),
            "@@VERSION" => {
                let version = format!("Microsoft SQL Server 2019 (test server of csc-bridge) - {VERSION} (X64)");
                Ok(Sql { literal: true, ..Sql::new(literal(&version), Some(Type::NVarChar(Some(300)))) })
            }
            "@@SERVERNAME" => Ok(Sql { literal: true, ..Sql::new("'TESTSERVER'", Some(Type::NVarChar(Some(128)))) }),
            _ => Err(Stop::Shape),
        }
    }
}

/// A column without a qualifier.
fn find(relations: &[Relation], name: &str) -> Option<Sql> {
    let exact = relations
        .iter()
        .find_map(|relation| relation.columns.iter().find(|column| column.name == name).map(|found| (relation, found)));
    let (relation, found) = exact.or_else(|| {
        relations.iter().find_map(|relation| exact_first(&relation.columns, name).map(|found| (relation, found)))
    })?;
    Some(column(&relation.alias, found))
}

/// The column of this name, without regard to case where there is none with it.
pub(crate) fn exact_first<'c>(columns: &'c [Output], name: &str) -> Option<&'c Output> {
    let exact = columns.iter().find(|column| column.name == name);
    exact.or_else(|| columns.iter().find(|column| same_name(&column.name, name)))
}

/// Whether two names are one, as the usual collation has it.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

pub(crate) fn column(alias: &str, found: &Output) -> Sql {
    let text = match alias.is_empty() {
        true => quote(&found.name),
        false => format!("{}.{}", quote(alias), quote(&found.name)),
    };
    let label = found.label.of_reference();
    Sql { nullable: found.nullable, bare: true, label, ..Sql::new(text, found.kind) }
}
