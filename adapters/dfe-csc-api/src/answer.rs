//! What an answer of the API means for the batch (fact sheet, sections 4 and 5).
//!
//! The answer's text may quote a child's data. It goes into [`SendError::detail`] and nowhere else; the messages here are our
//! own words and the status.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{Receipt, SendError, Then};
use jiff::{SignedDuration, Timestamp};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap};

use crate::proxy::{self, Offer};
use crate::{position, receipt, request_id, retry_after};

/// Most of an answer that is read: a hundred receipts take some 7 kB, and a hundred complaints hardly more.
const LONGEST_BODY: usize = 1 << 20;

/// An HTTP answer, read.
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// From `Retry-After`.
    pub retry_after: Option<Duration>,
    /// The body, as far as it came and up to [`LONGEST_BODY`].
    pub body: String,
    /// Whether that is all of it.
    pub whole: bool,
    /// The other end's id of it, for support.
    pub request_id: Option<String>,
    /// By how much the clock of whoever answered is ahead of this machine's.
    pub clock_ahead: Option<SignedDuration>,
    /// Whether it is a web page.
    is_page: bool,
    /// Where a refusal is not the API's but that of a proxy on the way: the logins which that takes.
    proxy: Option<Offer>,
}

/// A proxy's refusals that could be taken for the API's.
const BY_A_PROXY: [u16; 3] = [401, 403, 407];

