//! Chance that can be repeated.

/// From `CSC_BRIDGE_SEED`, or new; printed either way.
pub fn chance() -> fastrand::Rng {
    let seed = std::env::var("CSC_BRIDGE_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CSC_BRIDGE_SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

/// One to four small harms: a bit, a byte, a number's worth of bytes, a cut, a piece twice.
pub fn spoil(bytes: &[u8], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut spoilt = bytes.to_vec();
    for _ in 0..chance.usize(1..=4) {
        if spoilt.is_empty() {
            break;
        }
        let at = chance.usize(..spoilt.len());
        match chance.u8(..6) {
            0 => spoilt[at] ^= 1 << chance.u8(..8),
            1 => spoilt[at] = chance.u8(..),
            2 => spoilt[at] = *chance.choice([0, 1, 0x7f, 0x80, 0xff].iter()).unwrap(),
            3 => {
                let hostile = *chance.choice([u64::MAX, i64::MAX as u64, 1 << 40, 1 << 31, 0].iter()).unwrap();
                let end = (at + *chance.choice([4, 8].iter()).unwrap()).min(spoilt.len());
                let length = end - at;
                spoilt[at..end].copy_from_slice(&hostile.to_le_bytes()[..length]);
            }
            4 => spoilt.truncate(at),
            _ => {
                let piece = spoilt[at..(at + chance.usize(1..=64)).min(bytes.len().max(at)).min(spoilt.len())].to_vec();
                let to = chance.usize(..=spoilt.len());
                spoilt.splice(to..to, piece);
            }
        }
    }
    spoilt
}
