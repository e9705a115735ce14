//! Doing what was decided: before a request is looked at, or between applying and answering.

use std::fmt;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{FaultKind, RetryAfter};
use crate::reply::{self, Reply, Whole};

/// The connection ends here, without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ends here, on purpose")
    }
}

impl std::error::Error for Dropped {}

/// Answers a request under a fault. `work` does what is right; `made` is told of a fault that really happens.
///
/// A request that is refused by right stays refused: faults that change a success do not happen to it. Those of the connection do, whatever
/// the answer.
pub(crate) async fn around(
    fault: Option<FaultKind>,
    stopped: watch::Receiver<()>,
    made: impl FnOnce(&FaultKind),
    work: impl FnOnce() -> Result<Whole, Box<Whole>>,
) -> Result<Reply, Dropped> {
    let right = || work().unwrap_or_else(|refusal| *refusal);
    let Some(fault) = fault else {
        return Ok(reply::whole(right()));
    };
    if is_before(&fault) {
        made(&fault);
        return before(fault, stopped).await;
    }
    let answer = right();
    if changes_a_success(&fault) && !answer.status().is_success() {
        return Ok(reply::whole(answer));
    }
    made(&fault);
    after(fault, answer, stopped).await
}

fn is_before(fault: &FaultKind) -> bool {
    match fault {
        FaultKind::Status { applied, .. } => !applied,
        FaultKind::HangBefore | FaultKind::CutBefore => true,
        _ => false,
    }
}

fn changes_a_success(fault: &FaultKind) -> bool {
    !matches!(fault, FaultKind::HangAfter | FaultKind::Lost | FaultKind::Cut | FaultKind::Slow(_))
}

async fn before(fault: FaultKind, stopped: watch::Receiver<()>) -> Result<Reply, Dropped> {
    match fault {
        FaultKind::Status { code, retry_after, body, .. } => Ok(reply::whole(other_answer(code, retry_after, body))),
        FaultKind::HangBefore => Err(hang(stopped).await),
        _ => Err(Dropped),
    }
}

async fn after(fault: FaultKind, mut answer: Whole, stopped: watch::Receiver<()>) -> Result<Reply, Dropped> {
    match fault {
        FaultKind::HangAfter => return Err(hang(stopped).await),
        FaultKind::Lost => return Err(Dropped),
        FaultKind::Cut => return Ok(reply::torn(answer)),
        FaultKind::Slow(delay) => tokio::time::sleep(delay).await,
        FaultKind::Status { code: 201, retry_after, .. } => {
            *answer.status_mut() = StatusCode::CREATED;
            set_retry_after(&mut answer, retry_after);
        }
        FaultKind::Status { code, retry_after, body, .. } => answer = other_answer(code, retry_after, body),
        FaultKind::WrongCount { more } => answer = answer.map(|body| recount(&body, more)),
        FaultKind::Garbled => answer = answer.map(|body| garble(&body)),
        FaultKind::NotJson => {
            answer = text("text/html", StatusCode::OK, "<html><body><h1>It works!</h1></body></html>")
        }
        FaultKind::RefuseConnection | FaultKind::HangBefore | FaultKind::CutBefore => {}
    }
    Ok(reply::whole(answer))
}

/// Waits until the simulator stops; hyper ends the wait where the sender hangs up first.
async fn hang(mut stopped: watch::Receiver<()>) -> Dropped {
    let _ = stopped.changed().await;
    Dropped
}

fn other_answer(code: u16, retry_after: Option<RetryAfter>, body: Option<String>) -> Whole {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match body {
        Some(body) => text("text/plain; charset=utf-8", status, &body),
        None if status == StatusCode::NO_CONTENT => text("application/json", status, ""),
        None => reply::refusal(status, "this answer was made on purpose"),
    };
    set_retry_after(&mut answer, retry_after);
    answer
}

fn text(media_type: &'static str, status: StatusCode, body: &str) -> Whole {
    let mut answer = Whole::new(Bytes::copy_from_slice(body.as_bytes()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// Sets `Retry-After`. A header counts in seconds, so what is not a whole number of them is rounded up.
pub(crate) fn set_retry_after(answer: &mut Whole, retry_after: Option<RetryAfter>) {
    let seconds = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let value = match retry_after {
        None => return,
        Some(RetryAfter::Seconds(wait)) => Some(HeaderValue::from(seconds(wait))),
        Some(RetryAfter::Date(wait)) => {
            let then = SystemTime::now() + Duration::from_secs(seconds(wait));
            HeaderValue::from_str(&httpdate::fmt_http_date(then)).ok()
        }
    };
    answer.headers_mut().extend(value.map(|value| (RETRY_AFTER, value)));
}

/// One receipt too few or too many.
fn recount(body: &[u8], more: bool) -> Bytes {
    let mut receipts = receipts(body);
    match more {
        true => receipts.push(crate::submit::receipt().into()),
        false => drop(receipts.pop()),
    }
    Value::from(receipts).to_string().into()
}

/// As many texts as there were receipts, but none is one; a token's answer has no receipts and loses its token.
fn garble(body: &[u8]) -> Bytes {
    let receipts = receipts(body);
    match receipts.is_empty() {
        true => json!({ "token_type": "Bearer" }).to_string().into(),
        false => json!(vec!["taken, with thanks"; receipts.len()]).to_string().into(),
    }
}

fn receipts(body: &[u8]) -> Vec<Value> {
    serde_json::from_slice(body).unwrap_or_default()
}
