//! A progress bar on standard error when that is a terminal, nothing when it is not.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Global;

/// A bar, or nothing.
#[derive(Clone)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar for `what`, of `total` things.
    pub fn new(global: &Global, what: &'static str, total: u64) -> Progress {
        if global.quiet || !std::io::stderr().is_terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::new(total).with_message(what);
        if let Ok(style) =
            ProgressStyle::with_template("{msg:12} {bar:40} {human_pos}/{human_len} {elapsed} (about {eta} left)")
        {
            bar.set_style(style);
        }
        Progress(Some(bar))
    }

    /// Sets how many things there are.
    pub fn total(&self, total: u64) {
        self.0.iter().for_each(|bar| bar.set_length(total));
    }

    /// Sets how many are done.
    pub fn at(&self, done: u64) {
        self.0.iter().for_each(|bar| bar.set_position(done));
    }

    /// Some more are done.
    pub fn add(&self, done: u64) {
        self.0.iter().for_each(|bar| bar.inc(done));
    }

    /// Takes the bar off the screen.
    pub fn end(&self) {
        self.0.iter().for_each(ProgressBar::finish_and_clear);
    }
}
