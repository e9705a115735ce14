//! RPC requests (MS-TDS 2.2.6.6).

use std::io;

use super::read::{Reader, malformed, utf16};
use super::types::{self, Length, TypeInfo};
use super::values;
use crate::session::{Param, Request, Type, Value};

/// The procedures that go by a number.
const NUMBERED: [&str; 15] = [
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

/// Reads an RPC. `sp_executesql` becomes its text and values; every other procedure is left to the session.
pub(crate) fn read(message: &[u8]) -> io::Result<Request> {
    let mut reader = Reader(message);
    reader.skip_all_headers()?;
    let name = match reader.u16()? {
        0xffff => {
            let number = reader.u16()?;
            NUMBERED
                .get(usize::from(number).wrapping_sub(1))
                .map(|name| (*name).to_owned())
                .ok_or_else(|| malformed(format!("the procedure number {number}")))?
        }
        units => utf16(reader.bytes(usize::from(units) * 2)?)?,
    };
    reader.u16()?;
    let mut params = Vec::new();
    while let Some(next) = reader.peek() {
        // A name has at most 128 characters; these two part several calls in one message.
        if next >= 0xfe {
            reader.u8()?;
            if reader.is_empty() {
                break;
            }
            return Err(malformed("several procedure calls in one message"));
        }
        params.push(param(&mut reader)?);
    }
    let bare = name.rsplit('.').next().unwrap_or_default().trim_matches(['[', ']']);
    if bare.eq_ignore_ascii_case("sp_executesql") {
        return text(params);
    }
    Ok(Request::Procedure { name, params: params.into_iter().map(|(param, _)| param).collect() })
}

fn param(reader: &mut Reader<'_>) -> io::Result<(Param, bool)> {
    let name = reader.b_varchar()?;
    let status = reader.u8()?;
    let info = TypeInfo::read(reader)?;
    let value = values::read(reader, &info)?;
    Ok((Param { name, kind: info.kind, value, output: status & 1 != 0 }, info.length == Length::Null))
}

/// The parameters of `sp_executesql`: the statements, the declarations, the values.
fn text(params: Vec<(Param, bool)>) -> io::Result<Request> {
    let mut params = params.into_iter();
    let Some((Param { value: Value::Text(sql), .. }, _)) = params.next() else {
        return Err(malformed("sp_executesql without statements"));
    };
    let declarations = match params.next() {
        Some((Param { value: Value::Text(declarations), .. }, _)) => declarations,
        _ => String::new(),
    };
    let declarations = declarations_of(&declarations);
    let params = params.enumerate().map(|(place, (mut param, untyped))| {
        let declared = match param.name.as_str() {
            "" => declarations.get(place),
            name => declarations.iter().find(|(declared, _)| declared.eq_ignore_ascii_case(name)),
        };
        if let Some((name, kind)) = declared {
            param.name.clone_from(name);
            // A null may come without any type; then it has the one that was declared.
            if let (true, Some(kind)) = (untyped, kind) {
                param.kind = *kind;
            }
        }
        param
    });
    Ok(Request::Text { sql, params: params.collect() })
}

/// `@P1 int,@P2 decimal(10,2)` by names and types.
fn declarations_of(text: &str) -> Vec<(String, Option<Type>)> {
    let mut depth = 0;
    text.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .filter_map(|declaration| declaration.trim().split_once(char::is_whitespace))
    .map(|(name, kind)| (name.to_owned(), types::declared(kind)))
    .collect()
}
