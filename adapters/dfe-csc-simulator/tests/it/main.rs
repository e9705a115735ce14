//! The simulator over real sockets.

mod fault_files;
mod faults;
mod http;
mod merging;
mod receiving;
mod refusing;
mod showing;
mod steering;
mod tokens;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use csc_bridge_dfe_csc_simulator::{Running, Settings, Simulator};
use serde_json::Value;

const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A simulator and a token for it.
struct End {
    running: Running,
    token: String,
}

impl End {
    async fn start(settings: Settings) -> End {
        let running = Simulator::start(ANYWHERE, settings).await.expect("a simulator");
        let token = tokens::fetch(running.addr()).await;
        End { running, token }
    }

    /// Posts a batch with good headers, but for those given.
    async fn post_as(&self, la_code: &str, body: &str, changed: &[(&str, Option<&str>)]) -> (u16, String) {
        let answer = self.try_post_as(la_code, body, changed).await.expect("a connection").expect("an answer");
        (answer.status, answer.body)
    }

    /// The same where the answer may not come.
    async fn try_post_as(
        &self,
        la_code: &str,
        body: &str,
        changed: &[(&str, Option<&str>)],
    ) -> io::Result<Option<http::Answer>> {
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![
            ("Authorization", authorization.as_str()),
            ("SupplierKey", "key"),
            ("Content-Type", "application/json"),
        ];
        for (name, value) in changed {
            headers.retain(|(known, _)| known != name);
            headers.extend(value.map(|value| (*name, value)));
        }
        let path = format!("/children_social_care_data/{la_code}/children");
        http::exchange(self.running.addr(), "POST", &path, &headers, body).await
    }

    async fn post(&self, body: &str) -> (u16, String) {
        self.post_as("845", body, &[]).await
    }

    async fn get(&self, path: &str) -> (u16, String) {
        http::request(self.running.addr(), "GET", path, &[], "").await
    }

    /// What is held for 845, a line a child.
    async fn held(&self) -> Vec<String> {
        let (status, lines) = self.get("/_simulator/children/845").await;
        assert_eq!(status, 200);
        lines.lines().map(str::to_owned).collect()
    }
}

/// Complains of a `sex` that is not a code, and of a record without `child_details`.
fn validating() -> Settings {
    let judge = |record: &Value| match record["child_details"]["sex"].as_str() {
        Some("M" | "F" | "U") => Vec::new(),
        Some(_) => vec!["child_details.sex: not a code".to_owned()],
        None => vec!["child_details: missing".to_owned()],
    };
    Settings { validator: Some(std::sync::Arc::new(judge)), ..Settings::default() }
}

fn brief(token_lifetime: Duration) -> Settings {
    Settings { token_lifetime, ..Settings::default() }
}
