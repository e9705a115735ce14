//! What ends the server when the tests end, and removes its folder.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, then kills the server by the number in `postmaster.pid` (SIGQUIT: at once, without a checkpoint),
/// waits until it is gone, and removes the folder. Signals meant for the tests, such as Ctrl-C, must not end it before that.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2>/dev/null
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"#;

/// The shell. Dropping it ends the server.
pub(crate) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Watches over a folder that holds, or will hold, a server in `data`.
    pub(crate) fn over(folder: &Path) -> Watchdog {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            // A group of its own: what is sent to the tests' group does not reach it.
            .process_group(0)
            .spawn();
        Watchdog { shell: shell.unwrap() }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watchdog({})", self.shell.id())
    }
}
