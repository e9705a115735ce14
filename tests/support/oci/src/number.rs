//! NUMBER in Oracle's own form: a length, an exponent to the base 100, and up to twenty digits to that base.

/// OCINumber, and what SQLT_VNU is.
pub(crate) const SIZE: usize = 22;

/// A decimal text (`-12.5`, `1e10`) as NUMBER, rounded to forty digits; `None` if it is no number or too great.
pub(crate) fn encode(text: &str) -> Option<[u8; SIZE]> {
    let (text, is_negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = Vec::new();
    for digit in whole.bytes().chain(fraction.bytes()) {
        digits.push(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
    }
    // The place of the point, counted from the first digit.
    let mut point = whole.len() as i32 + exponent;
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    point -= zeros as i32;
    let mut out = [0; SIZE];
    if digits.is_empty() {
        (out[0], out[1]) = (1, 128);
        return Some(out);
    }
    if point.rem_euclid(2) == 1 {
        digits.insert(0, 0);
        point += 1;
    }
    let mut pairs: Vec<u8> = digits.chunks(2).map(|pair| pair[0] * 10 + pair.get(1).copied().unwrap_or(0)).collect();
    if pairs.len() > 20 {
        let up = pairs[20] >= 50;
        pairs.truncate(20);
        let mut at = pairs.len();
        let mut carry = up;
        while carry && at > 0 {
            at -= 1;
            pairs[at] += 1;
            carry = pairs[at] == 100;
            if carry {
                pairs[at] = 0;
            }
        }
        if carry {
            pairs.insert(0, 1);
            pairs.truncate(20);
            point += 2;
        }
    }
    while pairs.last() == Some(&0) {
        pairs.pop();
    }
    let exponent = point / 2 - 1;
    if !(-65..=62).contains(&exponent) {
        return None;
    }
    let biased = (exponent + 193) as u8;
    out[1] = if is_negative { !biased } else { biased };
    for (at, pair) in pairs.iter().enumerate() {
        out[at + 2] = if is_negative { 101 - pair } else { pair + 1 };
    }
    let mut length = pairs.len() + 1;
    if is_negative && pairs.len() < 20 {
        out[length + 1] = 102;
        length += 1;
    }
    out[0] = length as u8;
    Some(out)
}

/// NUMBER as a decimal text.
pub(crate) fn decode(raw: &[u8; SIZE]) -> String {
    let length = usize::from(raw[0]).min(SIZE - 1);
    if length <= 1 {
        return "0".to_owned();
    }
    let is_negative = raw[1] & 0x80 == 0;
    let biased = if is_negative { !raw[1] } else { raw[1] };
    let mut pairs: Vec<u8> = raw[2..=length].to_vec();
    if is_negative && pairs.last() == Some(&102) {
        pairs.pop();
    }
    let digits: String = pairs
        .iter()
        .map(|pair| format!("{:02}", if is_negative { 101u8.wrapping_sub(*pair) } else { pair.wrapping_sub(1) }))
        .collect();
    let point = (i32::from(biased) - 192) * 2;
    let text = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(-point as usize))
    } else if point as usize >= digits.len() {
        format!("{digits}{}", "0".repeat(point as usize - digits.len()))
    } else {
        format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text.as_str() };
    let text = text.trim_start_matches('0');
    let text = if text.is_empty() || text.starts_with('.') { format!("0{text}") } else { text.to_owned() };
    if is_negative { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_as_it_was() {
        let texts = [
            "0",
            "1",
            "-1",
            "9",
            "10",
            "99",
            "100",
            "101",
            "-100",
            "0.1",
            "0.01",
            "0.001",
            "-0.5",
            "123.456",
            "12.5",
            "99999999999999999999999999999999999999",
            "-99999999999999999999999999999999999999",
            "9223372036854775807",
            "-9223372036854775808",
            "0.00000000000000000000000000000000000001",
            "1000000",
        ];
        for text in texts {
            assert_eq!(encode(text).map(|raw| decode(&raw)).as_deref(), Some(text));
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_manual() {
        // From "Oracle Call Interface Programmer's Guide", the internal NUMBER: 5 is 193,6; -5 is 62,96,102; 2767 is 194,28,68.
        assert_eq!(encode("5").map(|raw| raw[..3].to_vec()), Some(vec![2, 193, 6]));
        assert_eq!(encode("-5").map(|raw| raw[..4].to_vec()), Some(vec![3, 62, 96, 102]));
        assert_eq!(encode("2767").map(|raw| raw[..4].to_vec()), Some(vec![3, 194, 28, 68]));
    }
}
