//! A proxy on the way: one that lets through, one that wants a login, one that answers in place of the API.

use std::sync::{Arc, Mutex};

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::{SendError, Sink, Then};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificates::{api, tls_file};
use crate::server::{Reply, Server};
use crate::{Bridge, refused, send};

/// A proxy at work. It notes the head of every request, and lets through what is answered with 200.
pub struct Proxy {
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `answer` gets the head of a request and gives the head of the answer. Tunnels lead to `target` on this machine,
    /// whatever they are asked to lead to.
    pub async fn start(target: u16, answer: impl Fn(&str) -> &'static str + Send + Sync + 'static) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (heads.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, target, noted.clone(), answer.clone()));
            }
        });
        Proxy { port, heads }
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("unharmed").clone()
    }
}

async fn pass<F: Fn(&str) -> &'static str>(
    mut stream: TcpStream,
    target: u16,
    noted: Arc<Mutex<Vec<String>>>,
    answer: Arc<F>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(1..) => {}
            _ => return,
        }
    }
    let head = String::from_utf8(head).expect("text");
    let answer = answer(&head);
    noted.lock().expect("unharmed").push(head);
    if stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.is_ok() && answer.starts_with("200") {
        let mut onward = TcpStream::connect(("127.0.0.1", target)).await.expect("the API");
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
    }
}

/// A sink for `https://api.example` through `proxy`, with more keys, and its token endpoint.
pub async fn behind(proxy: &Proxy, more: &str) -> (Server, Arc<dyn Sink>) {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let keys = format!(
        "endpoint = \"https://api.example\"\ntoken_endpoint = \"{}/token\"\nscope = \"s\"\nconnect_timeout = \"2s\"\n\
         proxy = \"http://127.0.0.1:{}\"\n{more}",
        server.base(),
        proxy.port
    );
    let sink = Bridge::new().sink_of(&keys).expect("a sink");
    (server, sink)
}

/// The key that makes the API's certificate known.
pub fn ca_file() -> String {
    format!("ca_file = '{}'\n", tls_file("authority.pem"))
}

/// What comes of a request through a proxy that answers so.
async fn turned_down(answer: &'static str, more: &str) -> (SendError, Proxy) {
    let proxy = Proxy::start(0, move |_| answer).await;
    let (_server, sink) = behind(&proxy, more).await;
    (refused(&sink, 1).await, proxy)
}

pub const LOGIN: &str = "proxy_user = \"county\\\\bridge\"\nproxy_password = { file = \"secret\" }";
/// `county\bridge:a+secret&with=signs`
pub const BASIC: &str = "Basic Y291bnR5XGJyaWRnZTphK3NlY3JldCZ3aXRoPXNpZ25z";

fn names_what_to_do(error: &SendError, kind: Kind, then: &Then, message: &[&str], advice: &[&str]) {
    assert_eq!((&error.then, error.error.kind(), error.status), (then, kind, None), "{error:?}");
    for word in message {
        assert!(error.error.message().contains(word), "{word}: {}", error.error.message());
    }
    for word in advice {
        assert!(error.error.advice().contains(word), "{word}: {}", error.error.advice());
    }
}

