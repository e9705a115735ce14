//! What a test does to a simulator while it runs.

use std::io::ErrorKind;

use csc_bridge_core::error::Kind;
use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Received, Settings};

use crate::End;

const ONE: &str = r#"[{"la_child_id":"a"}]"#;

fn faults(faults: Vec<Fault>) -> Faults {
    Faults { faults, ..Faults::default() }
}

/// What the next ten batches are answered.
async fn ten(end: &End) -> Vec<u16> {
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(end.post(ONE).await.0);
    }
    seen
}

#[tokio::test]
async fn other_faults_count_requests_from_one_again_and_draw_from_the_seed_anew() {
    let end = End::start(Settings::default()).await;
    assert_eq!(ten(&end).await, [200; 10]);
    let half = || faults(vec![Fault::rate(0.5, FaultKind::status(503)), Fault::requests([4], FaultKind::status(400))]);
    end.running.set_faults(half()).expect("good faults");
    let seen = ten(&end).await;
    assert_eq!(seen[3], 400);
    assert!(seen.contains(&200) && seen.contains(&503), "{seen:?}");
    end.running.set_faults(half()).expect("good faults");
    assert_eq!(ten(&end).await, seen);
    end.running.set_faults(Faults::default()).expect("no faults");
    assert_eq!(ten(&end).await, [200; 10]);
    let struck = seen.iter().filter(|status| **status == 503).count() as u64;
    assert_eq!(end.running.stats().faults, [("400".to_owned(), 2), ("503".to_owned(), 2 * struck)].into());
}

#[tokio::test]
async fn faults_that_contradict_themselves_are_refused_and_those_before_stay() {
    let end = End::start(Settings::default()).await;
    end.running.set_faults(faults(vec![Fault::rate(1.0, FaultKind::status(503))])).expect("good faults");
    for wrong in [
        vec![Fault::rate(1.5, FaultKind::Lost)],
        vec![Fault::rate(0.6, FaultKind::Lost), Fault::rate(0.6, FaultKind::Cut)],
        vec![Fault::requests([0], FaultKind::Lost)],
        vec![Fault::requests([1, 2], FaultKind::Lost), Fault::requests([2], FaultKind::Cut)],
        vec![Fault::rate(0.1, FaultKind::applied(400))],
        vec![Fault::rate(0.1, FaultKind::status(200))],
        vec![Fault::rate(0.1, FaultKind::RefuseConnection).on_token()],
        vec![Fault::rate(0.1, FaultKind::WrongCount { more: true }).on_token()],
    ] {
        assert_eq!(end.running.set_faults(faults(wrong)).expect_err("wrong").kind(), Kind::Config);
    }
    assert_eq!(end.post(ONE).await.0, 503);
}

#[tokio::test]
async fn a_paused_simulator_refuses_connections_and_goes_on_where_it_was() {
    let end = End::start(Settings::default()).await;
    assert_eq!(end.post(ONE).await.0, 200);
    for _ in 0..2 {
        end.running.pause().await.expect("paused");
        let error = end.try_post_as("845", ONE, &[]).await.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    for _ in 0..2 {
        end.running.resume().await.expect("resumed");
        assert_eq!(end.post(r#"[{"la_child_id":"b"}]"#).await.0, 200);
    }
    assert_eq!(end.held().await.len(), 2);
    assert_eq!(end.running.stats().requests, 3);
}

#[tokio::test]
async fn it_is_known_how_often_each_child_was_received() {
    let end = End::start(Settings::default()).await;
    end.running.set_faults(faults(vec![Fault::requests([1], FaultKind::Lost)])).expect("good faults");
    assert!(end.try_post_as("845", ONE, &[]).await.expect("a connection").is_none());
    for body in [
        r#"[{"la_child_id":"a"},{"la_child_id":"b"}]"#,
        r#"[{"la_child_id":"b","x":1},{"la_child_id":"b","x":1}]"#,
        r#"[{"la_child_id":"c","purge":true}]"#,
    ] {
        assert_eq!(end.post(body).await.0, 200);
    }
    assert_eq!(end.post(r#"[{"la_child_id":"d"},{}]"#).await.0, 400);
    assert_eq!(end.post_as("001", r#"[{"la_child_id":"a"}]"#, &[]).await.0, 200);
    let expected = [("a", 2, 1), ("b", 3, 1), ("c", 1, 1)]
        .map(|(child, applied, repeated)| (child.to_owned(), Received { applied, repeated }));
    assert_eq!(end.running.received("845"), expected.into());
    assert_eq!(end.running.received("001")["a"], Received { applied: 1, repeated: 0 });
}
