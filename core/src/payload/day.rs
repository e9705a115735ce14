//! A calendar day as the SSD's dates are compared and printed: `YYYYMMDD` in one number, so that order is the
//! number's order and printing is eight digits. Arithmetic is left to `jiff`.

use std::num::NonZeroU32;

use jiff::civil::Date;

/// A calendar day of the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NonZeroU32);

impl Day {
    /// The day, if the calendar has it.
    pub fn new(year: u32, month: u32, day: u32) -> Option<Day> {
        let longest = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
            2 => 28,
            _ => return None,
        };
        if !(1..=9999).contains(&year) || !(1..=longest).contains(&day) {
            return None;
        }
        NonZeroU32::new(year * 10_000 + month * 100 + day).map(Day)
    }

    /// Reads `YYYYMMDD`, and `YYYY-MM-DD`, alone or before a time of day (after a space or `T`), which is dropped (design, decision 5).
    pub fn parse(text: &str) -> Option<Day> {
        let bytes = text.as_bytes();
        if bytes.len() == 8 {
            return Day::new(number(&bytes[..4])?, number(&bytes[4..6])?, number(&bytes[6..])?);
        }
        let (date, rest) = bytes.split_at_checked(10)?;
        if date[4] != b'-'
            || date[7] != b'-'
            || !(rest.is_empty() || (matches!(rest[0], b' ' | b'T') && is_time(&rest[1..])))
        {
            return None;
        }
        Day::new(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)
    }

    /// Appends `YYYY-MM-DD`.
    pub fn write(self, out: &mut Vec<u8>) {
        let [_, date @ .., _] = self.quoted();
        out.extend_from_slice(&date);
    }

    /// `"YYYY-MM-DD"`, in quotation marks.
    pub(super) fn quoted(self) -> [u8; 12] {
        let (year, month, day) = self.parts();
        let [[a, b], [c, d]] = [pair(year / 100), pair(year % 100)];
        let [[e, f], [g, h]] = [pair(month), pair(day)];
        [b'"', a, b, c, d, b'-', e, f, b'-', g, h, b'"']
    }
}

/// A number below a hundred in two digits.
fn pair(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

impl From<Date> for Day {
    /// # Panics
    /// Never for the years 1 to 9999, which are all that databases have.
    fn from(date: Date) -> Day {
        let year = u32::from(date.year().max(1).unsigned_abs());
        Day::new(year, u32::from(date.month().unsigned_abs()), u32::from(date.day().unsigned_abs()))
            .expect("a civil date is a calendar day")
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// Whether this looks like a time of day: digits with the signs that times and offsets have.
fn is_time(bytes: &[u8]) -> bool {
    bytes.len() >= 2
        && bytes[0].is_ascii_digit()
        && bytes.iter().all(|byte| byte.is_ascii_digit() || b":.,+-Z ".contains(byte))
}

impl Day {
    /// The day as the number `YYYYMMDD`.
    pub fn number(self) -> u32 {
        self.0.get()
    }

    /// A day from its own [`Day::number`]. Whether the calendar has it was asked when that number was made.
    pub(super) fn from_number(number: u32) -> Option<Day> {
        NonZeroU32::new(number).map(Day)
    }

    /// Year, month and day.
    pub fn parts(self) -> (u32, u32, u32) {
        let number = self.0.get();
        (number / 10_000, number / 100 % 100, number % 100)
    }

    /// The last day there is: stands for "not ended".
    pub const LAST: Day = Day(NonZeroU32::new(99_991_231).expect("not zero"));
}
