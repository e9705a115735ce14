//! Ctrl-C, and what the operating system sends when it wants a program to end. The first finishes what is in flight; the second ends
//! the program at once.

use csc_bridge_core::pipeline::Interrupt;

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Listens from now on. The interrupt is set by the first signal.
pub fn listen() -> Interrupt {
    let interrupt = Interrupt::default();
    match Signals::new() {
        Ok(signals) => drop(tokio::spawn(obey(signals, interrupt.clone()))),
        // The program ends by them as any other does.
        Err(error) => tracing::debug!(kind = %error.kind(), "signals cannot be listened to"),
    }
    interrupt
}

async fn obey(mut signals: Signals, interrupt: Interrupt) {
    signals.next().await;
    tracing::warn!("a signal: what is in flight is finished; a second one ends the program at once");
    eprintln!("finishing what is in flight; once more ends the program at once");
    interrupt.set();
    signals.next().await;
    tracing::warn!("a second signal: the program ends at once");
    std::process::exit(INTERRUPTED);
}

/// Listeners, made once: none of two signals in a row is missed.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Listeners, made once: none of two signals in a row is missed.
#[cfg(windows)]
struct Signals {
    interrupted: tokio::signal::windows::CtrlC,
    broken: tokio::signal::windows::CtrlBreak,
    closed: tokio::signal::windows::CtrlClose,
    shut_down: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Signals {
            interrupted: ctrl_c()?,
            broken: ctrl_break()?,
            closed: ctrl_close()?,
            shut_down: ctrl_shutdown()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.broken.recv() => {}
            _ = self.closed.recv() => {}
            _ = self.shut_down.recv() => {}
        }
    }
}
