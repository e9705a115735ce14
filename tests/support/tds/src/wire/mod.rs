//! The protocol: TDS 7.4 as MS-TDS describes it, as far as a modern client uses it. A server of 2022 or later with a certificate is
//! spoken to as TDS 8 has it, too: TLS first.

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
