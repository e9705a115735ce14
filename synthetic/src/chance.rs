//! Chance that repeats: small helpers over [`fastrand::Rng`], and a stable hash to seed it with.

use fastrand::Rng;

/// A stable mix of numbers, for seeds (SplitMix64's finaliser over each in turn).
pub fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |state, part| {
        let mut z = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// A stable hash of a text (FNV-1a, then mixed).
pub fn hash(seed: u64, text: &str) -> u64 {
    let fnv = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    mix(&[seed, fnv])
}

/// Draws in the words of the generator.
pub trait Chance {
    /// true in `share` of draws.
    fn happens(&mut self, share: f64) -> bool;
    /// A number from `low` to `high`, both included; `low` where the range is empty.
    fn between(&mut self, low: i32, high: i32) -> i32;
    /// As [`Chance::between`], but low numbers are likelier.
    fn mostly_low(&mut self, low: i32, high: i32) -> i32;
    /// One of several; there must be one.
    fn one<T: Copy>(&mut self, of: &[T]) -> T;
    /// One of several by weight; there must be one.
    fn weighted<T: Copy>(&mut self, of: &[(T, u32)]) -> T;
}

impl Chance for Rng {
    fn happens(&mut self, share: f64) -> bool {
        self.f64() < share
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        if high <= low { low } else { self.i32(low..=high) }
    }

    fn mostly_low(&mut self, low: i32, high: i32) -> i32 {
        let draw = self.f64();
        low + (draw * draw * f64::from((high - low).max(0))) as i32
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.usize(..of.len())]
    }

    fn weighted<T: Copy>(&mut self, of: &[(T, u32)]) -> T {
        let total: u32 = of.iter().map(|(_, weight)| weight).sum();
        let mut left = self.u32(..total);
        for (item, weight) in of {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        of[of.len() - 1].0
    }
}
