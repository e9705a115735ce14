//! `Retry-After`, in both its forms: whole seconds, and an HTTP date.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// A wait beyond this means "go away"; the cut keeps a nonsensical number from overflowing a clock.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// How long the answer asks to wait; `None` where it does not say, or not so that it can be understood.
///
/// A date is taken relative to the answer's own `Date`, so that a wrong clock on this machine neither hurries nor stalls the
/// run; without one, relative to `now`. A date that has passed is no wait.
pub(crate) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let wait = text(RETRY_AFTER)?;
    if !wait.is_empty() && wait.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds still mean "very long".
        return Some(wait.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let until = httpdate::parse_http_date(wait).ok()?;
    let from = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn wait(pairs: &[(reqwest::header::HeaderName, &'static str)]) -> Option<Duration> {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let now = httpdate::parse_http_date("Thu, 20 Nov 2025 10:00:00 GMT").expect("a date");
        read(&headers, now)
    }

    #[test]
    fn seconds_are_read() {
        assert_eq!(wait(&[(RETRY_AFTER, " 120 ")]), Some(Duration::from_secs(120)));
        assert_eq!(wait(&[(RETRY_AFTER, "0")]), Some(Duration::ZERO));
        assert_eq!(wait(&[(RETRY_AFTER, "99999999999999999999999")]), Some(LONGEST));
    }

    #[test]
    fn a_date_is_read_from_this_machines_clock() {
        assert_eq!(wait(&[(RETRY_AFTER, "Thu, 20 Nov 2025 10:01:30 GMT")]), Some(Duration::from_secs(90)));
        assert_eq!(wait(&[(RETRY_AFTER, "Thu, 20 Nov 2025 09:00:00 GMT")]), Some(Duration::ZERO));
    }

    #[test]
    fn a_date_is_read_from_the_servers_clock_where_it_tells_it() {
        let answer = [(RETRY_AFTER, "Thu, 20 Nov 2025 12:00:30 GMT"), (DATE, "Thu, 20 Nov 2025 12:00:00 GMT")];
        assert_eq!(wait(&answer), Some(Duration::from_secs(30)));
    }

    #[test]
    fn anything_else_says_nothing() {
        assert_eq!(wait(&[]), None);
        for text in ["", "soon", "-5", "1.5"] {
            assert_eq!(wait(&[(RETRY_AFTER, text)]), None, "{text}");
        }
    }
}
