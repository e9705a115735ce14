//! What a test lets go wrong, and what it can see.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::session::{Login, SqlError};

/// Behind a mutex, shared by the test and the connections.
#[derive(Default)]
pub(crate) struct Faults(Mutex<State>);

#[derive(Default)]
struct State {
    refuse: Option<SqlError>,
    failures: Vec<(String, SqlError)>,
    cut_after: Option<u64>,
    log: Vec<String>,
    logins: Vec<Login>,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn refuse_logins(&self, error: Option<SqlError>) {
        self.state().refuse = error;
    }

    pub fn fail(&self, text: &str, error: SqlError) {
        self.state().failures.push((text.to_owned(), error));
    }

    pub fn cut_after_rows(&self, rows: u64) {
        self.state().cut_after = Some(rows);
    }

    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    pub fn logins(&self) -> Vec<Login> {
        self.state().logins.clone()
    }

    /// Notes a login, and refuses it where that is wanted.
    pub fn login(&self, login: &Login) -> Option<SqlError> {
        let mut state = self.state();
        state.logins.push(login.clone());
        state.refuse.clone()
    }

    /// Notes a request, and takes the error it is to be answered with.
    pub fn request(&self, text: &str) -> Option<SqlError> {
        let mut state = self.state();
        state.log.push(text.to_owned());
        let place = state.failures.iter().position(|(part, _)| text.contains(part.as_str()))?;
        Some(state.failures.remove(place).1)
    }

    /// Whether the connection ends after this many rows of a result set; it happens once.
    pub fn cut(&self, rows: u64) -> bool {
        let mut state = self.state();
        let cut = state.cut_after.is_some_and(|after| rows >= after);
        if cut {
            state.cut_after = None;
        }
        cut
    }
}
