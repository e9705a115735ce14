//! The position: every answer so far, a line each, so that a read that was cut off goes on where it was.
//!
//! Nothing of a read is staged before its end, so the answers themselves have to be kept. They are children's records: the file can be read by
//! its account alone, and is emptied once the read has ended. An answer counts for a limited time, and only for the same address and mapping.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::tokio;
use serde::{Deserialize, Serialize};

/// How often it is tried to lock the file: a read that has just ended may still hold it.
const TRIES: u32 = 50;

#[derive(Serialize, Deserialize)]
struct Head {
    position: u32,
    of: String,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    at: u64,
    document: Option<String>,
}

/// The file, locked while this lives.
pub struct Position {
    path: PathBuf,
    file: File,
    head: Head,
    /// Where the line of each id begins, and how long it is.
    lines: HashMap<String, (u64, usize)>,
    end: u64,
}

impl Position {
    /// Opens the file, or makes it. What it has counts where it is of the same `digest` and not older than `life`.
    ///
    /// # Errors
    /// [`Kind::Busy`]: another read is at work. [`Kind::Io`]: the file cannot be used.
    pub async fn open(path: &Path, digest: &str, life: Duration) -> Result<Position> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| cannot(path, &error))?;
        lock(&file, path).await?;
        let head = Head { position: 1, of: digest.to_owned() };
        let mut position = Position { path: path.to_owned(), file, head, lines: HashMap::new(), end: 0 };
        match position.read(life) {
            Ok(true) => {}
            Ok(false) => position.begin()?,
            Err(error) => return Err(cannot(path, &error)),
        }
        Ok(position)
    }

    /// How many answers it has.
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// The answer for an id: a document, or that there is none.
    ///
    /// # Errors
    /// [`Kind::Io`]: the file cannot be read.
    pub fn get(&mut self, id: &str) -> Result<Option<Option<String>>> {
        let Some((at, length)) = self.lines.get(id).copied() else { return Ok(None) };
        let mut line = vec![0; length];
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut line));
        read.map_err(|error| cannot(&self.path, &error))?;
        let entry = serde_json::from_slice::<Entry>(&line).ok().filter(|entry| entry.id == id);
        Ok(entry.map(|entry| entry.document))
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// [`Kind::Io`]: the file cannot be written.
    pub fn put(&mut self, id: &str, document: Option<&str>) -> Result<()> {
        let entry = Entry { id: id.to_owned(), at: now(), document: document.map(str::to_owned) };
        let (at, length) = (self.end, self.append(&entry)?);
        self.lines.insert(id.to_owned(), (at, length));
        Ok(())
    }

    /// The read has ended: nothing of it is needed any more.
    ///
    /// # Errors
    /// [`Kind::Io`]: the file cannot be written.
    pub fn finish(&mut self) -> Result<()> {
        self.begin()
    }

    fn begin(&mut self) -> Result<()> {
        self.lines.clear();
        self.end = 0;
        self.file.set_len(0).map_err(|error| cannot(&self.path, &error))?;
        let head = Head { position: 1, of: self.head.of.clone() };
        self.append(&head).map(drop)
    }

    /// Writes a line; how long it is.
    fn append(&mut self, line: &impl Serialize) -> Result<usize> {
        let mut bytes = serde_json::to_vec(line).map_err(|_| Error::internal("an answer cannot be written as JSON"))?;
        bytes.push(b'\n');
        let written = self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(&bytes));
        written.map_err(|error| cannot(&self.path, &error))?;
        self.end += bytes.len() as u64;
        Ok(bytes.len())
    }

    /// Finds the answers that count; `false` where the file is of another read. A last line without its end was being written when the read
    /// was cut off: it is written over.
    fn read(&mut self, life: Duration) -> std::io::Result<bool> {
        let mut reader = BufReader::new(&self.file);
        let (mut line, mut at, now) = (Vec::new(), 0, now());
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            if at == 0 {
                let head: Option<Head> = serde_json::from_slice(&line).ok();
                if !head.is_some_and(|head| head.position == self.head.position && head.of == self.head.of) {
                    return Ok(false);
                }
            } else {
                let Ok(entry) = serde_json::from_slice::<Entry>(&line) else { return Ok(false) };
                // A clock that was set back makes an answer no younger.
                if entry.at <= now && now - entry.at < life.as_secs() {
                    self.lines.insert(entry.id, (at, length));
                } else {
                    self.lines.remove(&entry.id);
                }
            }
            at += length as u64;
        }
        self.end = at;
        self.file.set_len(at)?;
        Ok(at > 0)
    }
}

