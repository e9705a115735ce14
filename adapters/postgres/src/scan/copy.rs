//! The framing of PostgreSQL's binary copy: a header, rows of length-prefixed values, a trailer.

use bytes::{Buf, Bytes, BytesMut};
use csc_bridge_core::error::{Error, Kind, Result};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, and the length of an extension that no version has.
const HEADER: usize = SIGNATURE.len() + 8;
/// In place of the number of columns.
const TRAILER: i16 = -1;

/// A row's values; `None` is null.
pub(super) struct RowValues<'a> {
    rest: &'a [u8],
}

impl<'a> RowValues<'a> {
    /// The next value. The framing was looked at when the row was found.
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => {
                let (value, rest) = rest.split_at_checked(length)?;
                self.rest = rest;
                Some(value)
            }
            Err(_) => {
                self.rest = rest;
                None
            }
        }
    }
}

/// What has arrived and is not parsed yet.
#[derive(Default)]
pub(super) struct Copy {
    data: Bytes,
    header_read: bool,
    ended: bool,
}

impl Copy {
    /// Takes what arrived. The server sends whole rows, which are then parsed where they are; what it split is put together.
    pub(super) fn feed(&mut self, data: Bytes) {
        if self.data.is_empty() {
            self.data = data;
        } else {
            let mut joined = BytesMut::with_capacity(self.data.len() + data.len());
            joined.extend_from_slice(&self.data);
            joined.extend_from_slice(&data);
            self.data = joined.freeze();
        }
    }

    /// Whether the trailer has come.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Hands over the rows that are there whole, until one is said to be the last for now; returns how many.
    pub(super) fn rows(&mut self, columns: usize, take: &mut impl FnMut(RowValues<'_>) -> Result<bool>) -> Result<u64> {
        if !self.header_read {
            if self.data.len() < HEADER {
                return Ok(0);
            }
            if !self.data.starts_with(SIGNATURE) {
                return Err(garbled());
            }
            self.data.advance(HEADER);
            self.header_read = true;
        }
        let mut rows = 0;
        while let Some(length) = self.row_length(columns)? {
            let more = take(RowValues { rest: &self.data[2..length] })?;
            self.data.advance(length);
            rows += 1;
            if !more {
                break;
            }
        }
        Ok(rows)
    }

    /// The bytes of the next row; `None` where it is not there whole, or the trailer was read.
    fn row_length(&mut self, columns: usize) -> Result<Option<usize>> {
        let Some((count, mut rest)) = self.data.split_first_chunk::<2>() else { return Ok(None) };
        if self.ended {
            return Err(garbled());
        }
        let count = i16::from_be_bytes(*count);
        if count == TRAILER {
            self.ended = true;
            self.data.advance(2);
            return match self.data.is_empty() {
                true => Ok(None),
                false => Err(garbled()),
            };
        }
        if usize::try_from(count).ok() != Some(columns) {
            return Err(garbled());
        }
        for _ in 0..columns {
            let Some((length, after)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
            let Some((_, after)) = after.split_at_checked(length) else { return Ok(None) };
            rest = after;
        }
        Ok(Some(self.data.len() - rest.len()))
    }
}

pub(super) fn garbled() -> Error {
    Error::new(
        Kind::Protocol,
        "the server's copy cannot be understood",
        "check that host and port lead to PostgreSQL itself; report it if they do",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn copied() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        for (text, null) in [("one", false), ("", false), ("null", true), ("four", false)] {
            bytes.extend(1i16.to_be_bytes());
            bytes.extend(if null { -1 } else { i32::try_from(text.len()).unwrap() }.to_be_bytes());
            bytes.extend(if null { b"" } else { text.as_bytes() });
        }
        bytes.extend(TRAILER.to_be_bytes());
        bytes
    }

    fn read(parts: &[&[u8]]) -> Result<(Vec<Option<String>>, bool)> {
        let (mut copy, mut all) = (Copy::default(), Vec::new());
        for part in parts {
            copy.feed(Bytes::copy_from_slice(part));
            copy.rows(1, &mut |mut row| {
                all.push(row.value().map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
                Ok(true)
            })?;
        }
        Ok((all, copy.has_ended()))
    }

    #[test]
    fn rows_are_read_wherever_the_stream_is_split() {
        let whole = copied();
        let wanted = ["one", "", "-", "four"].map(|text| Some(text.to_owned()).filter(|text| text != "-"));
        for size in 1..=whole.len() {
            let parts: Vec<&[u8]> = whole.chunks(size).collect();
            let (rows, ended) = read(&parts).unwrap();
            assert_eq!(rows, wanted, "{size}");
            assert!(ended);
        }
    }

    #[test]
    fn a_stream_that_just_stops_has_not_ended() {
        let whole = copied();
        for length in 0..whole.len() {
            assert!(!read(&[&whole[..length]]).unwrap().1, "{length}");
        }
    }

    #[test]
    fn what_is_no_copy_is_refused() {
        assert!(read(&[b"HTTP/1.1 400 Bad Request\r\n"]).is_err());
        let mut other_columns = copied();
        other_columns[HEADER + 1] = 2;
        assert!(read(&[&other_columns]).is_err());
        assert!(read(&[&copied(), b"more"]).is_err());
    }
}
