//! The id that the other end gives its answer, for support: DfE finds a request by it (fact sheet, section 8).

use reqwest::header::{HeaderMap, HeaderName};

/// Where it may stand, the first that does counts.
const NAMES: [HeaderName; 3] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-correlation-id"),
];

/// Longest id kept.
const LONGEST: usize = 200;

/// The id, where there is one. It goes into logs: only printable ASCII of it, and not much.
pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
    NAMES.iter().find_map(|name| {
        let printable = headers.get(name)?.as_bytes().iter().filter(|byte| matches!(byte, b' '..=b'~'));
        let text: String = printable.take(LONGEST).map(|byte| char::from(*byte)).collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn id(pairs: &[(&'static str, &[u8])]) -> Option<String> {
        let headers = pairs.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a header's value"))
        });
        read(&headers.collect())
    }

    #[test]
    fn the_first_of_the_three_names_counts() {
        assert_eq!(id(&[("x-correlation-id", b"c"), ("request-id", b"b"), ("x-request-id", b"a")]), Some("a".into()));
        assert_eq!(id(&[("x-correlation-id", b"c"), ("x-request-id", b" ")]), Some("c".into()));
        assert_eq!(id(&[("date", b"today")]), None);
    }

    #[test]
    fn only_200_printable_characters_are_kept() {
        assert_eq!(id(&[("request-id", "a\tb-Zoë".as_bytes())]), Some("ab-Zo".into()));
        assert_eq!(id(&[("request-id", &[b'x'; 300])]), Some("x".repeat(200)));
    }
}
