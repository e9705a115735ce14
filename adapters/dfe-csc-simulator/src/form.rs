//! `application/x-www-form-urlencoded`, as far as a token request needs it.

use std::collections::BTreeMap;

/// The fields of a form, decoded; `None` where it is malformed or names a field twice (RFC 6749, 3.2, forbids that).
pub(crate) fn parse(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    for pair in body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut sides = pair.splitn(2, |&byte| byte == b'=');
        let name = decode(sides.next()?)?;
        let value = decode(sides.next().unwrap_or_default())?;
        if fields.insert(name, value).is_some() {
            return None;
        }
    }
    Some(fields)
}

fn decode(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn fields_are_decoded() {
        let fields = parse(b"a=1+2&b=%C3%A9%2f&c=&d&e=x=y").expect("a form");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("a", "1 2"), ("b", "é/"), ("c", ""), ("d", ""), ("e", "x=y")]);
    }

    #[test]
    fn malformed_forms_are_refused() {
        for body in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2"] {
            assert_eq!(parse(body.as_bytes()), None, "{body}");
        }
    }
}
