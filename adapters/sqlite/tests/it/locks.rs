use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use csc_bridge_core::error::Kind;
use csc_bridge_core::staging::Staging;

use crate::support::*;

#[tokio::test]
async fn one_stage_and_one_submit_at_a_time_and_not_each_other() {
    let (home, staging) = Home::staged().await;
    let other = home.staging();
    let stage = staging.lock_stage(None).await.unwrap();
    let submit = other.lock_submit().await.unwrap();
    let error = other.lock_stage(None).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Busy);
    assert!(error.message().contains("another csc-bridge stages ssd_api_data_staging"), "{error}");
    assert_eq!(staging.lock_submit().await.err().unwrap().kind(), Kind::Busy);
    drop((stage, submit));
    drop(other.lock_stage(None).await.unwrap());
    drop(staging.lock_submit().await.unwrap());
    assert_eq!(
        std::fs::read_dir(home.folder())
            .unwrap()
            .filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().ends_with(".lock"))
            .count(),
        3
    );
}

#[tokio::test]
async fn a_sender_waits_out_a_lock_that_is_held_for_a_moment() {
    let (home, staging) = Home::staged().await;
    let held = home.staging().lock_submit().await.unwrap();
    let release = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        drop(held);
    });
    staging.lock_submit().await.unwrap();
    release.await.unwrap();
}

/// Not a test of its own: the other process of the next one.
#[tokio::test]
#[ignore = "started by a_lock_ends_with_its_process"]
async fn hold_the_submit_lock_until_killed() {
    let Some(path) = std::env::var_os("CSC_TEST_DATABASE") else { return };
    let engine = csc_bridge_sqlite::SqliteEngine::new(path.as_ref(), Duration::ZERO).unwrap();
    let staging = csc_bridge_sql::SqlStaging::new(std::sync::Arc::new(engine), names(), None).unwrap();
    let _lock = staging.lock_submit().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn a_lock_ends_with_its_process() {
    let (home, staging) = Home::staged().await;
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "locks::hold_the_submit_lock_until_killed"])
        .env("CSC_TEST_DATABASE", home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut busy = false;
    while !busy && began.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        busy = staging.lock_submit().await.is_err_and(|error| error.kind() == Kind::Busy);
    }
    assert!(busy);
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent(&staging, "a", "1", 1).await;
    assert_eq!(recover(&staging).await, 0);
    other.kill().unwrap();
    other.wait().unwrap();
    drop(staging.lock_submit().await.unwrap());
    assert_eq!(recover(&staging).await, 1);
}
