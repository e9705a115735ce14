//! A plugin in a child process.

pub(crate) mod frame;
mod serve;

use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_plugin_abi::message::{Description, broke_protocol, decode_answer, one_line, read_error};
use csc_bridge_plugin_abi::table::{self, Entry, Handle};

pub use serve::serve;

use crate::line::{Answer, Transport, broken_off, timed_out, within};
use crate::log;
use frame::LOAD;

/// Room in each pipe, where it can be chosen: a batch goes through in fewer turns.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;

/// The program that becomes a plugin's child process.
#[derive(Debug, Clone)]
pub struct Program {
    /// In production, csc-bridge itself.
    pub path: PathBuf,
    /// What makes it call [`serve`].
    pub arguments: Vec<String>,
}

/// One child with the library loaded.
pub(crate) struct Isolated {
    plugin: String,
    description: OnceLock<Description>,
    process: Mutex<Child>,
    /// Held for a whole exchange.
    from: Mutex<BufReader<ChildStdout>>,
    /// Held while a frame is written: a cancel goes in the middle of an exchange.
    to: Mutex<ChildStdin>,
    dead: AtomicBool,
}

impl Isolated {
    /// Starts a child and has it load the library. Blocks, no longer than `limit`.
    ///
    /// # Errors
    /// [`Kind::Io`]: the process cannot be started. [`Kind::Unreachable`]: it died, or did not load the library in time. What
    /// [`Library::load`](crate::library::Library::load) reports.
    pub(crate) fn start(
        plugin: &str,
        library: &Arc<[u8]>,
        program: &Program,
        limit: Duration,
    ) -> Result<Arc<Isolated>> {
        let mut process = spawn(program)?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(Error::internal("a child process was started without pipes"));
        };
        widen(&to, &from);
        let child = Arc::new(Isolated {
            plugin: plugin.to_owned(),
            description: OnceLock::new(),
            process: Mutex::new(process),
            from: Mutex::new(BufReader::with_capacity(1 << 16, from)),
            to: Mutex::new(to),
            dead: AtomicBool::new(false),
        });
        let (loading, library) = (child.clone(), library.clone());
        let loaded = within(limit, move || {
            loading.exchange(Entry::Describe, LOAD, 0, &[loading.plugin.as_bytes(), b"\n", &library])
        });
        let Some(described) = loaded else {
            child.abandon();
            return Err(timed_out(plugin, "its start", Kind::Unreachable, limit));
        };
        let description: Description = decode_answer(Entry::Describe, &described?.output)?;
        description.check()?;
        child.description.get_or_init(|| description);
        Ok(child)
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// [`Kind::Internal`]: it was not asked.
    pub(crate) fn description(&self) -> Result<&Description> {
        self.description
            .get()
            .ok_or_else(|| Error::internal("a child process was used before it had loaded its plugin"))
    }

    /// Sends one frame and waits for its answer; lines of the log come before it.
    fn exchange(&self, entry: Entry, number: u8, of: Handle, parts: &[&[u8]]) -> Result<Answer> {
        let mut from = lock(&self.from);
        if !self.is_usable() {
            return Err(self.gone(entry, None));
        }
        let written = frame::write_request(&mut *lock(&self.to), number, of, parts);
        let log = |level, line: &[u8]| self.log(level, line);
        match written.and_then(|()| frame::read_answer(&mut *from, entry, log)) {
            Ok(reply) if reply.number == table::PANIC => {
                self.kill();
                Err(read_error(entry, &reply.bytes))
            }
            Ok(reply) => Ok(Answer { status: reply.number, output: reply.bytes }),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(self.broke_frames()),
            Err(_) => Err(self.died(entry)),
        }
    }

    fn log(&self, level: i32, line: &[u8]) {
        log::write(&self.plugin, level, &one_line(&String::from_utf8_lossy(line), ""));
    }

    fn broke_frames(&self) -> Error {
        self.kill();
        broke_protocol(format!("the process of the plugin {} wrote something that is no answer", self.plugin))
    }

    /// The pipe ended. How, the operating system knows in a moment.
    fn died(&self, entry: Entry) -> Error {
        // Killed by us: the reason was said to whoever had it done.
        let ours = self.dead.swap(true, Ordering::AcqRel);
        let status = if ours { None } else { self.wait() };
        self.kill();
        self.gone(entry, status)
    }

    fn gone(&self, entry: Entry, status: Option<ExitStatus>) -> Error {
        let how = status.map_or("ended".to_owned(), how);
        Error::new(
            broken_off(entry),
            format!("the process of the plugin {} {how}, during or before {entry}", self.plugin),
            "nothing that it had not completed was used; run again, and report it to the plugin's author if it happens twice",
        )
    }

    fn wait(&self) -> Option<ExitStatus> {
        let until = Instant::now() + Duration::from_secs(2);
        loop {
            match lock(&self.process).try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                _ => return None,
            }
        }
    }

    fn kill(&self) {
        self.dead.store(true, Ordering::Release);
        let _ = lock(&self.process).kill();
    }
}

impl Transport for Isolated {
    fn call(&self, entry: Entry, of: Handle, input: &[u8]) -> Result<Answer> {
        self.exchange(entry, entry.number(), of, &[input])
    }

    /// By a frame that has no answer. On a thread of its own: the pipe may be full.
    fn cancel(self: Arc<Self>, of: Handle) {
        std::thread::spawn(move || {
            let _ = frame::write_request(&mut *lock(&self.to), Entry::Cancel.number(), of, &[]);
        });
    }

    /// The child has one thing under way, and nothing in it is worth keeping.
    fn drop_call(self: Arc<Self>, _: Handle) {
        self.kill();
    }

    fn abandon(&self) {
        self.kill();
    }

    fn is_usable(&self) -> bool {
        !self.dead.load(Ordering::Acquire)
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        self.kill();
        // It is dead or dying: the wait takes its entry out of the table of processes.
        let _ = lock(&self.process).wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the child prints leads nowhere: it may hold a child's data.
fn spawn(program: &Program) -> Result<Child> {
    let started = Command::new(&program.path)
        .args(&program.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    started.map_err(|error| {
        Error::new(
            Kind::Io,
            format!("a process for a plugin cannot be started from {}: {}", program.path.display(), error.kind()),
            "check that the account that runs csc-bridge may run it, and may start processes",
        )
    })
}

#[cfg(target_os = "linux")]
fn widen(to: &ChildStdin, from: &ChildStdout) {
    // Refused where the account has much in pipes already: then it is slower.
    let _ = rustix::pipe::fcntl_setpipe_size(to, PIPE);
    let _ = rustix::pipe::fcntl_setpipe_size(from, PIPE);
}

#[cfg(not(target_os = "linux"))]
fn widen(_: &ChildStdin, _: &ChildStdout) {}

fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("ended with code {code}"),
        None => "ended".to_owned(),
    }
}
