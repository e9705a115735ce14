//! DfE's end: the simulator, over HTTP.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex};

use csc_bridge_core::config::Semantics;
use csc_bridge_dfe_csc_simulator::{Running, Settings, Simulator, Validator};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Judges by the definition. Made once for each reading of a second document.
static VALIDATORS: LazyLock<Mutex<HashMap<bool, Validator>>> = LazyLock::new(Mutex::default);

/// The simulator, and a token for it.
pub struct Dfe {
    running: Running,
    token: String,
}

impl Dfe {
    pub async fn start(semantics: Semantics) -> Dfe {
        let merges = semantics == Semantics::Merge;
        let validator = || crate::program::validator(semantics);
        let validator = VALIDATORS.lock().expect("the validators").entry(merges).or_insert_with(validator).clone();
        let settings = Settings { validator: Some(validator), semantics, ..Settings::default() };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = Simulator::start(listen, settings).await.expect("the simulator starts");
        let mut dfe = Dfe { running, token: String::new() };
        let form = "grant_type=client_credentials&client_id=i&client_secret=s&scope=c";
        let answer = dfe.post("/token", "application/x-www-form-urlencoded", form).await.expect("a token");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        answer["access_token"].as_str().expect("a token").clone_into(&mut dfe.token);
        dfe
    }

    /// What is held, by child.
    pub fn children(&self) -> BTreeMap<String, Value> {
        self.running.children("845")
    }

    /// Hands over a batch; returns DfE's ids of its records.
    ///
    /// Every body is made by the program from good data: one that is refused is a fault of the program's.
    pub async fn deliver(&self, body: &str) -> Result<Vec<String>, String> {
        let answer = self.post("/children_social_care_data/845/children", "application/json", body).await?;
        serde_json::from_str(&answer).map_err(|error| format!("{error}: {answer}"))
    }

    async fn post(&self, path: &str, content: &str, body: &str) -> Result<String, String> {
        let request = format!(
            "POST {path} HTTP/1.0\r\nHost: dfe\r\nAuthorization: Bearer {}\r\nSupplierKey: k\r\nContent-Type: {content}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut answer = String::new();
        let mut stream = TcpStream::connect(self.running.addr()).await.map_err(|error| error.to_string())?;
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        stream.read_to_string(&mut answer).await.map_err(|error| error.to_string())?;
        match answer.split_once("\r\n\r\n") {
            Some((head, text)) if head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200") => {
                Ok(text.to_owned())
            }
            _ => Err(format!("DfE does not take {body}: {answer}")),
        }
    }
}