impl Answer {
    /// Reads the answer. A body that breaks off is no error here: the status may already say what happened.
    pub async fn read(mut response: Response) -> Answer {
        let mut bytes = Vec::new();
        let whole = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= LONGEST_BODY => bytes.extend_from_slice(&chunk),
                Ok(None) => break true,
                Ok(Some(_)) | Err(_) => break false,
            }
        };
        let body = String::from_utf8_lossy(&bytes);
        let (status, headers) = (response.status().as_u16(), response.headers());
        let by_a_proxy = BY_A_PROXY.contains(&status) && (status == 407 || proxy::answered(headers));
        Answer {
            status,
            retry_after: retry_after::read(headers, SystemTime::now()),
            body: body.trim_start_matches('\u{feff}').to_owned(),
            whole,
            request_id: request_id::read(headers),
            clock_ahead: clock_ahead(headers, SystemTime::now()),
            is_page: headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")),
            proxy: by_a_proxy.then(|| Offer::read(headers)),
        }
    }

    /// A whole answer with nothing in its headers.
    #[cfg(test)]
    pub fn told(status: u16, body: &str) -> Answer {
        let proxy = (status == 407).then(Offer::default);
        let body = body.to_owned();
        Answer {
            status,
            retry_after: None,
            body,
            whole: true,
            request_id: None,
            clock_ahead: None,
            is_page: false,
            proxy,
        }
    }

    /// Message and advice where not the API but a proxy on the way refused the request.
    pub fn refused_by_a_proxy(&self) -> Option<(String, Cow<'static, str>)> {
        let offer = self.proxy.as_ref()?;
        let status = self.status;
        Some(match status {
            407 => {
                // A login is only ever given to the proxy that is set, and that one has let the request pass.
                let (what, advice) = offer.refusal(false);
                (format!("a proxy on the way answered {status}: {what}"), advice)
            }
            _ => (
                format!(
                    "a proxy on the way answered {status} in place of the API: it does not let the request through"
                ),
                "ask your network team to let this machine send JSON to the addresses in [sink]".into(),
            ),
        })
    }

    /// Whether it is the API that no longer accepts the token.
    pub fn refuses_the_token(&self) -> bool {
        self.status == 401 && self.proxy.is_none()
    }

    /// The receipts of a batch of `records`, or what may be done instead.
    pub fn judge(self, records: usize) -> Result<Vec<Receipt>, SendError> {
        match self.status {
            200 | 201 => self.accepted(records),
            _ => Err(self.refused(records)),
        }
    }

    /// What it says when it answers an empty list: whether the API is there and lets us in. What DfE's own answers to that is not
    /// known; 400 and 422 are the API's words in any case, for whoever is not let in gets 401 or 403.
    pub fn reached(self, has_token: bool) -> Result<String, Error> {
        let status = self.status;
        match status {
            200..=299 | 400 | 422 if self.is_page => Err(Error::new(
                Kind::Protocol,
                format!("the answer {status} is a web page"),
                "a proxy on the way may have answered in place of the API: check [sink] endpoint, and ask your network team",
            )),
            200..=299 | 400 | 422 if has_token => Ok(format!("it let us in, and answered {status} to an empty list")),
            400..=403 | 422 if !has_token && self.proxy.is_none() => {
                Ok(format!("it answered {status} without a token: whether it lets us in is not known"))
            }
            _ => Err(self.refused(0).error),
        }
    }

    fn accepted(self, records: usize) -> Result<Vec<Receipt>, SendError> {
        let receipts = if self.whole { receipt::parse(&self.body) } else { None };
        let (kind, message) = match receipts {
            None if self.is_page => return Err(self.page()),
            Some(receipts) if receipts.len() == records => return Ok(receipts),
            Some(receipts) => {
                (Kind::Protocol, format!("the API accepted {records} records with {} receipts", receipts.len()))
            }
            None if self.whole => {
                (Kind::Protocol, "the API accepted the batch, but its receipts cannot be understood".to_owned())
            }
            None => (Kind::Unreachable, "the API accepted the batch, but its answer broke off".to_owned()),
        };
        let advice = "the records are sent again in full; if it happens again, ask DfE with the time of this message";
        Err(self.error(kind, message, advice, Then::Unknown))
    }

    /// A success with a web page may be a proxy's or a hotspot's, which the batch has not passed, or a fault of the API's own.
    fn page(self) -> SendError {
        let message = format!("the answer {} is a web page and holds no receipts", self.status);
        let advice = "a proxy on the way may have answered in place of the API: ask your network team; the records are sent again in full";
        self.error(Kind::Protocol, message, advice, Then::Unknown)
    }

    fn refused(self, records: usize) -> SendError {
        if let Some((what, advice)) = self.refused_by_a_proxy() {
            return self.error(Kind::Permission, what, advice, Then::GiveUp);
        }
        let status = self.status;
        let after = self.retry_after;
        let (kind, what, advice, then) = match status {
            202..=299 => (
                Kind::Protocol,
                "it does not say whether the batch was taken",
                "the records are sent again in full; if it happens again, ask DfE with the time of this message",
                Then::Unknown,
            ),
            300..=399 => (
                Kind::Config,
                "the address has moved, or something on the way (a proxy's login page) wants attention",
                "check [sink] endpoint; csc-bridge follows no redirect with children's data",
                Then::GiveUp,
            ),
            400 | 422 => (
                Kind::Data,
                "at least one record is malformed",
                "the reason is in api_response of the records concerned; correct them in the case management system",
                Then::BadRecords(position::of_bad_records(&self.body, records)),
            ),
            401 => (
                Kind::Permission,
                "it did not accept the token",
                "if it happens again: check this machine's clock, and [sink] scope, client_id, client_secret and supplier_key",
                Then::Reauthenticate,
            ),
            403 => (
                Kind::Permission,
                "access is disallowed",
                "check [sink] supplier_key and endpoint, and la_code; DfE's firewall also answers so to a request it dislikes, \
                 such as an id that contains 0x",
                Then::GiveUp,
            ),
            404 => {
                (Kind::Config, "there is nothing at this address", "check [sink] endpoint, and la_code", Then::GiveUp)
            }
            405 => (Kind::Config, "this address takes no records", "check [sink] endpoint", Then::GiveUp),
            408 => (Kind::Unreachable, "the request took too long to arrive", WAIT, Then::Retry { after }),
            413 => (
                Kind::Data,
                "the batch is too large",
                "smaller batches are tried; to begin with those, lower [sink] max_bytes or max_records",
                Then::TooLarge,
            ),
            415 => (
                Kind::Protocol,
                "it does not take JSON",
                "check [sink] endpoint, and whether a proxy rewrites requests; DfE may have changed the API",
                Then::GiveUp,
            ),
            429 => (
                Kind::Unreachable,
                "too many requests",
                "if it happens often, raise [sink] min_interval or lower concurrency",
                Then::Retry { after },
            ),
            503 => (Kind::Unreachable, "the API is out of order", WAIT, Then::Retry { after }),
            // The gateway or what is behind it failed with the batch in hand: it may have been taken first.
            500..=599 => (Kind::Unreachable, "the API is out of order", WAIT, Then::RetryUnsure { after }),
            _ => (
                Kind::Protocol,
                "this status is not part of the API as we know it",
                "check [sink] endpoint; the answer's text is in api_response",
                Then::GiveUp,
            ),
        };
        self.error(kind, format!("the API answered {status}: {what}"), advice, then)
    }

    fn error(self, kind: Kind, message: String, advice: impl Into<Cow<'static, str>>, then: Then) -> SendError {
        let detail = Some(self.body).filter(|body| !body.trim().is_empty());
        SendError { error: Error::new(kind, message, advice), then, status: Some(self.status), detail }
    }
}

