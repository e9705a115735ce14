//! Reads the fields of a client's message. Whatever is cut short or impossible is an error, never a panic.

use std::io;

/// What is left of a message.
pub(crate) struct Reader<'a>(pub &'a [u8]);

/// The error for a message that does not keep to the protocol.
pub(crate) fn malformed(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

impl<'a> Reader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    pub fn bytes(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| malformed("a message is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut taken = [0; N];
        taken.copy_from_slice(self.bytes(N)?);
        Ok(taken)
    }

    pub fn u8(&mut self) -> io::Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> io::Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A text with its length in UTF-16 units in one byte before it (MS-TDS 2.2.5.1).
    pub fn b_varchar(&mut self) -> io::Result<String> {
        let units = self.u8()?;
        utf16(self.bytes(usize::from(units) * 2)?)
    }

    /// Passes over the ALL_HEADERS block that precedes a batch, an RPC and a transaction request (MS-TDS 2.2.5.3).
    pub fn skip_all_headers(&mut self) -> io::Result<()> {
        let total = self.u32()? as usize;
        let rest = total.checked_sub(4).ok_or_else(|| malformed("ALL_HEADERS is shorter than its own length"))?;
        let mut headers = Reader(self.bytes(rest)?);
        while !headers.is_empty() {
            let length = headers.u32()? as usize;
            headers
                .bytes(length.checked_sub(4).ok_or_else(|| malformed("a header is shorter than its own length"))?)?;
        }
        Ok(())
    }
}

/// A text from UTF-16LE bytes. A lone surrogate is refused: SQL Server would keep it, and no test means it.
pub(crate) fn utf16(bytes: &[u8]) -> io::Result<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed("a text in UTF-16 has an odd number of bytes"));
    }
    char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair)))
        .collect::<Result<_, _>>()
        .map_err(|_| malformed("a text is not UTF-16"))
}
