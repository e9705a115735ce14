//! What the logs show at their most talkative, ours and the HTTP library's: of all tests of this process, since a log of one
//! test alone would miss what other threads are first to reach.

use std::io::{self, Write};
use std::sync::{Mutex, Once};

use crate::certificates::api;
use crate::proxies::{BASIC, LOGIN, Proxy, behind, ca_file};
use crate::server::{Reply, Server};
use crate::{Bridge, CHILD, CLIENT_SECRET, SUPPLIER_KEY, send};

/// Both ways to log there are.
struct Log(Mutex<Vec<u8>>);

static LOG: Log = Log(Mutex::new(Vec::new()));

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("unharmed").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut log = self;
        let _ = writeln!(log, "{} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

/// From here on everything is logged.
fn begin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&LOG).expect("the first logger");
        log::set_max_level(log::LevelFilter::Trace);
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| &LOG).with_ansi(false);
        tracing::subscriber::set_global_default(subscriber.finish()).expect("the first subscriber");
    });
}

/// What has been logged, checked for what no log may show.
fn logged() -> String {
    let text = String::from_utf8(LOG.0.lock().expect("unharmed").clone()).expect("text");
    let (_, login) = BASIC.split_once(' ').expect("two words");
    let client = [CLIENT_SECRET, "a%2Bsecret", SUPPLIER_KEY, "client-1", "token-0", login];
    for hidden in ["Zoë", "c1\"", "id-0"].into_iter().chain(client) {
        let line = text.lines().find(|line| line.contains(hidden));
        assert_eq!(line, None, "{hidden}");
    }
    text
}

#[tokio::test]
async fn the_log_has_counts_and_statuses_but_no_secret_and_no_data() {
    begin();
    let server = Server::with_tokens(|_, before| match before {
        0 => Reply::receipts(3).with("x-request-id: for-support\r\n"),
        1 => Reply::of(400, "[0].first_name: Zoë Testchild"),
        _ => Reply::Close,
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    send(&sink, 3).await.expect("taken");
    for _ in 0..2 {
        send(&sink, 3).await.expect_err("refused");
    }

    let text = logged();
    let bytes = format!("batch.bytes={}", (CHILD.len() + 1) * 3 + 1);
    for shown in ["batch.records=3", &bytes, "answer.status=400", "answer.ms=", "Unreachable"] {
        assert!(text.contains(shown), "{shown}");
    }
    let line = text.lines().find(|line| line.contains("for-support")).expect("the request id");
    assert!(line.contains("answer.status=200"), "{line}");
}

#[tokio::test]
async fn the_login_at_a_proxy_is_in_no_log_nor_is_a_secret_in_the_http_librarys_own() {
    begin();
    let open = Proxy::start(api("other-name.pem"), |_| "200 Connection established").await;
    let closed = Proxy::start(0, |_| "407 No\r\nproxy-authenticate: Basic realm=\"x\"").await;
    for (proxy, taken) in [(open, true), (closed, false)] {
        let (_server, sink) = behind(&proxy, &(ca_file() + LOGIN)).await;
        assert_eq!(send(&sink, 1).await.is_ok(), taken);
    }

    let text = logged();
    for shown in ["reqwest::connect proxy(", "hyper_util::client", "proxy asked why"] {
        assert!(text.contains(shown), "{shown}");
    }
}
