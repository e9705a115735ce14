//! One POST per batch.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::{Limits, Probe, Receipt, Record, SendError, Sent, Sink, array};
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};

use crate::answer::Answer;
use crate::firewall;
use crate::http::Line;
use crate::options::Settings;
use crate::token::Tokens;

const SUPPLIER_KEY: HeaderName = HeaderName::from_static("supplierkey");

/// The API for one authority.
pub(crate) struct Client {
    line: Line,
    /// Where the authority's children are sent.
    children: Url,
    supplier_key: HeaderValue,
    tokens: Tokens,
    limits: Limits,
    /// Numbers the requests, to match the lines of a log with one another.
    attempts: AtomicU64,
}

impl Client {
    /// Checks that the lines can be made. Sends nothing.
    ///
    /// # Errors
    /// As [`Line::to`].
    pub fn new(settings: Settings, la_code: &str) -> Result<Client> {
        let base = settings.endpoint.url().as_str().trim_end_matches('/');
        let children = Url::parse(&format!("{base}/children_social_care_data/{la_code}/children"))
            .map_err(|_| Error::new(Kind::Config, "[sink] endpoint and la_code make no address", "check both"))?;
        let exchange = settings.exchange_time();
        Ok(Client {
            line: Line::to(&settings, &settings.endpoint)?,
            supplier_key: settings.supplier_key.clone(),
            tokens: Tokens::new(Line::to(&settings, &settings.token_endpoint)?, &settings, exchange),
            limits: settings.limits(),
            children,
            attempts: AtomicU64::new(0),
        })
    }

    async fn exchange(&self, authorization: Option<HeaderValue>, body: Bytes) -> Result<Answer, SendError> {
        let mut request = self
            .line
            .post(self.children.clone())
            .header(SUPPLIER_KEY, self.supplier_key.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(body);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.line.send(request).await
    }

    /// One request, with what a log may have of it.
    async fn answer(&self, records: &[Record<'_>]) -> Result<Answer, SendError> {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let token = self.tokens.get().await?;
        let body = Bytes::from(array(records));
        let bytes = body.len();
        tracing::debug!(sink.attempt = attempt, batch.records = records.len(), batch.bytes = bytes, "batch leaves");
        let begun = Instant::now();
        let answer = self.exchange(Some(token.authorization.clone()), body).await;
        let millis = begun.elapsed().as_millis() as u64;
        match &answer {
            Ok(answer) => {
                tracing::debug!(
                    sink.attempt = attempt,
                    answer.status,
                    answer.bytes = answer.body.len(),
                    answer.ms = millis,
                    answer.request_id,
                    "batch answered"
                );
                if answer.refuses_the_token() {
                    self.tokens.forget(&token).await;
                }
            }
            Err(failed) => {
                let kind = failed.error.kind();
                tracing::debug!(sink.attempt = attempt, answer.ms = millis, error.kind = ?kind, "batch not answered");
            }
        }
        answer
    }
}

#[async_trait]
impl Sink for Client {
    fn limits(&self) -> Limits {
        self.limits
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        self.send_with_request_id(records).await.result
    }

    async fn send_with_request_id(&self, records: &[Record<'_>]) -> Sent {
        let answer = match firewall::check(records) {
            Ok(()) => self.answer(records).await,
            Err(held_back) => Err(held_back),
        };
        match answer {
            Ok(mut answer) => Sent { request_id: answer.request_id.take(), result: answer.judge(records.len()) },
            Err(error) => Sent { request_id: None, result: Err(error) },
        }
    }

    /// Fetches a token and sends an empty list. Without a token the list goes all the same: any answer tells that the address is
    /// there, and the time.
    async fn probe(&self) -> Probe {
        let (token, authorization) = match self.tokens.get().await {
            Ok(token) => (Ok("a token was issued".to_owned()), Some(token.authorization)),
            Err(failed) => (Err(failed.error), None),
        };
        let has_token = authorization.is_some();
        let (reach, clock_ahead) = match self.exchange(authorization, Bytes::from_static(NO_RECORDS)).await {
            Ok(answer) => {
                let clock_ahead = answer.clock_ahead;
                (answer.reached(has_token), clock_ahead)
            }
            Err(failed) => (Err(failed.error), None),
        };
        Probe { token: Some(token), reach: Some(reach), clock_ahead }
    }
}

/// What cannot become a child, whatever the API makes of it.
const NO_RECORDS: &[u8] = b"[]";
