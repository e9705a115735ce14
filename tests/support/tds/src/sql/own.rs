//! The statements that `sqlparser` cannot parse, or of which its tree says less than their words: a strict little matcher for each.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use super::errors::{error, unsupported};
use super::parse::{self, Statement};
use super::types;
use crate::session::{SqlError, Type};

/// A statement of the matcher's own.
#[derive(Debug)]
pub(crate) enum Own {
    Begin,
    Commit,
    Rollback,
    /// An option that changes nothing here.
    Nothing,
    NoCount(bool),
    XactAbort(bool),
    /// In milliseconds; -1 for as long as it takes.
    LockTimeout(i64),
    Isolation(Isolation),
    Declare {
        name: String,
        kind: Type,
        value: Option<Box<Expr>>,
    },
    /// `sp_getapplock` and `sp_releaseapplock`, and the variable for the return code.
    Procedure {
        name: String,
        into: Option<String>,
        args: Vec<(String, Expr)>,
    },
    Truncate {
        table: String,
    },
    InsertBulk {
        table: String,
        columns: Vec<String>,
    },
    /// `ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON`: the name in `mssql.settings`.
    Setting {
        name: &'static str,
        on: bool,
    },
    CreateSchema {
        name: String,
    },
    /// `IF @@TRANCOUNT > 0 …`.
    IfInTransaction(Box<Statement>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Isolation {
    #[default]
    ReadCommitted,
    RepeatableRead,
    Snapshot,
    Serializable,
}

/// A token that is this word, unquoted.
pub(crate) fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// Whether the tokens begin with these words.
pub(crate) fn begins(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| is(token, word))
}

/// Where the parenthesis that opens at `open` closes.
pub(crate) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The parts of a list with commas between them, but for those in parentheses.
pub(crate) fn list(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 0 => {
                parts.push(&tokens[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[from..]);
    parts
}

/// The statement, where it is one of these.
pub(crate) fn statement(text: &str, tokens: &[Token]) -> Result<Option<Own>, SqlError> {
    let words: Vec<String> = tokens.iter().map(|token| token.to_string().to_uppercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let refused = || unsupported(text);
    Ok(Some(match words.as_slice() {
        ["BEGIN", "TRAN" | "TRANSACTION"] => Own::Begin,
        ["COMMIT"] | ["COMMIT", "TRAN" | "TRANSACTION" | "WORK"] => Own::Commit,
        ["ROLLBACK"] | ["ROLLBACK", "TRAN" | "TRANSACTION" | "WORK"] => Own::Rollback,
        ["IF", "@@TRANCOUNT", ">", "0", ..] => {
            let rest = text.split_once('0').map_or("", |(_, rest)| rest).trim();
            Own::IfInTransaction(Box::new(parse::statement(rest, &tokens[4..])?))
        }
        ["SET", "TRANSACTION", "ISOLATION", "LEVEL", level @ ..] => Own::Isolation(match level {
            ["READ", "COMMITTED"] => Isolation::ReadCommitted,
            ["REPEATABLE", "READ"] => Isolation::RepeatableRead,
            ["SNAPSHOT"] => Isolation::Snapshot,
            ["SERIALIZABLE"] => Isolation::Serializable,
            _ => return Err(refused()),
        }),
        ["SET", "NOCOUNT", switch @ ("ON" | "OFF")] => Own::NoCount(*switch == "ON"),
        ["SET", "XACT_ABORT", switch @ ("ON" | "OFF")] => Own::XactAbort(*switch == "ON"),
        ["SET", "LOCK_TIMEOUT", "-", "1"] => Own::LockTimeout(-1),
        ["SET", "LOCK_TIMEOUT", number] => Own::LockTimeout(number.parse().map_err(|_| refused())?),
        ["SET", "DEADLOCK_PRIORITY", "LOW" | "NORMAL" | "HIGH"] => Own::Nothing,
        ["SET", "DATEFORMAT", "YMD" | "DMY" | "MDY"] | ["SET", "LANGUAGE", _] | ["SET", "TEXTSIZE", ..] => Own::Nothing,
        ["SET", options @ .., "ON"] if options.iter().all(|option| *option == "," || ANSI.contains(option)) => {
            Own::Nothing
        }
        ["SET", "IMPLICIT_TRANSACTIONS" | "CURSOR_CLOSE_ON_COMMIT" | "NUMERIC_ROUNDABORT", "OFF"] => Own::Nothing,
        ["DECLARE", ..] => declare(tokens).ok_or_else(refused)?,
        ["EXEC" | "EXECUTE", ..] => procedure(tokens).ok_or_else(refused)?,
        ["TRUNCATE", "TABLE", ..] => Own::Truncate { table: names(&tokens[2..]) },
        ["INSERT", "BULK", ..] => insert_bulk(tokens).ok_or_else(refused)?,
        ["CREATE", "SCHEMA", _] => Own::CreateSchema { name: word(&tokens[2]).ok_or_else(refused)? },
        ["ALTER", "DATABASE", _, "SET", option, switch @ ("ON" | "OFF"), rest @ ..] => {
            let name = match *option {
                "ALLOW_SNAPSHOT_ISOLATION" => "snapshot_isolation_state",
                "READ_COMMITTED_SNAPSHOT" => "is_read_committed_snapshot_on",
                _ => return Err(refused()),
            };
            if !matches!(rest, [] | ["WITH", "ROLLBACK", "IMMEDIATE"]) {
                return Err(refused());
            }
            Own::Setting { name, on: *switch == "ON" }
        }
        ["SET" | "BEGIN" | "COMMIT" | "ROLLBACK" | "IF" | "USE" | "GO" | "WHILE" | "PRINT", ..] => {
            return Err(refused());
        }
        _ => return Ok(None),
    }))
}

const ANSI: &[&str] = &[
    "ANSI_DEFAULTS",
    "ANSI_NULLS",
    "ANSI_NULL_DFLT_ON",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "CONCAT_NULL_YIELDS_NULL",
    "QUOTED_IDENTIFIER",
];

fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.value.clone()),
        _ => None,
    }
}

fn names(tokens: &[Token]) -> String {
    tokens.iter().map(Token::to_string).collect()
}

/// `DECLARE @r INT [= …]`.
fn declare(tokens: &[Token]) -> Option<Own> {
    let name = word(tokens.get(1)?).filter(|name| name.starts_with('@'))?;
    let equals = tokens.iter().position(|token| *token == Token::Eq).unwrap_or(tokens.len());
    let kind = types::parse(&names(&tokens[2..equals]))?;
    let value = match tokens.get(equals + 1..) {
        None => None,
        Some(value) => Some(parse::expression(value)?),
    };
    Some(Own::Declare { name, kind, value: value.map(Box::new) })
}

/// `EXEC [@r =] name @A = …, @B = …`.
fn procedure(tokens: &[Token]) -> Option<Own> {
    let mut rest = tokens.get(1..)?;
    let mut into = None;
    if rest.get(1) == Some(&Token::Eq) {
        into = Some(word(rest.first()?).filter(|name| name.starts_with('@'))?);
        rest = &rest[2..];
    }
    let first = rest.iter().position(|token| word(token).is_some_and(|word| word.starts_with('@')));
    let (name, rest) = rest.split_at(first.unwrap_or(rest.len()));
    let mut args = Vec::new();
    for part in list(rest).into_iter().filter(|part| !part.is_empty()) {
        let parameter = word(part.first()?)?;
        (part.get(1) == Some(&Token::Eq)).then_some(())?;
        args.push((parameter, parse::expression(&part[2..])?));
    }
    Some(Own::Procedure { name: names(name), into, args })
}

/// `INSERT BULK table ([a] int, [b] nvarchar(max)) [WITH (…)]`, as a client sends it.
fn insert_bulk(tokens: &[Token]) -> Option<Own> {
    let open = tokens.iter().position(|token| *token == Token::LParen)?;
    let close = closing(tokens, open)?;
    if tokens.get(close + 1).is_some_and(|token| !is(token, "WITH")) {
        return None;
    }
    let columns =
        list(&tokens[open + 1..close]).iter().map(|part| word(part.first()?)).collect::<Option<Vec<String>>>()?;
    Some(Own::InsertBulk { table: names(&tokens[2..open]), columns })
}

/// SQL Server's error for a procedure that is not there.
pub(crate) fn no_procedure(name: &str) -> SqlError {
    error(2812, format!("Could not find stored procedure '{name}'."))
}
