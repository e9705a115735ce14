//! The child process: reads frames, calls the library, answers.

use std::fs::File;
use std::io::{BufReader, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use csc_bridge_plugin_abi::message::{broke_protocol, encode, write_error};
use csc_bridge_plugin_abi::table::{self, Entry};

use super::frame::{self, ANSWER, LOAD, LOG, Request};
use crate::library::Library;
use crate::line::Transport;

type Output = Arc<Mutex<File>>;

/// The main function of a plugin's child process (`csc-bridge plugin-host`, which is not for people). Never returns.
pub fn serve() -> ! {
    no_core_dump();
    let ended = match own_pipes() {
        Ok((input, output)) => {
            let library = Arc::new(OnceLock::new());
            answer(&requests(input, library.clone()), &library, &Arc::new(Mutex::new(output)))
        }
        Err(_) => Err(std::io::ErrorKind::Other.into()),
    };
    // Without the library's own farewells, which may hang.
    let _: std::io::Result<()> = ended;
    end()
}

fn end() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

/// What a plugin that crashes has in memory is children's data.
fn no_core_dump() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Standard input and output, out of the plugin's reach: what it prints goes to standard error, and it has nothing to read.
#[cfg(unix)]
fn own_pipes() -> std::io::Result<(File, File)> {
    let duplicate = |fd| rustix::io::fcntl_dupfd_cloexec(fd, 3).map(File::from);
    let (input, output) = (duplicate(rustix::stdio::stdin())?, duplicate(rustix::stdio::stdout())?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((input, output))
}

/// Here a plugin that prints disturbs the frames, which is noticed as a breach of the protocol.
#[cfg(windows)]
fn own_pipes() -> std::io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;
    let input = std::io::stdin().as_handle().try_clone_to_owned()?;
    let output = std::io::stdout().as_handle().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

/// Reads requests on a thread, so that a cancel and the end of the program are noticed while a call runs, however long that takes.
fn requests(input: File, library: Arc<OnceLock<Library>>) -> Receiver<Request> {
    let (send, receive) = sync_channel(1);
    std::thread::spawn(move || {
        let mut input = BufReader::with_capacity(1 << 16, input);
        while let Ok(Some(request)) = frame::read_request(&mut input) {
            if request.entry == Entry::Cancel.number() {
                let library = library.clone();
                std::thread::spawn(move || library.get().map(|library| library.call(Entry::Cancel, request.of, &[])));
            } else if send.send(request).is_err() {
                break;
            }
        }
        end()
    });
    receive
}

fn answer(requests: &Receiver<Request>, library: &OnceLock<Library>, output: &Output) -> std::io::Result<()> {
    while let Ok(Request { entry, of, bytes }) = requests.recv() {
        let reply = match (Entry::of_number(entry), library.get()) {
            (Some(entry), Some(library)) => {
                library.call(entry, of, &bytes).map(|answer| (answer.status, answer.output))
            }
            (None, None) if entry == LOAD => load(&bytes, output).and_then(|loaded| {
                let described = encode(library.get_or_init(|| loaded).description())?;
                Ok((table::OK, described))
            }),
            _ => Err(broke_protocol("the host asked for what there is not")),
        };
        // An error here is the host's own (a breach of the protocol, a panic): to the program it is all the same an error of the call, and it
        // ends this process.
        match reply {
            Ok((status, bytes)) => write(output, ANSWER, status, &bytes)?,
            Err(error) => write(output, ANSWER, table::PANIC, &write_error(&error))?,
        }
    }
    Ok(())
}

fn load(bytes: &[u8], output: &Output) -> csc_bridge_core::error::Result<Library> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (name, library) = bytes.split_at(end);
    let output = output.clone();
    let listener = move |level: i32, line: &str| {
        let _ = write(&output, LOG, level, line.as_bytes());
    };
    Library::load(&String::from_utf8_lossy(name), library.get(1..).unwrap_or_default(), Box::new(listener))
}

fn write(output: &Output, what: u8, number: i32, bytes: &[u8]) -> std::io::Result<()> {
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    frame::write_reply(&mut *output, what, number, bytes)?;
    output.flush()
}