async fn lock(file: &File, path: &Path) -> Result<()> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(TryLockError::Error(error)) => return Err(cannot(path, &error)),
        }
    }
    Err(Error::new(
        Kind::Busy,
        format!("another process reads with the position {}", path.display()),
        "let it end, or give this one a position of its own in [source]",
    ))
}

fn cannot(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        Kind::Io,
        format!("the position {} cannot be used: {}", path.display(), error.kind()),
        "check position in [source]: a file in a folder that the account that runs csc-bridge may write",
    )
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LIFE: Duration = Duration::from_secs(3600);

    async fn opened(path: &Path) -> Position {
        Position::open(path, "d", LIFE).await.unwrap()
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        (folder, path)
    }

    #[tokio::test]
    async fn answers_are_there_again_after_the_read_was_cut_off() {
        let (_folder, path) = file();
        let mut position = opened(&path).await;
        position.put("A1", Some("{\"x\":\"\u{2028}\\n\"}")).unwrap();
        position.put("B2", None).unwrap();
        assert_eq!(position.get("A1").unwrap(), Some(Some("{\"x\":\"\u{2028}\\n\"}".to_owned())));
        drop(position);
        let mut position = opened(&path).await;
        assert_eq!(position.count(), 2);
        assert_eq!(position.get("A1").unwrap(), Some(Some("{\"x\":\"\u{2028}\\n\"}".to_owned())));
        assert_eq!((position.get("B2").unwrap(), position.get("C3").unwrap()), (Some(None), None));
        position.put("C3", None).unwrap();
        position.finish().unwrap();
        drop(position);
        assert_eq!(opened(&path).await.count(), 0, "an ended read leaves nothing");
    }

    #[tokio::test]
    async fn cut_at_any_byte_it_has_whole_answers_and_goes_on() {
        let (_folder, path) = file();
        let mut position = opened(&path).await;
        for id in ["A1", "B2", "C3"] {
            position.put(id, Some(id)).unwrap();
        }
        drop(position);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut position = opened(&path).await;
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(position.count(), lines.saturating_sub(1), "cut at {cut}");
            position.put("D4", Some("d")).unwrap();
            drop(position);
            let mut position = opened(&path).await;
            assert_eq!(position.get("D4").unwrap(), Some(Some("d".to_owned())), "cut at {cut}");
            assert_eq!(position.count(), lines.saturating_sub(1) + 1);
        }
    }

    #[tokio::test]
    async fn answers_of_another_mapping_and_answers_too_old_do_not_count() {
        let (_folder, path) = file();
        let mut position = opened(&path).await;
        position.put("A1", None).unwrap();
        drop(position);
        assert_eq!(Position::open(&path, "d", Duration::ZERO).await.unwrap().count(), 0);
        assert_eq!(opened(&path).await.count(), 1);
        assert_eq!(Position::open(&path, "e", LIFE).await.unwrap().count(), 0);
        assert_eq!(opened(&path).await.count(), 0, "the other read took its place");
        std::fs::write(&path, "{\"position\":1,\"of\":\"d\"}\nnonsense\n").unwrap();
        assert_eq!(opened(&path).await.count(), 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = file();
        let _position = opened(&path).await;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn two_reads_do_not_share_it() {
        let (_folder, path) = file();
        let _first = opened(&path).await;
        assert_eq!(Position::open(&path, "d", LIFE).await.err().unwrap().kind(), Kind::Busy);
    }
}
