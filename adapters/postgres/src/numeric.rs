//! PostgreSQL's `numeric` on the wire, printed as the server prints it: exact, whatever its size.

use std::fmt::Write;

const NEGATIVE: u16 = 0x4000;
const NOT_A_NUMBER: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Prints a value: groups of four decimal digits, of which `weight + 1` stand before the point, and the number of digits to be
/// shown after it. `None` where the bytes are no such value.
pub(crate) fn write(bytes: &[u8], out: &mut impl Write) -> Option<()> {
    let half = |at: usize| Some(u16::from_be_bytes(*bytes.get(at * 2..)?.first_chunk()?));
    let (groups, weight, sign, shown) = (half(0)?, half(1)?.cast_signed(), half(2)?, half(3)?);
    match sign {
        NOT_A_NUMBER => return out.write_str("NaN").ok(),
        INFINITY => return out.write_str("Infinity").ok(),
        NEGATIVE_INFINITY => return out.write_str("-Infinity").ok(),
        NEGATIVE => out.write_char('-').ok()?,
        _ => {}
    }
    // Groups that are not sent are zeros.
    let group = |at: i32| match usize::try_from(at) {
        Ok(at) if at < usize::from(groups) => half(4 + at),
        _ => Some(0),
    };
    let weight = i32::from(weight);
    if weight < 0 {
        out.write_char('0').ok()?;
    }
    for at in 0..=weight {
        let digits = group(at)?;
        if at == 0 { write!(out, "{digits}") } else { write!(out, "{digits:04}") }.ok()?;
    }
    let (mut left, mut at) = (usize::from(shown), weight + 1);
    if left > 0 {
        out.write_char('.').ok()?;
    }
    while left > 0 {
        let mut digits = group(at)?;
        let mut place = 1000;
        for _ in 0..left.min(4) {
            out.write_char(char::from(b'0' + u8::try_from(digits / place % 10).ok()?)).ok()?;
            digits %= place;
            place = (place / 10).max(1);
        }
        left -= left.min(4);
        at += 1;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::write;

    fn printed(halves: &[u16]) -> Option<String> {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_be_bytes()).collect();
        let mut text = String::new();
        write(&bytes, &mut text).map(|()| text)
    }

    #[test]
    fn numbers_are_printed_as_the_server_prints_them() {
        let below = (-1i16).cast_unsigned();
        for (halves, text) in [
            (vec![0, 0, 0, 0], "0"),
            (vec![0, 0, 0, 2], "0.00"),
            (vec![1, 0, 0, 2, 12], "12.00"),
            (vec![2, 1, 0x4000, 0, 1, 2], "-10002"),
            (vec![1, 1, 0, 0, 5], "50000"),
            (vec![2, 0, 0, 3, 1, 5000], "1.500"),
            (vec![1, below, 0, 5, 12], "0.00120"),
            (vec![1, (-2i16).cast_unsigned(), 0, 8, 7], "0.00000007"),
            (vec![0, 0, 0xC000, 0], "NaN"),
        ] {
            assert_eq!(printed(&halves).as_deref(), Some(text));
        }
        assert_eq!(printed(&[1, 0, 0]), None);
        assert_eq!(printed(&[2, 1, 0, 0, 1]), None);
    }
}
