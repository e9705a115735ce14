//! A share of the children, for several machines that stage one table.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// One of several shares into which the children of a staging table are divided, each of them staged by a process of its own. Written `1/4`.
///
/// A child belongs by its id alone: the first 8 bytes of the SHA-256 of the trimmed `person_id` in UTF-8, as a big-endian number, modulo the
/// number of shares. That is for good: with another rule two versions at work at once would stage some children twice and some not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    /// What is left over of a child's number, from 0 to below `of`.
    index: u16,
    of: u16,
}

/// The most shares there may be.
const MOST: u16 = 1000;

impl Shard {
    /// Share `number` of `of`. Numbers count in a circle: 0 of 4 and 4 of 4 are the same share. `None` where `of` is not from 1 to 1000, or
    /// `number` is above `of`.
    pub fn new(number: u16, of: u16) -> Option<Shard> {
        ((1..=MOST).contains(&of) && number <= of).then(|| Shard { index: number % of, of })
    }

    /// How many shares there are.
    pub fn of(self) -> u16 {
        self.of
    }

    /// Whether a child is in this share. White space around the id does not count.
    pub fn has(self, person_id: &str) -> bool {
        let hash = Sha256::digest(person_id.trim().as_bytes());
        let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        number % u64::from(self.of) == u64::from(self.index)
    }
}

impl fmt::Display for Shard {
    /// `1/4` to `4/4`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = if self.index == 0 { self.of } else { self.index };
        write!(f, "{number}/{}", self.of)
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Shard, NoShard> {
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
        let (at, of) = text.split_once('/').ok_or(NoShard)?;
        number(at).zip(number(of)).and_then(|(at, of)| Shard::new(at, of)).ok_or(NoShard)
    }
}

/// A text that names no [`Shard`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoShard;

impl fmt::Display for NoShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write i/n, such as 1/4 to 4/4, or 0/4 to 3/4; n is from 1 to {MOST}")
    }
}

impl std::error::Error for NoShard {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(text: &str) -> Shard {
        text.parse().expect("a shard")
    }

    #[test]
    fn both_ways_of_counting_name_each_shard_once() {
        assert_eq!(shard("0/4"), shard("4/4"));
        for number in 1..4 {
            assert_eq!(shard(&format!("{number}/4")).to_string(), format!("{number}/4"));
        }
        assert_eq!(shard("0/4").to_string(), "4/4");
        assert_eq!(shard("0/1"), shard("1/1"));
        assert_eq!(shard("1000/1000").to_string(), "1000/1000");
    }

    #[test]
    fn anything_else_is_no_shard() {
        for text in ["", "1", "/", "1/", "/4", "5/4", "1/0", "0/0", "-1/4", "+1/4", "1/4/4", "1 /4", "a/b", "1/1001"] {
            assert_eq!(text.parse::<Shard>(), Err(NoShard), "{text}");
        }
        assert_eq!("99999/99999".parse::<Shard>(), Err(NoShard));
    }

    /// By `printf %s 1001 | sha256sum | cut -c1-16`, and what is left of it by 4 and by 7.
    #[test]
    fn a_child_stays_in_its_shard_for_good() {
        let golden = [("1001", 3, 5), ("P-00042", 2, 2), ("a", 2, 4), ("A", 1, 3), ("", 0, 1), ("Ünï", 2, 3)];
        for (id, of_four, of_seven) in golden {
            for (of, index) in [(4, of_four), (7, of_seven)] {
                let at: Vec<u16> = (0..of).filter(|at| Shard::new(*at, of).expect("a shard").has(id)).collect();
                assert_eq!(at, [index], "{id} of {of}");
            }
        }
        assert!(shard("1/1").has("any"));
        assert_eq!(shard("2/4").has(" 1001\u{a0}"), shard("2/4").has("1001"));
    }

    #[test]
    fn shards_are_of_about_one_size() {
        for at in 0..8 {
            let shard = Shard::new(at, 8).expect("a shard");
            let children = (0..8000).filter(|id| shard.has(&format!("C{id}"))).count();
            assert!((900..1100).contains(&children), "{shard}: {children}");
        }
    }
}