#[tokio::test]
async fn a_proxy_that_wants_no_login_is_given_none() {
    let proxy = Proxy::start(api("other-name.pem"), |_| "200 Connection established").await;
    let (_server, sink) = behind(&proxy, &ca_file()).await;
    send(&sink, 1).await.expect("taken");
    let [head] = proxy.heads().try_into().expect("one tunnel");
    assert!(head.starts_with("CONNECT api.example:443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("authorization") && !head.to_lowercase().contains("supplierkey"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_wants_a_basic_login_is_given_it_at_once() {
    let proxy = Proxy::start(api("other-name.pem"), |head| match head.contains(BASIC) {
        true => "200 Connection established",
        false => "407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"county\"",
    })
    .await;
    let (_server, sink) = behind(&proxy, &(ca_file() + LOGIN)).await;
    send(&sink, 1).await.expect("taken");
    assert_eq!(proxy.heads().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_wants_a_basic_login_and_gets_none_ends_the_run_and_says_what_to_set() {
    let answer = "407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"county\"";
    let (error, proxy) = turned_down(answer, "").await;
    let name = format!("api.example: proxy 127.0.0.1:{}: the proxy wants a login (it takes Basic)", proxy.port);
    names_what_to_do(&error, Kind::Permission, &Then::GiveUp, &[&name], &["proxy_user"]);
}

#[tokio::test]
async fn a_wrong_login_is_said_so_and_tried_once() {
    let answer = "407 Proxy Authentication Required\r\nproxy-authenticate: Negotiate\r\nproxy-authenticate: Basic realm=\"county\"";
    let (error, proxy) = turned_down(answer, LOGIN).await;
    names_what_to_do(
        &error,
        Kind::Permission,
        &Then::GiveUp,
        &["did not accept the login"],
        &["proxy_password", "locked"],
    );
    // The request to pass through, and the question why without the login.
    let heads = proxy.heads();
    assert_eq!(heads.iter().map(|head| head.contains(BASIC)).collect::<Vec<_>>(), [true, false]);
    assert!(heads.iter().all(|head| head.starts_with("CONNECT api.example:443 HTTP/1.1\r\n")), "{heads:?}");
}

#[tokio::test]
async fn a_proxy_for_windows_logons_is_named_with_what_the_network_team_can_do() {
    for (answer, names) in [
        ("407 No\r\nProxy-Authenticate: NTLM", "Windows logon (NTLM)"),
        ("407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM", "Windows logon (Negotiate, NTLM)"),
        ("407 No\r\nproxy-authenticate: negotiate, ntlm", "Windows logon (Negotiate, NTLM)"),
    ] {
        for login in ["", LOGIN] {
            let (error, _) = turned_down(answer, login).await;
            let advice = ["network team", "without a logon", "relay"];
            names_what_to_do(&error, Kind::Permission, &Then::GiveUp, &["wants a login", names], &advice);
        }
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_say_which_login_it_wants_gets_general_advice() {
    let (error, _) = turned_down("407 Proxy Authentication Required", "").await;
    names_what_to_do(&error, Kind::Permission, &Then::GiveUp, &["wants a login"], &["proxy_user", "exception"]);
}

#[tokio::test]
async fn a_proxy_that_forbids_the_way_ends_the_run_and_one_that_is_out_of_order_may_be_asked_again() {
    let (error, _) = turned_down("403 Forbidden", "").await;
    names_what_to_do(&error, Kind::Permission, &Then::GiveUp, &["(it answered 403)"], &["network team"]);
    for (answer, words) in [("502 Bad Gateway", "(it answered 502)"), ("503 Busy", "(it answered 503)")] {
        let (error, _) = turned_down(answer, "").await;
        names_what_to_do(&error, Kind::Unreachable, &Then::Retry { after: None }, &[words], &["network team"]);
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named_and_not_the_api() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let proxy = Proxy { port, heads: Arc::default() };
    let (_server, sink) = behind(&proxy, "").await;
    let error = refused(&sink, 1).await;
    let name = format!("api.example: proxy 127.0.0.1:{port}: the connection was refused");
    names_what_to_do(&error, Kind::Unreachable, &Then::Retry { after: None }, &[&name], &["proxy"]);
}

#[tokio::test]
async fn a_certificate_that_a_proxy_puts_in_place_of_the_apis_is_not_trusted() {
    // Inspected: the certificate is signed by an authority that only ca_file could make known.
    let proxy = Proxy::start(api("other-name.pem"), |_| "200 Connection established").await;
    let (_server, sink) = behind(&proxy, "").await;
    let error = refused(&sink, 1).await;
    let name = format!("api.example (through the proxy 127.0.0.1:{}): its TLS certificate is not trusted", proxy.port);
    names_what_to_do(&error, Kind::Unreachable, &Then::Retry { after: None }, &[&name], &["inspects TLS", "ca_file"]);
}

#[tokio::test]
async fn a_login_wanted_on_the_way_of_plain_http_is_named_too() {
    for (headers, words) in [
        ("proxy-authenticate: NTLM\r\nproxy-authenticate: Negotiate\r\n", "Windows logon (NTLM, Negotiate)"),
        ("proxy-authenticate: Basic realm=\"x\"\r\n", "it takes Basic"),
        ("", "wants a login"),
    ] {
        let server = Server::with_tokens(move |_, _| Reply::Answer { status: 407, headers, body: String::new() }).await;
        let error = refused(&Bridge::new().sink(&server, ""), 1).await;
        assert_eq!((&error.then, error.error.kind(), error.status), (&Then::GiveUp, Kind::Permission, Some(407)));
        assert!(error.error.message().contains(words), "{}", error.error.message());
    }
}

#[tokio::test]
async fn a_refusal_of_a_proxy_is_told_apart_from_the_apis() {
    for (status, headers) in [
        (401, "proxy-authenticate: Basic realm=\"x\"\r\n"),
        (403, "x-squid-error: ERR_ACCESS_DENIED 0\r\n"),
        (403, "server: Zscaler/6.2\r\n"),
    ] {
        let server = Server::with_tokens(move |_, _| Reply::Answer { status, headers, body: String::new() }).await;
        let sink = Bridge::new().sink(&server, "");
        let error = refused(&sink, 1).await;
        assert_eq!((&error.then, error.error.kind(), error.status), (&Then::GiveUp, Kind::Permission, Some(status)));
        assert!(error.error.message().contains(&format!("a proxy on the way answered {status}")));
        assert!(error.error.advice().contains("network team"), "{}", error.error.advice());
        // The token is not the matter.
        refused(&sink, 1).await;
        assert_eq!(server.requests(true).len(), 1);
    }
}
