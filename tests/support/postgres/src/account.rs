//! Whom the server runs as: PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A user by number. `None` everywhere: this process is not root's, and runs the server as itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Account {
    ids: Option<(u32, u32)>,
}

impl Account {
    /// The user `postgres`, or `nobody`, where this process is root's.
    pub(crate) fn of_server() -> Account {
        // This process's own folder in /proc belongs to whom it runs as.
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if !is_root {
            return Account::default();
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = ["postgres", "nobody"].iter().find_map(|name| find(&users, name));
        Account { ids: Some(ids.unwrap_or((65_534, 65_534))) }
    }

    /// A command run as this user.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(self, path: &Path) {
        if let Some((user, group)) = self.ids {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }
}

/// User and group of a line `name:x:user:group:…`.
fn find(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let ids = (fields.next()? == name).then(|| fields.nth(1).zip(fields.next()))??;
        Some((ids.0.parse().ok()?, ids.1.parse().ok()?))
    })
}
