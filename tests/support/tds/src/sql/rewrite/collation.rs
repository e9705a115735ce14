//! Collation precedence: which collation an expression has, and where two do not go together.
//!
//! There are two collations: the usual one of a database, and the exact one that stands for all of `_BIN2`, `_BIN` and `_CS_`. What
//! SQL Server says of them: explicit (COLLATE) before implicit (a column) before that of a constant; two explicit ones are an error; two
//! implicit ones leave a value without any, which CASE and its like may make and nothing may use.

use super::{Sql, Written};
use crate::session::SqlError;
use crate::sql::errors::error;
use crate::sql::types::{self, Family};

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collation {
    /// Without regard to case.
    Folding,
    /// By exact characters.
    Exact,
}

impl Collation {
    /// As PostgreSQL has it.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Collation::Folding => "mssql.ci",
            Collation::Exact => "\"C\"",
        }
    }
}

/// The collation of an expression, and how much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Label {
    /// The database's, of constants, parameters and what is made of no text.
    #[default]
    Default,
    /// A column's.
    Implicit(Collation),
    /// COLLATE.
    Explicit(Collation),
    /// None: two columns' collations met in this operator.
    Unresolved(&'static str),
}

impl Label {
    /// Of what holds one value or the other; an error where two explicit collations meet.
    pub(crate) fn beside(self, other: Label, operator: &'static str) -> Result<Label, SqlError> {
        Ok(match (self, other) {
            (Label::Explicit(one), Label::Explicit(another)) if one != another => return Err(conflict(operator)),
            (label @ Label::Explicit(_), _) | (_, label @ Label::Explicit(_)) => label,
            (label @ Label::Unresolved(_), _) | (_, label @ Label::Unresolved(_)) => label,
            (Label::Implicit(one), Label::Implicit(another)) if one != another => Label::Unresolved(operator),
            (label @ Label::Implicit(_), _) | (_, label) => label,
        })
    }

    /// Of two values that an operator compares.
    pub(crate) fn against(self, other: Label, operator: &'static str) -> Result<Label, SqlError> {
        match self.beside(other, operator)? {
            Label::Unresolved(_) => {
                self.resolved()?;
                other.resolved()?;
                Err(conflict(operator))
            }
            label => Ok(label),
        }
    }

    /// An error where there is none.
    pub(crate) fn resolved(self) -> Result<Label, SqlError> {
        match self {
            Label::Unresolved(operator) => Err(error(
                457,
                format!(
                    "Implicit conversion of nvarchar value to nvarchar cannot be performed because the collation of the value is unresolved due to a collation conflict between {BOTH} in {operator} operator."
                ),
            )),
            label => Ok(label),
        }
    }

    /// As the column of an answer, which counts from 1.
    pub(crate) fn of_column(self, at: usize, clause: &str) -> Result<Label, SqlError> {
        match self {
            Label::Unresolved(operator) => Err(error(
                451,
                format!(
                    "Cannot resolve collation conflict between {BOTH} in {operator} operator occurring in {clause} statement column {at}."
                ),
            )),
            label => Ok(label),
        }
    }

    /// As a column of a table, a derived one too, has it.
    pub(crate) fn of_reference(self) -> Label {
        match self {
            Label::Explicit(collation) => Label::Implicit(collation),
            label => label,
        }
    }

    pub(crate) fn is_exact(self) -> bool {
        self.collation() == Collation::Exact
    }

    pub(crate) fn collation(self) -> Collation {
        match self {
            Label::Implicit(collation) | Label::Explicit(collation) => collation,
            Label::Default | Label::Unresolved(_) => Collation::Folding,
        }
    }

    /// A written text for PostgreSQL, which does not know the collation of a constant.
    pub(crate) fn said(self, text: String) -> String {
        match self {
            Label::Explicit(_) | Label::Implicit(Collation::Exact) => text,
            _ => format!("{text} COLLATE {}", self.collation().sql()),
        }
    }
}

const BOTH: &str = "\"Latin1_General_CI_AS\" and \"Latin1_General_BIN2\"";

fn conflict(operator: &str) -> SqlError {
    error(468, format!("Cannot resolve the collation conflict between {BOTH} in the {operator} operation."))
}

/// Of the texts among some values, one of which is the result.
pub(crate) fn any_of<'s>(values: impl IntoIterator<Item = &'s Sql>, operator: &'static str) -> Written<Label> {
    let texts = values.into_iter().filter(|value| is_text(value));
    Ok(texts.map(|value| value.label).try_fold(Label::Default, |label, other| label.beside(other, operator))?)
}

/// Of the texts among some values that a function compares.
pub(crate) fn all_of<'s>(values: impl IntoIterator<Item = &'s Sql>, operator: &'static str) -> Written<Label> {
    let texts = values.into_iter().filter(|value| is_text(value));
    Ok(texts.map(|value| value.label).try_fold(Label::Default, |label, other| label.against(other, operator))?)
}

pub(crate) fn is_text(value: &Sql) -> bool {
    value.kind.is_some_and(|kind| types::family(kind) == Family::Text)
}
