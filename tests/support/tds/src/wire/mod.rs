//! The protocol: TDS 7.4 as MS-TDS describes it, as far as a modern client uses it.

mod browser;
mod bulk;
mod codepage;
mod connection;
mod faults;
mod login;
mod packet;
mod prelogin;
mod read;
mod reply;
mod rpc;
mod server;
mod tls;
mod tokens;
mod transaction;
mod types;
mod values;

pub use browser::Browser;
pub use codepage::Collation;
pub use server::{Encryption, Options, Server};
