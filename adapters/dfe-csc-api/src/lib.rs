//! The sink that sends to the Department for Education's (DfE's) children's social care API.
//!
//! One [`Sink::send`] is one POST. The way through: `options` says where to (`address`) and with what, `firewall` holds back what
//! DfE's would refuse, `token` keeps the OAuth2 token, `client` makes the request over a line of `http`, `answer` says what
//! its answer means (`receipt` reads a good one, `position` and `retry_after` a bad one, `request_id` either), and `failure` and
//! `proxy` say what it means when there is none.
//!
//! Facts about the API, and what is not known of it, are in the project's fact sheet on the HTTP protocol.
#![warn(missing_docs)]

mod address;
mod answer;
mod client;
mod failure;
mod firewall;
mod http;
mod options;
mod position;
mod proxy;
mod receipt;
mod request_id;
mod retry_after;
mod token;

use std::sync::Arc;

use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_core::sink::{Facts, Sink};

/// The adapter `dfe-csc-api`: see [`SinkAdapter`].
///
/// Its keys in `[sink]`: `endpoint`, `token_endpoint`, `scope`, `client_id`, `client_secret`, `supplier_key`, and optionally
/// `max_records`, `max_bytes`, `connect_timeout`, `request_timeout`, `user_agent`, `ca_file`, `proxy`, `proxy_user`,
/// `proxy_password`.
pub struct DfeCscApi;

impl SinkAdapter for DfeCscApi {
    fn name(&self) -> &'static str {
        "dfe-csc-api"
    }

    fn facts(&self, options: &Options) -> Result<Facts> {
        options::facts(options)
    }

    fn sink(&self, options: &Options, la_code: &str) -> Result<Arc<dyn Sink>> {
        // The code becomes part of the address: anything but digits could lead elsewhere.
        if la_code.len() != 3 || !la_code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::new(
                Kind::Config,
                "la_code is not three digits",
                "write the authority's three-digit code in quotes, such as la_code = \"845\"",
            ));
        }
        let settings = options::Settings::read(options)?;
        Ok(Arc::new(client::Client::new(settings, la_code)?))
    }
}
