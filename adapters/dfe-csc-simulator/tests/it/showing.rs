//! What the simulator shows and keeps.

use csc_bridge_core::error::Kind;
use csc_bridge_dfe_csc_simulator::{Settings, Simulator, Stats};

use crate::{ANYWHERE, End};

#[tokio::test]
async fn the_counts_are_of_requests_records_applications_and_repetitions() {
    let end = End::start(Settings::default()).await;
    end.post(r#"[{"la_child_id":"a"},{"la_child_id":"b"}]"#).await;
    end.post(r#"[{ "la_child_id":"a" },{"la_child_id":"b","x":1}]"#).await;
    end.post(r#"[{"la_child_id":"c","mis_child_id":"m","purge":true}]"#).await;
    end.post(r#"[{"la_child_id":"d"},{}]"#).await;
    end.post_as("845", "[]", &[("Authorization", None)]).await;
    let (status, body) = end.get("/_simulator/stats").await;
    assert_eq!((status, body.as_str()), (200, r#"{"applied":5,"faults":{},"records":7,"repeated":2,"requests":5}"#));
    assert_eq!(
        end.running.stats(),
        Stats { requests: 5, records: 7, applied: 5, repeated: 2, faults: Default::default() }
    );
}

#[tokio::test]
async fn many_children_are_shown_in_the_order_of_their_ids() {
    let end = End::start(Settings::default()).await;
    let text = "x".repeat(3000);
    for batch in 0..10 {
        let child = |n| format!(r#"{{"la_child_id":"{:04}","t":"{text}"}}"#, (n * 10 + batch) * 7 % 1000);
        let children: Vec<String> = (0..100).map(child).collect();
        assert_eq!(end.post(&format!("[{}]", children.join(","))).await.0, 200);
    }
    let held = end.held().await;
    let ids: Vec<&str> = held.iter().map(|line| &line[16..20]).collect();
    let expected: Vec<String> = (0..1000).map(|n| format!("{n:04}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn what_is_held_outlives_the_simulator_where_it_has_a_file() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("held.ndjson");
    let settings = || Settings { state: Some(path.clone()), ..Settings::default() };
    let end = End::start(settings()).await;
    end.post(r#"[{"la_child_id":"é\"a","x":"\n"},{"la_child_id":"b"}]"#).await;
    end.post_as("001", r#"[{"la_child_id":"c"}]"#, &[]).await;
    let held = end.held().await;
    end.running.stop().await.expect("saved");
    assert_eq!(std::fs::read_to_string(&path).expect("text").lines().count(), 3);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }

    let end = End::start(settings()).await;
    assert_eq!(end.held().await, held);
    assert_eq!(end.get("/_simulator/children/001").await.1, "{\"la_child_id\":\"c\"}\n");
    end.running.stop().await.expect("saved");
    assert_eq!(std::fs::read_dir(home.path()).expect("a folder").count(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused_by_its_line() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("held.ndjson");
    std::fs::write(&path, "{\"document\":{\"la_child_id\":\"a\"},\"la_code\":\"845\"}\n{\"document\":{}}\n")
        .expect("a file");
    let error = Simulator::start(ANYWHERE, Settings { state: Some(path), ..Settings::default() })
        .await
        .err()
        .expect("no state");
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.message().contains("line 2"), "{}", error.message());
}

#[tokio::test]
async fn a_port_in_use_is_said_so() {
    let end = End::start(Settings::default()).await;
    let error = Simulator::start(end.running.addr(), Settings::default()).await.err().expect("in use");
    assert_eq!(error.kind(), Kind::Io);
}

#[tokio::test]
async fn a_stopped_simulator_answers_no_more() {
    let end = End::start(Settings::default()).await;
    let address = end.running.addr();
    // A connection that stays open and idle must not hold it up.
    let _idle = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let begun = std::time::Instant::now();
    end.running.stop().await.expect("stopped");
    assert!(begun.elapsed() < std::time::Duration::from_secs(3));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
