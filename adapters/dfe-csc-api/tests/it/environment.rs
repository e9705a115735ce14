//! What the operating system and the environment say: the system's proxy, `NO_PROXY`, the system's certificates.
//!
//! A process has one environment, so the sink is used in another one: this program again, with one test that sends as its
//! environment says and prints what came of it.
#![cfg(target_os = "linux")]

use csc_bridge_core::error::Kind;

use crate::certificates::{api, tls_file};
use crate::proxies::Proxy;
use crate::server::{Reply, Server};
use crate::{Bridge, send};

/// Where the other process sends to.
const ENDPOINT: &str = "CSC_TEST_ENDPOINT";
const TOKEN_ENDPOINT: &str = "CSC_TEST_TOKEN_ENDPOINT";

#[tokio::test]
#[ignore = "not a test by itself: the others here start it"]
async fn send_as_the_environment_says() {
    let (Ok(endpoint), Ok(token_endpoint)) = (std::env::var(ENDPOINT), std::env::var(TOKEN_ENDPOINT)) else {
        return;
    };
    let keys = format!(
        "endpoint = \"{endpoint}\"\ntoken_endpoint = \"{token_endpoint}\"\nscope = \"s\"\nconnect_timeout = \"2s\""
    );
    let sink = match Bridge::new().sink_of(&keys) {
        Ok(sink) => sink,
        Err(error) => return println!("outcome: no sink: {error}; {}", error.kind() == Kind::Config),
    };
    match send(&sink, 1).await {
        Ok(_) => println!("outcome: taken"),
        Err(error) => println!("outcome: {} ({})", error.error, error.error.advice()),
    }
}

/// Sends one record to `endpoint` from a process with these variables.
async fn with(endpoint: &str, variables: &[(&str, &str)]) -> String {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let mut program = tokio::process::Command::new(std::env::current_exe().expect("this program"));
    program.args(["--ignored", "--exact", "environment::send_as_the_environment_says", "--nocapture"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        program.env_remove(name).env_remove(name.to_lowercase());
    }
    program.env(ENDPOINT, endpoint).env(TOKEN_ENDPOINT, format!("{}/token", server.base()));
    let output = program.envs(variables.iter().copied()).kill_on_drop(true).output().await.expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outcome = text.split_once("outcome: ").unwrap_or_else(|| panic!("no outcome: {text}")).1;
    outcome.lines().next().unwrap_or_default().to_owned()
}

fn authority() -> String {
    tls_file("authority.pem")
}

#[tokio::test]
async fn the_operating_systems_certificates_are_trusted_and_no_others() {
    let endpoint = format!("https://127.0.0.1:{}", api("server.pem"));
    assert_eq!(with(&endpoint, &[("SSL_CERT_FILE", &authority())]).await, "taken");
    let outcome = with(&endpoint, &[]).await;
    assert!(outcome.contains("not trusted") || outcome.contains("certificates"), "{outcome}");
}

#[tokio::test]
async fn the_systems_proxy_is_used_with_its_login() {
    let proxy = Proxy::start(api("other-name.pem"), |_| "200 Connection established").await;
    let url = format!("http://u:p%40ss@127.0.0.1:{}", proxy.port);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let outcome = with("https://api.example", &[(name, &url), ("SSL_CERT_FILE", &authority())]).await;
        assert_eq!(outcome, "taken", "{name}");
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), 3);
    // u:p@ss
    assert!(heads.iter().all(|head| head.contains("Basic dTpwQHNz")), "{heads:?}");
}

#[tokio::test]
async fn no_proxy_names_what_goes_around_the_systems_proxy() {
    let proxy = Proxy::start(0, |_| "407 No\r\nProxy-Authenticate: NTLM").await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    for names in ["api.invalid", "other.example, .invalid", "*"] {
        let variables = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", names), ("SSL_CERT_FILE", &authority())];
        let outcome = with("https://api.invalid", &variables).await;
        assert!(outcome.starts_with("api.invalid: ") && !outcome.contains("Windows"), "{outcome}");
    }
    assert!(proxy.heads().is_empty());

    let variables = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "other.example"), ("SSL_CERT_FILE", &authority())];
    let outcome = with("https://api.invalid", &variables).await;
    assert!(outcome.contains("Windows logon (NTLM)") && outcome.contains("network team"), "{outcome}");
}

#[tokio::test]
async fn this_machine_is_never_reached_through_a_proxy() {
    let proxy = Proxy::start(0, |_| "403 Forbidden").await;
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    assert_eq!(with(&server.base(), &[("HTTP_PROXY", &url), ("ALL_PROXY", &url)]).await, "taken");
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn a_system_proxy_of_another_kind_is_refused_with_advice() {
    let outcome =
        with("https://api.invalid", &[("ALL_PROXY", "socks5://127.0.0.1:9"), ("SSL_CERT_FILE", &authority())]).await;
    assert!(outcome.contains("no sink: the system's proxy cannot be used; true"), "{outcome}");
}
