//! Random numbers that depend on a counter, never on who asked before.
//!
//! A worker thread that loads sample 17 of epoch 3 must draw the same numbers
//! whether it comes first or last, so every use derives its own generator from
//! `(seed, epoch, sample)`. The generator is SplitMix64 (Steele, Lea, Flood,
//! OOPSLA 2014). Its output is part of this crate's promise: the same seed
//! gives the same order and the same crops in every later version, and a test
//! pins the first values.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A place in the tree of random streams: a key, not a state.
///
/// ```
/// use counterpoint_data::Draw;
///
/// let sample = Draw::new(7).fork(3).fork(17); // seed 7, epoch 3, sample 17
/// assert_eq!(sample.rng().next_u64(), Draw::new(7).fork(3).fork(17).rng().next_u64());
/// assert_ne!(sample.rng().next_u64(), Draw::new(7).fork(17).fork(3).rng().next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    key: u64,
}

impl Draw {
    /// The root of a seed.
    pub fn new(seed: u64) -> Self {
        Self { key: mix(seed.wrapping_add(GOLDEN)) }
    }

    /// The branch with a number: epoch, sample, modality, frame.
    #[must_use]
    pub fn fork(self, number: u64) -> Self {
        // The key is multiplied before the number is added, so (a, b) and (b, a) differ.
        Self { key: mix(self.key.wrapping_mul(GOLDEN | 1).wrapping_add(mix(number.wrapping_add(1)))) }
    }

    /// A generator that starts at this place.
    pub fn rng(self) -> Rng {
        Rng { state: self.key }
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in `[low, high)`; `low` if the range is empty.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low).max(0.0) * self.unit()
    }

    /// An integer in `0..bound`; 0 if `bound` is 0.
    ///
    /// Multiply-shift; its bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Puts a slice in random order (Fisher-Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // First output of SplitMix64 from state 0, as published with the algorithm.
        assert_eq!(Rng { state: 0 }.next_u64(), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn draws_are_pinned_for_ever() {
        let mut rng = Draw::new(7).fork(3).fork(17).rng();
        let mut order: Vec<usize> = (0..8).collect();
        rng.shuffle(&mut order);
        assert_eq!(order, [4, 2, 7, 6, 5, 3, 1, 0]);
        assert_eq!(rng.next_u64(), 11_706_265_497_400_978_225);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = Draw::new(1).rng();
        for bound in 1..50 {
            assert!(rng.below(bound) < bound);
            assert!((0.0..1.0).contains(&rng.unit()));
        }
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(2.0, 1.0), 2.0);
    }
}
