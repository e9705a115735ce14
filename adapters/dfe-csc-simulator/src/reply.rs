//! Answers and their bodies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::held::Dump;

/// An answer that goes out: whole, streamed, or torn.
pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// An answer as it was made.
pub(crate) type Whole = Response<Bytes>;

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &Value) -> Whole {
    with_type("application/json", status, value.to_string().into())
}

/// A refusal with a reason.
pub(crate) fn refusal(status: StatusCode, reason: &str) -> Whole {
    json(status, &json!({ "error": reason }))
}

/// Sends an answer as it was made.
pub(crate) fn whole(answer: Whole) -> Reply {
    answer.map(|text| Full::new(text).map_err(|never| match never {}).boxed_unsync())
}

/// Sends the first half of an answer's body and ends the connection there.
pub(crate) fn torn(answer: Whole) -> Reply {
    answer.map(|text| {
        Torn { promised: text.len() as u64, half: text.slice(..text.len() / 2), step: Step::Half }.boxed_unsync()
    })
}

/// What is held.
pub(crate) fn lines(dump: Dump) -> Reply {
    with_type("application/x-ndjson", StatusCode::OK, dump.map_err(|never| match never {}).boxed_unsync())
}

fn with_type<B>(media_type: &'static str, status: StatusCode, body: B) -> Response<B> {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}

/// A body that promises more than it gives.
struct Torn {
    promised: u64,
    half: Bytes,
    step: Step,
}

enum Step {
    Half,
    Flush,
    End,
}

impl Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.step {
            Step::Half => {
                self.step = Step::Flush;
                Poll::Ready(Some(Ok(Frame::data(self.half.clone()))))
            }
            // hyper drops what it has not yet written when a body fails, and writes when a body has nothing to give: so there is
            // nothing to give, once.
            Step::Flush => {
                self.step = Step::End;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Step::End => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
