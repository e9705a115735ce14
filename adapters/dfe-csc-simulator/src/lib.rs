//! The Department for Education's (DfE's) end, simulated over real HTTP on this machine.
//!
//! It takes the same requests as the children's social care API, answers in the same forms, and holds what DfE would hold, so that
//! a test can ask whether **what DfE holds equals what the SSD says**. It applies documents by the published rules in its own code,
//! not core's: a rule misread in one place shows as a difference.
//!
//! | route | |
//! |---|---|
//! | `POST /token` | OAuth2 client credentials |
//! | `POST /children_social_care_data/{la_code}/children` | a batch |
//! | `GET /_simulator/children/{la_code}` | what is held: one document a line, by `la_child_id` |
//! | `GET /_simulator/stats` | see [`Stats`] |
//!
//! Whoever reaches the port may send, with a token and a key. What is under `/_simulator` answers this machine alone (403 to others):
//! it shows children's documents without a login.
//!
//! The way through: [`Simulator::start`] listens; `routes` finds the route; `submit` takes a batch: `gate` says who may send, `intake` and
//! `refuse` judge, `held` applies, with `merge` where a second document adds to the first; `state` keeps it between runs.
//! Around that, [`Faults`] go wrong on purpose.
#![warn(missing_docs)]

mod faults;
mod form;
mod gate;
mod held;
mod intake;
mod merge;
mod received;
mod refuse;
mod reply;
mod routes;
mod server;
mod settings;
mod state;
mod stats;
mod submit;

pub use faults::{Fault, FaultKind, Faults, Form, Latency, On, RateLimit, RetryAfter, Rule, When};
pub use received::Received;
pub use server::{Running, Simulator};
pub use settings::{Expected, Semantics, Settings, Validator};
pub use stats::Stats;
