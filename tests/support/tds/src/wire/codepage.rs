//! The two ways in which a `varchar` is written: windows-1252, and UTF-8 for a collation whose name ends in `_UTF8`.

use crate::session::Type;

/// The collation that the server tells, which decides what a `varchar`'s bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Collation {
    /// `SQL_Latin1_General_CP1_CI_AS`: windows-1252.
    #[default]
    Latin1,
    /// `Latin1_General_100_CI_AS_SC_UTF8`.
    Utf8,
}

/// The flag that marks a collation as UTF-8 (MS-TDS 2.2.5.1.2).
const UTF8: u8 = 0x04;

/// What stands at 0x80 to 0x9F; a C1 control where windows-1252 has nothing.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Collation {
    /// Its five bytes: the locale 0x0409 with what is ignored in comparisons, and the sort id (MS-TDS 2.2.5.1.2).
    pub(crate) fn wire(self) -> [u8; 5] {
        match self {
            Collation::Latin1 => [0x09, 0x04, 0xd0, 0x00, 52],
            Collation::Utf8 => [0x09, 0x04, 0xd0, 0x20 | UTF8, 0],
        }
    }

    /// The type in which a column is sent. Whoever did not ask for UTF-8 (UTF8_SUPPORT, MS-TDS 2.2.6.4), which no client of the tests
    /// does, gets what is stored in it as `nvarchar`.
    pub(crate) fn sent_as(self, kind: Type) -> Type {
        match (self, kind) {
            (Collation::Utf8, Type::VarChar(length)) => Type::NVarChar(length.filter(|length| *length <= 4000)),
            (Collation::Utf8, Type::Char(length @ ..=4000)) => Type::NChar(length),
            (Collation::Utf8, Type::Char(_)) => Type::NVarChar(None),
            (_, kind) => kind,
        }
    }

    pub(crate) fn from_wire(bytes: &[u8]) -> Collation {
        match bytes.get(3) {
            Some(flags) if flags & UTF8 != 0 => Collation::Utf8,
            _ => Collation::Latin1,
        }
    }

    /// What has no place in the code page becomes a question mark, as in SQL Server.
    pub(crate) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Collation::Utf8 => text.as_bytes().to_vec(),
            Collation::Latin1 => text.chars().map(byte).collect(),
        }
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Collation::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Collation::Latin1 => bytes
                .iter()
                .map(|byte| match byte {
                    0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
                    byte => char::from(*byte),
                })
                .collect(),
        }
    }
}

fn byte(character: char) -> u8 {
    match u8::try_from(character) {
        Ok(byte) if !(0x80..=0x9f).contains(&byte) => byte,
        _ => HIGH.iter().position(|high| *high == character).map_or(b'?', |place| 0x80 + place as u8),
    }
}
