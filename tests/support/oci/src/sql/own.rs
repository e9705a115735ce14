//! Forms that are matched by their words.

use sqlparser::ast::ObjectName;
use sqlparser::dialect::OracleDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Context, Plan, names};
use crate::change::truncated;
use crate::error::{Result, told, unknown};

/// The plan of such a form; `None` where it is none.
pub(crate) fn plan(tokens: &[Token], words: &[String], context: &Context<'_>) -> Result<Option<Plan>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let text = || words.join(" ");
    Ok(Some(match words.as_slice() {
        ["COMMIT"] | ["COMMIT", "WORK"] => Plan::Commit,
        ["ROLLBACK"] | ["ROLLBACK", "WORK"] => Plan::Rollback,
        ["SAVEPOINT", name] => Plan::Within { sql: format!("SAVEPOINT {}", names::quote(name)) },
        ["ROLLBACK", "TO", "SAVEPOINT", name] | ["ROLLBACK", "TO", name] => {
            Plan::Within { sql: format!("ROLLBACK TO SAVEPOINT {}", names::quote(name)) }
        }
        ["SET", "TRANSACTION", "READ", "ONLY"] => Plan::Transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        ["SET", "TRANSACTION", "READ", "WRITE"] | ["SET", "TRANSACTION", "ISOLATION", "LEVEL", "READ", "COMMITTED"] => {
            Plan::Transaction("BEGIN")
        }
        ["SET", "TRANSACTION", "ISOLATION", "LEVEL", "SERIALIZABLE"] => {
            Plan::Transaction("BEGIN ISOLATION LEVEL REPEATABLE READ")
        }
        ["ALTER", "SESSION", "SET", settings @ ..] => session(tokens, settings)?,
        ["LOCK", "TABLE", ..] => lock(tokens, &words, context)?,
        ["TRUNCATE", "TABLE", ..] => {
            let (name, rest) = name_after(tokens, 2)?;
            empty(&rest)?;
            truncate(&name, context)?
        }
        ["DROP", "TABLE", ..] => drop_table(tokens, context)?,
        ["DROP", "INDEX", ..] => {
            let (name, rest) = name_after(tokens, 2)?;
            empty(&rest)?;
            Plan::Define { statements: vec![format!("DROP INDEX {}", names::written(&name, context)?)] }
        }
        ["ALTER", "TABLE", _, "ADD", "(", .., ")"] => add_columns(tokens, context)?,
        ["BEGIN" | "DECLARE" | "CALL", ..] => return Err(unknown(text())),
        _ => return Ok(None),
    }))
}

/// It waits for nobody: who only reads does not keep it out, and is told later. PostgreSQL's own waits for readers, and is not undone in
/// their sight.
fn truncate(name: &ObjectName, context: &Context<'_>) -> Result<Plan> {
    let (table, written) = (names::table(name, context)?.1, names::written(name, context)?);
    let sequence = truncated(&table).replace('\'', "''");
    let mut statements =
        vec![format!("LOCK TABLE {written} IN EXCLUSIVE MODE NOWAIT"), format!("DELETE FROM {written}")];
    statements.extend(note_of_truncation(&table));
    statements.push(format!("SELECT setval('{sequence}', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"));
    Ok(Plan::Define { statements })
}

/// Makes the note of when a table was truncated. It is made with the table: a transaction that has begun looks for no new names.
pub(super) fn note_of_truncation(table: &str) -> [String; 2] {
    let sequence = truncated(table);
    [
        format!("CREATE SEQUENCE IF NOT EXISTS {sequence}"),
        format!("GRANT SELECT, UPDATE ON SEQUENCE {sequence} TO PUBLIC"),
    ]
}

fn empty(rest: &[String]) -> Result<()> {
    if rest.is_empty() { Ok(()) } else { Err(unknown(rest.join(" "))) }
}

/// The name after so many words, and the words after it.
fn name_after(tokens: &[Token], skipped: usize) -> Result<(ObjectName, Vec<String>)> {
    let tokens: Vec<Token> =
        tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).skip(skipped).cloned().collect();
    let mut parser = Parser::new(&OracleDialect {}).with_tokens(tokens);
    let name = parser.parse_object_name(false).map_err(|fault| unknown(fault.to_string()))?;
    let mut rest = Vec::new();
    while parser.peek_token().token != Token::EOF {
        rest.push(parser.next_token().token.to_string().to_uppercase());
    }
    Ok((name, rest))
}

fn drop_table(tokens: &[Token], context: &Context<'_>) -> Result<Plan> {
    let (name, rest) = name_after(tokens, 2)?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let cascade = match rest.as_slice() {
        [] | ["PURGE"] => "",
        ["CASCADE", "CONSTRAINTS"] | ["CASCADE", "CONSTRAINTS", "PURGE"] => " CASCADE",
        _ => return Err(unknown(format!("DROP TABLE … {}", rest.join(" ")))),
    };
    let (schema, table) = names::table(&name, context)?;
    if schema.is_some() {
        return Ok(Plan::Define {
            statements: vec![format!("DROP TABLE {}{cascade}", names::written(&name, context)?)],
        });
    }
    let name = names::quote(&table);
    Ok(Plan::Define {
        statements: vec![
            format!("DELETE FROM oracle.temporary_tables WHERE name = '{}'", table.replace('\'', "''")),
            format!("DROP TABLE IF EXISTS pg_temp.{name}"),
            format!("DROP TABLE public.{name}{cascade}"),
            format!("DROP SEQUENCE IF EXISTS {}", truncated(&table)),
        ],
    })
}