const WAIT: &str = "nothing to do unless it lasts: DfE's service pages say whether the API is down";

/// From the `Date` header, which every server sends with its answers.
fn clock_ahead(headers: &HeaderMap, now: SystemTime) -> Option<SignedDuration> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let there = Timestamp::try_from(date).ok()?;
    Some(there.duration_since(Timestamp::try_from(now).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn then(status: u16) -> Then {
        Answer::told(status, "a child's name").judge(2).expect_err("no success").then
    }

    #[test]
    fn every_status_says_what_may_be_done() {
        for status in [202, 204, 206] {
            assert_eq!(then(status), Then::Unknown, "{status}");
        }
        for status in [301, 302, 307, 308, 402, 403, 404, 405, 406, 407, 409, 410, 415, 418, 431, 600] {
            assert_eq!(then(status), Then::GiveUp, "{status}");
        }
        for status in [500, 502, 504, 599] {
            assert_eq!(then(status), Then::RetryUnsure { after: None }, "{status}");
        }
        for status in [408, 429, 503] {
            assert_eq!(then(status), Then::Retry { after: None }, "{status}");
        }
        assert_eq!(then(401), Then::Reauthenticate);
        assert_eq!(then(413), Then::TooLarge);
        assert_eq!(then(400), Then::BadRecords(Vec::new()));
        assert_eq!(then(422), Then::BadRecords(Vec::new()));
    }

    #[test]
    fn a_success_with_another_number_of_receipts_is_unknown() {
        for body in ["[]", r#"["a"]"#, r#"["a","b","c"]"#] {
            let error = Answer::told(200, body).judge(2).expect_err(body);
            assert_eq!((error.error.kind(), error.then), (Kind::Protocol, Then::Unknown));
        }
    }

    #[test]
    fn a_success_that_broke_off_is_unknown_even_where_it_looks_complete() {
        let cut = Answer { whole: false, ..Answer::told(200, r#"["a","b"]"#) };
        assert_eq!(cut.judge(2).expect_err("cut").then, Then::Unknown);
    }

    #[test]
    fn the_answers_text_is_in_the_detail_only() {
        for status in (202..=599).filter(|status| *status != 201) {
            let error = Answer::told(status, "[1] a child's name").judge(2).expect_err("no success");
            let shown = format!("{error:?} {} {} {}", error.error, error.error.message(), error.error.advice());
            assert!(!shown.contains("child's name"), "{shown}");
            assert_eq!(error.detail.as_deref(), Some("[1] a child's name"));
        }
    }

    #[test]
    fn the_clock_is_compared_by_the_date_header() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a time");
        let ahead = |date: &'static str| {
            let headers = HeaderMap::from_iter([(DATE, reqwest::header::HeaderValue::from_static(date))]);
            clock_ahead(&headers, now).map(|ahead| ahead.as_secs())
        };
        assert_eq!(ahead("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(ahead("Sun, 06 Nov 1994 08:48:37 GMT"), Some(-60));
        assert_eq!(ahead("yesterday"), None);
        assert_eq!(clock_ahead(&HeaderMap::new(), now), None);
    }

    #[test]
    fn an_empty_list_tells_whether_the_api_lets_us_in() {
        let reached = |status, has_token| Answer::told(status, "").reached(has_token).map_err(|error| error.kind());
        for status in [200, 201, 204, 400, 422] {
            assert!(reached(status, true).is_ok(), "{status}");
        }
        assert_eq!(reached(401, true), Err(Kind::Permission));
        assert_eq!(reached(403, true), Err(Kind::Permission));
        assert_eq!(reached(404, true), Err(Kind::Config));
        assert_eq!(reached(503, true), Err(Kind::Unreachable));
        assert!(reached(401, false).is_ok(), "it is there");
        assert_eq!(reached(407, false), Err(Kind::Permission), "that is a proxy");
        let page = Answer { is_page: true, ..Answer::told(200, "<html>") };
        assert_eq!(page.reached(true).map_err(|error| error.kind()), Err(Kind::Protocol));
    }
}
