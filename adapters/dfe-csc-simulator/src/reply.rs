//! Answers and their bodies.

use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::held::Dump;

/// An answer: a text made whole, or what is held, streamed.
pub(crate) type Reply = Response<Either<Full<Bytes>, Dump>>;

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &Value) -> Reply {
    with_type("application/json", status, Either::Left(Full::from(value.to_string())))
}

/// A refusal with a reason.
pub(crate) fn refusal(status: StatusCode, reason: &str) -> Reply {
    json(status, &json!({ "error": reason }))
}

/// What is held.
pub(crate) fn lines(dump: Dump) -> Reply {
    with_type("application/x-ndjson", StatusCode::OK, Either::Right(dump))
}

fn with_type(media_type: &'static str, status: StatusCode, body: Either<Full<Bytes>, Dump>) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(media_type));
    reply
}
