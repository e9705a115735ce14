//! The frames between the program and a plugin's child process. Numbers are little-endian.
//!
//! To the child: one byte (the entry's number, or [`LOAD`]), the handle (8), the length (8), the bytes.
//! From the child: one byte ([`ANSWER`] or [`LOG`]), the status or level (4), the length (8), the bytes.

use std::io::{Error, ErrorKind, Read, Result, Write};

use csc_bridge_plugin_abi::table::{self, Entry};

use crate::library::LONGEST_ANSWER;

/// In the place of an entry: the plugin's name, a line feed, and its library.
pub(super) const LOAD: u8 = 255;

/// The answer to the call that runs.
pub(super) const ANSWER: u8 = 1;
/// A line of the plugin's log.
pub(super) const LOG: u8 = 2;

/// A library, or the records of a batch.
const LONGEST_REQUEST: u64 = 1 << 30;

pub(super) struct Request {
    pub entry: u8,
    pub of: u64,
    pub bytes: Vec<u8>,
}

pub(crate) struct Reply {
    pub what: u8,
    /// A status, or a level.
    pub number: i32,
    pub bytes: Vec<u8>,
}

pub(super) fn write_request(to: &mut impl Write, entry: u8, of: u64, parts: &[&[u8]]) -> Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut head = [0; 17];
    head[0] = entry;
    head[1..9].copy_from_slice(&of.to_le_bytes());
    head[9..].copy_from_slice(&(length as u64).to_le_bytes());
    to.write_all(&head)?;
    for part in parts {
        to.write_all(part)?;
    }
    to.flush()
}

/// None at the end of the stream.
pub(super) fn read_request(from: &mut impl Read) -> Result<Option<Request>> {
    let mut head = [0; 17];
    if from.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[1..])?;
    let bytes = read_bytes(from, number(&head[9..]), LONGEST_REQUEST)?;
    Ok(Some(Request { entry: head[0], of: number(&head[1..9]), bytes }))
}

pub(super) fn write_reply(to: &mut impl Write, what: u8, number: i32, bytes: &[u8]) -> Result<()> {
    let mut head = [0; 13];
    head[0] = what;
    head[1..5].copy_from_slice(&number.to_le_bytes());
    head[5..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    to.write_all(&head)?;
    to.write_all(bytes)?;
    to.flush()
}

/// Reads up to the answer to a call of `entry`; each line of the log before it goes to `log`. The child is the plugin's: it may write what it
/// likes. What is no frame, or has a status that is not one of those allowed, is `InvalidData`: after it nothing can be understood.
pub(crate) fn read_answer(from: &mut impl Read, entry: Entry, mut log: impl FnMut(i32, &[u8])) -> Result<Reply> {
    loop {
        let reply = read_reply(from)?;
        match (reply.what, reply.number) {
            (LOG, level) => log(level, &reply.bytes),
            (ANSWER, table::OK | table::ERROR | table::PANIC) => return Ok(reply),
            (ANSWER, table::COMPLETE) if entry == Entry::StreamNext => return Ok(reply),
            _ => return Err(ErrorKind::InvalidData.into()),
        }
    }
}

fn read_reply(from: &mut impl Read) -> Result<Reply> {
    let mut head = [0; 13];
    from.read_exact(&mut head)?;
    let mut status = [0; 4];
    status.copy_from_slice(&head[1..5]);
    let bytes = read_bytes(from, number(&head[5..]), LONGEST_ANSWER)?;
    Ok(Reply { what: head[0], number: i32::from_le_bytes(status), bytes })
}

fn number(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(bytes);
    u64::from_le_bytes(number)
}

fn read_bytes(from: &mut impl Read, length: u64, longest: u64) -> Result<Vec<u8>> {
    let size = usize::try_from(length).ok().filter(|_| length <= longest).ok_or(ErrorKind::InvalidData)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| ErrorKind::OutOfMemory)?;
    match from.take(length).read_to_end(&mut bytes)? == size {
        true => Ok(bytes),
        false => Err(Error::from(ErrorKind::UnexpectedEof)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_request_and_a_reply_come_as_they_went() {
        let mut pipe = Vec::new();
        write_request(&mut pipe, 3, u64::MAX - 1, &[b"ab", b"", b"c"]).unwrap();
        let mut from = &pipe[..];
        let request = read_request(&mut from).unwrap().unwrap();
        assert_eq!((request.entry, request.of, request.bytes), (3, u64::MAX - 1, b"abc".to_vec()));
        assert!(read_request(&mut from).unwrap().is_none());

        let mut pipe = Vec::new();
        write_reply(&mut pipe, ANSWER, -7, b"xyz").unwrap();
        let reply = read_reply(&mut &pipe[..]).unwrap();
        assert_eq!((reply.what, reply.number, reply.bytes), (ANSWER, -7, b"xyz".to_vec()));
    }

    #[test]
    fn lines_of_the_log_come_before_the_answer_and_nothing_else_does() {
        let read = |frames: &[(u8, i32)], entry| {
            let mut pipe = Vec::new();
            frames.iter().for_each(|(what, number)| write_reply(&mut pipe, *what, *number, b"x").unwrap());
            let mut levels = Vec::new();
            let answer = read_answer(&mut &pipe[..], entry, |level, _| levels.push(level));
            (answer.map(|reply| reply.number).map_err(|error| error.kind()), levels)
        };
        assert_eq!(read(&[(LOG, 3), (LOG, -9), (ANSWER, 2)], Entry::SourceOpen), (Ok(2), vec![3, -9]));
        assert_eq!(read(&[(ANSWER, 1)], Entry::StreamNext), (Ok(1), vec![]));
        assert_eq!(read(&[(LOG, 1)], Entry::StreamNext), (Err(ErrorKind::UnexpectedEof), vec![1]));
        for wrong in [(ANSWER, 1), (ANSWER, 4), (ANSWER, -1), (0, 0), (3, 0), (LOAD, 0)] {
            assert_eq!(read(&[wrong], Entry::SourceOpen), (Err(ErrorKind::InvalidData), vec![]), "{wrong:?}");
        }
    }

    #[test]
    fn a_frame_that_is_cut_off_or_too_long_is_an_error() {
        let mut pipe = Vec::new();
        write_reply(&mut pipe, ANSWER, 0, b"xyz").unwrap();
        for length in 0..pipe.len() {
            assert!(read_reply(&mut &pipe[..length]).is_err(), "{length} bytes");
        }
        pipe[5..13].copy_from_slice(&(LONGEST_ANSWER + 1).to_le_bytes());
        assert_eq!(read_reply(&mut &pipe[..]).err().unwrap().kind(), ErrorKind::InvalidData);
    }
}
