//! What the log shows, at its most talkative.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::server::{Reply, Server};
use crate::{Bridge, CHILD, CLIENT_SECRET, SUPPLIER_KEY, send};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("unharmed").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_has_counts_and_statuses_but_no_secret_and_no_data() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::with_tokens(|_, before| match before {
        0 => Reply::receipts(3),
        1 => Reply::of(400, "[0].first_name: Zoë Testchild"),
        _ => Reply::Close,
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    send(&sink, 3).await.expect("taken");
    for _ in 0..2 {
        send(&sink, 3).await.expect_err("refused");
    }
    drop(guard);

    let text = String::from_utf8(log.0.lock().expect("unharmed").clone()).expect("text");
    let bytes = (CHILD.len() + 1) * 3 + 1;
    for shown in [
        "batch.records=3",
        &format!("batch.bytes={bytes}"),
        "answer.status=200",
        "answer.status=400",
        "answer.ms=",
        "Unreachable",
    ] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    for hidden in ["Zoë", "c1\"", CLIENT_SECRET, "a%2Bsecret", SUPPLIER_KEY, "client-1", "token-0", "id-0"] {
        assert!(!text.contains(hidden), "{hidden}\n{text}");
    }
}
