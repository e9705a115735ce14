//! The host's end of the boundary in `plugins/abi`: a plugin that was allowed becomes an adapter like any other.
//!
//! | module | what |
//! |---|---|
//! | [`trust`] | the manifest, the list of what is allowed, and every reason for which a file is not loaded |
//! | `library` | a library in this process |
//! | `isolated` | the same in a child process, over pipes; [`serve`] is the child |
//! | [`plugin`] | a loaded plugin, wherever it runs |
//! | [`adapter`] | the registry's view of it: a source, a sink |
//! | `whole` | sources that cannot join: their tables in a private SQLite |
//!
//! **What was hashed is what is loaded.** [`trust::open`] reads the file once; those bytes are hashed, and those bytes are loaded, from a
//! private copy. What lies in the folder afterwards does not matter, and a child that is started hours later gets the same bytes. The hash
//! covers this one file: libraries that it depends on come from where the operating system finds them, so a plugin should be linked
//! statically as far as it can be.
//!
//! **In the process** a plugin can do whatever this program can. What can be checked is checked (the table, lengths, statuses, every message and
//! every batch); a pointer that points nowhere cannot, and a plugin that crashes takes the run with it. A call that takes longer than its
//! limit is given up: the plugin is not called again in this process, and the thread of that call is lost, with what it holds. So
//! is a read that was cancelled with its session and has not ended half a minute later.
//!
//! **Isolated** (`isolate = true`) every read session and every sink has a child process of its own. A crash, a limit that passed, or
//! a call that nobody waits for any more ends that child and nothing else; the next session starts another. Nothing that a dead child
//! delivered counts as complete. The child ends when this program does, however it ends: its standard input closes.
//!
//! **What a plugin prints** itself (not by `log`) is nobody's to vet, and may hold a child's data. A child process's standard output and
//! error therefore lead nowhere. To see them, an author runs the plugin in the process.
#![warn(missing_docs)]

pub mod adapter;
mod copy;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod isolated;
mod library;
mod line;
mod log;
pub mod plugin;
pub mod trust;
mod whole;

pub use adapter::PluginAdapter;
pub use isolated::{Program, serve};
pub use plugin::{Limits, Plugin};
