//! The protocol, against the real client and in raw bytes.

mod bulk;
mod faults;
mod logins;
mod raw;
mod streams;
mod support;
mod types;
