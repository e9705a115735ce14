//! From the text of a batch to its statements: `sqlparser` for most, [`own`](super::own) for what it cannot parse.
//!
//! Statements of a batch are separated by semicolons: where one ends without any, T-SQL needs its whole grammar to tell.

use sqlparser::ast::{Expr, Statement as Ast};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::errors::{error, unsupported};
use super::own::{self, Own};
use crate::session::SqlError;

/// One statement of a batch.
#[derive(Debug)]
pub(crate) struct Statement {
    /// As it was sent, but for white space and comments.
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// What `sqlparser` made of it.
    Parsed(Box<Ast>),
    /// CREATE TABLE with computed columns beside what `sqlparser` made of the rest.
    WithComputed(Box<Ast>, Vec<Computed>),
    /// `ALTER TABLE t ADD c AS (…) PERSISTED`.
    AddComputed(Box<(sqlparser::ast::ObjectName, Computed)>),
    /// A form of our own.
    Own(Box<Own>),
}

/// A computed column.
#[derive(Debug)]
pub(crate) struct Computed {
    pub(crate) name: String,
    pub(crate) expr: Expr,
}

/// The statements of a batch.
pub(crate) fn batch(sql: &str) -> Result<Vec<Statement>, SqlError> {
    let tokens = Tokenizer::new(&MsSqlDialect {}, sql)
        .tokenize()
        .map_err(|fault| error(102, format!("Incorrect syntax: {fault}: {sql}")))?;
    let mut statements = Vec::new();
    for part in tokens.split(|token| matches!(token, Token::SemiColon)) {
        let text: String = part.iter().map(Token::to_string).collect();
        let tokens: Vec<Token> = part.iter().filter(|token| !matches!(token, Token::Whitespace(_))).cloned().collect();
        if !tokens.is_empty() {
            statements.push(statement(text.trim(), &tokens)?);
        }
    }
    Ok(statements)
}

/// One statement.
pub(crate) fn statement(text: &str, tokens: &[Token]) -> Result<Statement, SqlError> {
    let kind = if let Some(own) = own::statement(text, tokens)? {
        Kind::Own(Box::new(own))
    } else if let Some(added) = add_computed(tokens) {
        Kind::AddComputed(Box::new(added))
    } else {
        let (rest, computed) = take_computed(&without_join_hints(tokens));
        let ast = parse(&rest, text)?;
        match computed.is_empty() {
            true => Kind::Parsed(Box::new(ast)),
            false => Kind::WithComputed(Box::new(ast), computed),
        }
    };
    Ok(Statement { text: text.to_owned(), kind })
}

fn parse(tokens: &[Token], text: &str) -> Result<Ast, SqlError> {
    let mut parser = Parser::new(&MsSqlDialect {}).with_tokens(tokens.to_vec());
    let refused = |fault: &str| unsupported(&format!("{text} ({fault})"));
    let ast = parser.parse_statement().map_err(|fault| refused(&fault.to_string()))?;
    match &parser.peek_token().token {
        Token::EOF => Ok(ast),
        left => Err(refused(&format!("what follows {left}"))),
    }
}

/// Leaves LOOP, HASH, MERGE and REMOTE out of `INNER LOOP JOIN` and its like, which PostgreSQL plans as it likes. T-SQL has such a word
/// nowhere else.
fn without_join_hints(tokens: &[Token]) -> Vec<Token> {
    let one_of = |token: Option<&Token>, words: &[&str]| {
        token.is_some_and(|token| words.iter().any(|word| own::is(token, word)))
    };
    let is_hint = |at: usize| {
        one_of(tokens.get(at), &["LOOP", "HASH", "MERGE", "REMOTE"])
            && one_of(tokens.get(at + 1), &["JOIN"])
            && one_of(
                at.checked_sub(1).and_then(|before| tokens.get(before)),
                &["INNER", "LEFT", "RIGHT", "FULL", "OUTER"],
            )
    };
    tokens.iter().enumerate().filter(|(at, _)| !is_hint(*at)).map(|(_, token)| token.clone()).collect()
}

/// An expression by itself.
pub(crate) fn expression(tokens: &[Token]) -> Option<Expr> {
    let mut parser = Parser::new(&MsSqlDialect {}).with_tokens(tokens.to_vec());
    let expr = parser.parse_expr().ok()?;
    matches!(parser.peek_token().token, Token::EOF).then_some(expr)
}

/// `[name] AS (…) [PERSISTED] [NOT NULL]`.
fn computed(tokens: &[Token]) -> Option<Computed> {
    let Token::Word(name) = tokens.first()? else { return None };
    if !own::is(tokens.get(1)?, "AS") || tokens.get(2) != Some(&Token::LParen) {
        return None;
    }
    let close = tokens.iter().rposition(|token| *token == Token::RParen)?;
    let tail: Vec<String> = tokens[close + 1..].iter().map(|token| token.to_string().to_uppercase()).collect();
    let is_known = ["", "PERSISTED", "PERSISTED NOT NULL"].contains(&tail.join(" ").as_str());
    let expr = expression(&tokens[2..=close])?;
    is_known.then(|| Computed { name: name.value.clone(), expr })
}

fn add_computed(tokens: &[Token]) -> Option<(sqlparser::ast::ObjectName, Computed)> {
    let add = tokens.iter().position(|token| own::is(token, "ADD"))?;
    if !own::begins(tokens, &["ALTER", "TABLE"]) {
        return None;
    }
    let computed = computed(&tokens[add + 1..])?;
    let mut parser = Parser::new(&MsSqlDialect {}).with_tokens(tokens[2..add].to_vec());
    let table = parser.parse_object_name(false).ok()?;
    matches!(parser.peek_token().token, Token::EOF).then_some((table, computed))
}

/// Takes the computed columns out of a CREATE TABLE.
fn take_computed(tokens: &[Token]) -> (Vec<Token>, Vec<Computed>) {
    let open = tokens.iter().position(|token| *token == Token::LParen);
    let (true, Some(open)) = (own::begins(tokens, &["CREATE", "TABLE"]), open) else {
        return (tokens.to_vec(), Vec::new());
    };
    let Some(close) = own::closing(tokens, open) else { return (tokens.to_vec(), Vec::new()) };
    let (mut kept, mut taken) = (Vec::new(), Vec::new());
    for part in own::list(&tokens[open + 1..close]) {
        match computed(part) {
            Some(computed) => taken.push(computed),
            None => kept.push(part),
        }
    }
    let mut rest = tokens[..=open].to_vec();
    rest.extend(kept.join(&Token::Comma));
    rest.extend_from_slice(&tokens[close..]);
    (rest, taken)
}
