//! Whose code runs on this thread: the panic hook and the log ask.

use std::cell::Cell;
use std::panic::{set_hook, take_hook};
use std::sync::Once;

use crate::library::Library;

thread_local! {
    static HERE: Cell<Option<&'static Library>> = const { Cell::new(None) };
}

/// The plugin whose call or thread this is.
pub(crate) fn library() -> Option<&'static Library> {
    HERE.try_with(Cell::get).ok().flatten()
}

/// This thread is the plugin's until it ends.
pub(crate) fn stay(library: &'static Library) {
    let _ = HERE.try_with(|here| here.set(Some(library)));
}

/// This thread is the plugin's until the guard is dropped.
pub(crate) fn enter(library: &'static Library) -> Here {
    Here(HERE.with(|here| here.replace(Some(library))))
}

pub(crate) struct Here(Option<&'static Library>);

impl Drop for Here {
    fn drop(&mut self) {
        let _ = HERE.try_with(|here| here.set(self.0));
    }
}

/// Keeps what the plugin's panics say from stderr, and logs where they were. A `cdylib` has a std of its own, so the host's hook
/// is another; where the plugin is linked into a program, that program's other threads keep theirs.
pub(crate) fn hush_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| match library() {
            Some(library) => library.log_panic(panic.location()),
            None => before(panic),
        }));
    });
}
