//! Ctrl-C, and what the operating system sends when it wants a program to end. The first finishes what is in flight; the second ends
//! the program at once.

use csc_bridge_core::pipeline::Interrupt;

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Listens from now on. The interrupt is set by the first signal.
pub fn listen() -> Interrupt {
    let interrupt = Interrupt::default();
    let heard = interrupt.clone();
    tokio::spawn(async move {
        // Where signals cannot be had, the program ends by them as any other does.
        while let Ok(()) = next().await {
            if heard.is_set() {
                tracing::warn!("a second signal: the program ends at once");
                std::process::exit(INTERRUPTED);
            }
            tracing::warn!("a signal: what is in flight is finished; a second one ends the program at once");
            eprintln!("finishing what is in flight; once more ends the program at once");
            heard.set();
        }
    });
    interrupt
}

#[cfg(unix)]
async fn next() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(windows)]
async fn next() -> std::io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_close, ctrl_shutdown};
    let (mut broken, mut closed, mut shut_down) = (ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = broken.recv() => Ok(()),
        _ = closed.recv() => Ok(()),
        _ = shut_down.recv() => Ok(()),
    }
}
