//! Values on their way to parameters and back from the rows of small queries.

use csc_bridge_sql::Value;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};

use crate::numeric;

type Failed = Box<dyn std::error::Error + Sync + Send>;

/// A value bound to a parameter, whatever type the server has found for it: numbers and texts go as text, which the server reads as
/// it would read a constant.
pub(crate) struct Bound<'a>(pub(crate) &'a Value);

impl std::fmt::Debug for Bound<'_> {
    // The value may be a child's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bound")
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.0 {
            Value::Bytes(_) => Format::Binary,
            _ => Format::Text,
        }
    }

    fn to_sql_checked(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        self.to_sql(kind, out)
    }
}

/// A value as the server sent it.
pub(crate) struct Sent<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Sent<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Sent<'a>, Failed> {
        Ok(Sent(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The value of a column of a small query; `None` for a type that no statement asks for.
pub(crate) fn read(kind: &Type, sent: Option<Sent<'_>>) -> Option<Value> {
    let Some(Sent(bytes)) = sent else { return Some(Value::Null) };
    let value = match *plain(kind) {
        Type::INT2 => Value::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT4 => Value::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Type::INT8 => Value::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
        Type::BOOL => Value::Integer(i64::from(bytes != [0])),
        Type::BYTEA => Value::Bytes(bytes.to_vec()),
        Type::NUMERIC => number(bytes)?,
        Type::UUID => Value::text(uuid(bytes)?),
        Type::JSONB => Value::text(std::str::from_utf8(bytes.get(1..)?).ok()?),
        ref kind if is_text(kind) => Value::text(std::str::from_utf8(bytes).ok()?),
        _ => return None,
    };
    Some(value)
}

/// A sum is numeric although it is whole.
fn number(bytes: &[u8]) -> Option<Value> {
    let mut text = String::new();
    numeric::write(bytes, &mut text)?;
    Some(text.parse().map_or(Value::Text(text), Value::Integer))
}

/// The type behind a domain.
pub(crate) fn plain(kind: &Type) -> &Type {
    match kind.kind() {
        Kind::Domain(base) => plain(base),
        _ => kind,
    }
}

/// Whether a value of this type is sent as its text.
pub(crate) fn is_text(kind: &Type) -> bool {
    matches!(*kind, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::XML | Type::UNKNOWN)
        || matches!(kind.kind(), Kind::Enum(_))
        || kind.name() == "citext"
}

/// A UUID in its usual form.
pub(crate) fn uuid(bytes: &[u8]) -> Option<String> {
    let number = u128::from_be_bytes(bytes.try_into().ok()?);
    let digits = format!("{number:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Some([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}
