//! The statements: Oracle's SQL, written anew for PostgreSQL.
//!
//! A text is split into tokens ([`scan`]), its own small forms are matched by their words ([`own`]), and the rest is parsed, checked and
//! changed in place ([`rewrite`], [`functions`], [`define`]). What is not matched is ORA-00900 `the test server does not know`.

mod define;
mod functions;
mod names;
mod own;
mod query;
mod rewrite;
mod types;

use sqlparser::ast::Statement;
use sqlparser::dialect::OracleDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{OraError, Result, ora, told, unknown};
use crate::value::Kind;

pub(crate) use names::quote;

/// What a text says about itself before it is parsed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    /// OCI's number for the kind of statement.
    pub(crate) kind: u16,
    /// The names of the placeholders in their order, in upper case.
    pub(crate) binds: Vec<String>,
    pub(crate) is_returning: bool,
}

/// How a statement is run.
#[derive(Debug)]
pub(crate) enum Plan {
    Query {
        sql: String,
        /// Whether it locks rows.
        locks: bool,
        tables: Vec<String>,
    },
    Change {
        sql: String,
        tables: Vec<String>,
    },
    /// Commits before and after.
    Define {
        statements: Vec<String>,
    },
    /// Begins a transaction.
    Transaction(&'static str),
    /// Run inside a transaction: LOCK TABLE, SAVEPOINT.
    Within {
        sql: String,
    },
    /// Of the session.
    Session {
        sql: String,
    },
    Commit,
    Rollback,
}

/// What a statement is written for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) version: (u32, u32),
    /// In upper case.
    pub(crate) user: &'a str,
    pub(crate) kinds: &'a [Kind],
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    Tokenizer::new(&OracleDialect {}, text).tokenize().map_err(|_| ora(911))
}

/// The placeholders of a text: each is given its number, which the parser keeps.
fn numbered(tokens: Vec<Token>) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut names) = (Vec::with_capacity(tokens.len()), Vec::new());
    let mut after_colon = false;
    for token in tokens {
        let name = match &token {
            Token::Word(word) if after_colon => Some(word.value.to_uppercase()),
            Token::Number(number, _) if after_colon => Some(number.clone()),
            Token::Placeholder(name) if name.len() > 1 => Some(name[1..].to_uppercase()),
            _ => None,
        };
        after_colon = token == Token::Colon;
        match (name, token) {
            (Some(name), token) => {
                if !matches!(token, Token::Placeholder(_)) {
                    kept.pop();
                }
                names.push(name);
                kept.push(Token::Placeholder(format!(":{}", names.len() - 1)));
            }
            (None, token) => kept.push(token),
        }
    }
    (kept, names)
}

/// `CHAR(5 CHAR)` and `CHAR(5 BYTE)` in the words that the parser knows there. (VARCHAR2's it takes as they are.)
fn units(tokens: &mut [Token]) {
    let mut places: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !matches!(token, Token::Whitespace(_)) {
            places.push(at);
        }
    }
    for five in places.windows(5) {
        let is = |place: usize, word: &str| tokens[five[place]].to_string().eq_ignore_ascii_case(word);
        let number = matches!(tokens[five[2]], Token::Number(..));
        let unit = if is(3, "CHAR") { "CHARACTERS" } else { "OCTETS" };
        if !(is(0, "CHAR") && is(1, "(") && number && (is(3, "CHAR") || is(3, "BYTE")) && is(4, ")")) {
            continue;
        }
        tokens[five[3]] = Token::make_keyword(unit);
    }
}

/// Words and signs in upper case, without space and comments.
fn words(tokens: &[Token]) -> Vec<String> {
    let is_space = |token: &&Token| !matches!(token, Token::Whitespace(_));
    tokens.iter().filter(is_space).map(|token| token.to_string().to_uppercase()).collect()
}

/// Looks at a text without parsing it, as OCI does when it prepares one.
pub(crate) fn scan(text: &str) -> Result<Scan> {
    let Ok(tokens) = tokens(text) else { return Ok(Scan::default()) };
    let (tokens, binds) = numbered(tokens);
    let words = words(&tokens);
    let kind = match words.first().map_or("", String::as_str) {
        "SELECT" | "WITH" | "(" => 1,
        "UPDATE" => 2,
        "DELETE" => 3,
        "INSERT" => 4,
        "CREATE" => 5,
        "DROP" => 6,
        "ALTER" => 7,
        "BEGIN" => 8,
        "DECLARE" => 9,
        "CALL" => 10,
        "MERGE" => 16,
        "ROLLBACK" => 17,
        "COMMIT" => 21,
        _ => 0,
    };
    let is_returning = (2..=4).contains(&kind) && words.iter().any(|word| word == "RETURNING" || word == "RETURN");
    Ok(Scan { kind, binds, is_returning })
}

/// Writes a statement out.
pub(crate) fn plan(text: &str, version: (u32, u32), user: &str, kinds: &[Kind]) -> Result<Plan> {
    let context = Context { version, user, kinds };
    let (mut tokens, binds) = numbered(tokens(text)?);
    let words = words(&tokens);
    units(&mut tokens);
    if words.last().is_some_and(|word| word == ";") {
        return Err(ora(911));
    }
    if words.windows(2).any(|pair| pair == ["DISTINCT", "FROM"]) {
        return Err(told(908, "missing NULL keyword"));
    }
    if let Some(plan) = own::plan(&tokens, &words, &context)? {
        return Ok(plan);
    }
    let refused = |what: &str| unknown(format!("{what}: {text}"));
    // A placeholder with a colon is none of the parser's.
    let mut parser = Parser::new(&OracleDialect {}).with_tokens(tokens);
    let statement = parser.parse_statement().map_err(|fault| refused(&fault.to_string()))?;
    if parser.peek_token().token != Token::EOF {
        return Err(refused(&format!("what follows {}", parser.peek_token().token)));
    }
    let planned = match statement {
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_) => rewrite::statement(statement, &context),
        other if binds.is_empty() => define::statement(other, &context),
        _ => Err(ora(1036)),
    };
    planned.map_err(|fault| with_text(fault, text))
}

/// What is not known is told with the whole text.
fn with_text(fault: OraError, text: &str) -> OraError {
    match fault.code {
        900 if !fault.message.contains(text) => OraError { message: format!("{}: {text}", fault.message), ..fault },
        _ => fault,
    }
}