/// `ALTER TABLE t ADD (c type, …)`: a statement for each column.
fn add_columns(tokens: &[Token], context: &Context<'_>) -> Result<Plan> {
    let tokens: Vec<Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).cloned().collect();
    let (head, columns) = (&tokens[..4], &tokens[5..tokens.len() - 1]);
    let (mut depth, mut statements) = (0, Vec::new());
    let parts = columns.split(|token| {
        depth += i32::from(*token == Token::LParen) - i32::from(*token == Token::RParen);
        *token == Token::Comma && depth == 0
    });
    for part in parts {
        let mut parser = Parser::new(&OracleDialect {}).with_tokens([head, part].concat());
        let parsed = parser.parse_statement().map_err(|fault| unknown(fault.to_string()))?;
        match super::define::statement(parsed, context)? {
            Plan::Define { statements: more } => statements.extend(more),
            _ => return Err(unknown("this ALTER TABLE")),
        }
    }
    Ok(Plan::Define { statements })
}

/// `LOCK TABLE t IN … MODE [NOWAIT | WAIT n]`.
fn lock(tokens: &[Token], words: &[&str], context: &Context<'_>) -> Result<Plan> {
    let (name, rest) = name_after(tokens, 2)?;
    let table = names::written(&name, context)?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let wrong = || unknown(words.join(" "));
    let end = rest.iter().position(|word| *word == "MODE").ok_or_else(wrong)?;
    let mode = match rest[..end] {
        // SHARE keeps writers out and lets readers in, as PostgreSQL's does; EXCLUSIVE lets readers in.
        ["IN", "SHARE"] => "SHARE",
        ["IN", "ROW", "SHARE"] | ["IN", "SHARE", "UPDATE"] => "ROW SHARE",
        ["IN", "ROW", "EXCLUSIVE"] => "ROW EXCLUSIVE",
        ["IN", "SHARE", "ROW", "EXCLUSIVE"] => "SHARE ROW EXCLUSIVE",
        ["IN", "EXCLUSIVE"] => "EXCLUSIVE",
        _ => return Err(wrong()),
    };
    let lock = format!("LOCK TABLE {table} IN {mode} MODE");
    Ok(Plan::Within {
        sql: match rest[end + 1..] {
            [] => lock,
            ["NOWAIT"] => format!("{lock} NOWAIT"),
            ["WAIT", seconds] => {
                let seconds: u32 = seconds.parse().map_err(|_| wrong())?;
                format!("SET LOCAL lock_timeout = '{seconds}s'; {lock}; SET LOCAL lock_timeout = 0")
            }
            _ => return Err(wrong()),
        },
    })
}

/// `ALTER SESSION SET name = value …`: the settings that are simulated, with the values that are.
fn session(tokens: &[Token], settings: &[&str]) -> Result<Plan> {
    let wrong = || unknown(format!("ALTER SESSION SET {}", settings.join(" ")));
    let given: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).skip(3).collect();
    let mut statements = Vec::new();
    for setting in given.chunks(3) {
        let [Token::Word(name), Token::Eq, value] = setting else { return Err(wrong()) };
        let name = name.value.to_uppercase();
        let value = match value {
            Token::SingleQuotedString(text) => text.clone(),
            Token::Word(word) => word.value.to_uppercase(),
            Token::Number(number, _) => number.clone(),
            _ => return Err(wrong()),
        };
        match (name.as_str(), value.as_str()) {
            ("NLS_DATE_FORMAT" | "NLS_TIMESTAMP_FORMAT" | "NLS_TIMESTAMP_TZ_FORMAT", model) => {
                // What is written into a text without TO_CHAR, and read from one: PostgreSQL reads only this order.
                if !model.to_uppercase().starts_with("YYYY-MM-DD") {
                    return Err(wrong());
                }
                statements.push(format!("SET oracle.{} = '{}'", name.to_lowercase(), model.replace('\'', "''")));
            }
            ("NLS_SORT" | "NLS_COMP", "BINARY") | ("NLS_NUMERIC_CHARACTERS", ".,") => {}
            ("NLS_LENGTH_SEMANTICS" | "NLS_CALENDAR" | "NLS_LANGUAGE" | "NLS_TERRITORY", _) => {}
            ("NLS_SORT" | "NLS_COMP" | "NLS_NUMERIC_CHARACTERS", _) => return Err(wrong()),
            ("TIME_ZONE", "UTC" | "+00:00" | "00:00") => statements.push("SET TIME ZONE 'UTC'".to_owned()),
            ("CURSOR_SHARING", "EXACT") | ("COMMIT_WAIT", "WAIT") => {}
            ("DDL_LOCK_TIMEOUT", seconds) => {
                let seconds: u32 = seconds.parse().map_err(|_| wrong())?;
                statements.push(format!("SET oracle.ddl_lock_timeout = '{seconds}'"));
            }
            ("CURRENT_SCHEMA", schema) => {
                statements.push(format!("SET search_path = {}, public, oracle", names::quote(schema)));
            }
            (name, _) if name.starts_with("NLS_") => return Err(told(2248, "invalid option for ALTER SESSION")),
            _ => return Err(wrong()),
        }
    }
    Ok(Plan::Session { sql: statements.join("; ") })
}
