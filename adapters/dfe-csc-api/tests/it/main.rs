//! The sink as the program uses it: configured in TOML, sending over real sockets to a server that plays the API and the
//! token endpoint.

mod answers;
mod certificates;
mod configuration;
mod connections;
mod environment;
mod held_back;
mod logs;
mod proxies;
mod request_ids;
mod requests;
mod server;
mod tokens;

use std::sync::Arc;

use csc_bridge_core::config::Config;
use csc_bridge_core::error::Result;
use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_core::sink::{Facts, Receipt, Record, SendError, Sink};
use csc_bridge_dfe_csc_api::DfeCscApi;
use tempfile::TempDir;

const CLIENT_SECRET: &str = "a+secret&with=signs";
const SUPPLIER_KEY: &str = "0123456789abcdef";
const CHILD: &str = r#"{"first_name":"Zoë Testchild","la_child_id":"c1"}"#;

/// A sink and the folder its configuration lies in.
struct Bridge {
    home: TempDir,
}

impl Bridge {
    /// A folder with the three secrets in files.
    fn new() -> Bridge {
        let home = tempfile::tempdir().expect("a folder");
        for (name, secret) in [("id", "client-1"), ("secret", CLIENT_SECRET), ("key", SUPPLIER_KEY)] {
            std::fs::write(home.path().join(name), format!("{secret}\n")).expect("a secret");
        }
        Bridge { home }
    }

    /// The sink for these keys beside the secrets.
    fn sink_of(&self, keys: &str) -> Result<Arc<dyn Sink>> {
        let text = format!(
            "cms = \"sqlite\"\nla_code = \"045\"\nstate_dir = \"state\"\n[source]\ndatabase = \"x.db\"\n[sink]\n\
             client_id = {{ file = \"id\" }}\nclient_secret = {{ file = \"secret\" }}\nsupplier_key = {{ file = \"key\" }}\n{keys}\n"
        );
        let config = Config::parse(&self.home.path().join("csc-bridge.toml"), &text)?;
        DfeCscApi.sink(&config.sink.options, &config.la_code)
    }

    /// What the keys say of the sink, with no secret to be had.
    fn facts_of(&self, keys: &str) -> Result<Facts> {
        let text = format!(
            "cms = \"sqlite\"\nla_code = \"045\"\n[source]\ndatabase = \"x.db\"\n[sink]\nclient_id = {{ file = \"none\" }}\n\
             client_secret = {{ file = \"none\" }}\nsupplier_key = {{ file = \"none\" }}\n{keys}\n"
        );
        let config = Config::parse(&self.home.path().join("csc-bridge.toml"), &text)?;
        DfeCscApi.facts(&config.sink.options)
    }

    /// The sink for a server, with more keys.
    fn sink(&self, server: &server::Server, more: &str) -> Arc<dyn Sink> {
        let base = server.base();
        self.sink_of(&format!(
            "endpoint = \"{base}/receiver/1/\"\ntoken_endpoint = \"{base}/token\"\nscope = \"api://x/.default\"\n{more}"
        ))
        .expect("a sink")
    }
}

/// Sends `count` children.
async fn send(sink: &Arc<dyn Sink>, count: usize) -> Result<Vec<Receipt>, SendError> {
    sink.send(&vec![Record { person_id: "c1", document: CHILD }; count]).await
}

/// The error of sending `count` children, checked for what no error may show.
async fn refused(sink: &Arc<dyn Sink>, count: usize) -> SendError {
    let error = send(sink, count).await.expect_err("no success");
    let shown = format!("{error:?} {} {} {}", error.error, error.error.message(), error.error.advice());
    for secret in ["Zoë", CLIENT_SECRET, SUPPLIER_KEY, "client-1", "token-"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    error
}
