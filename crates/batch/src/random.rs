//! Random numbers that are a function of a key, never of who asked before.
//!
//! A generator that remembers where it is would have to be saved, and two
//! threads that share it would disagree from run to run. Here every use names
//! what it is for: training by words ([`Random::new`] with a seed and
//! `["init", "encoder.audio", "conv1.weight"]`), data by numbers
//! ([`RngKey`]: seed, epoch, sample). Resuming, reordering and threading cannot
//! change a number then.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Its streams
//! are part of the run format: the same key gives the same numbers in every
//! later version, and tests pin the first values.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A place in the tree of random streams: a key, not a state.
///
/// ```
/// use counterpoint_batch::random::RngKey;
///
/// let sample = RngKey::new(7).fork(3).fork(17); // seed 7, epoch 3, sample 17
/// assert_eq!(sample.rng().bits(), RngKey::new(7).fork(3).fork(17).rng().bits());
/// assert_ne!(sample.rng().bits(), RngKey::new(7).fork(17).fork(3).rng().bits());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RngKey {
    key: u64,
}

impl RngKey {
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
    pub fn rng(self) -> Random {
        Random { state: self.key, spare: None }
    }
}

/// A stream of random numbers that belongs to one key.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// The second of a pair of normal numbers.
    spare: Option<f64>,
}

impl Random {
    /// The stream of a seed and a purpose.
    ///
    /// ```
    /// use counterpoint_batch::random::Random;
    /// let draw = |purpose: &str| Random::new(7, &[purpose]).uniform();
    /// assert_eq!(draw("order"), draw("order"));
    /// assert_ne!(draw("order"), draw("noise"));
    /// ```
    pub fn new(seed: u64, purpose: &[&str]) -> Self {
        // FNV-1a, with a zero after every part.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for part in purpose {
            for byte in part.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self { state: mix(hash ^ mix(seed)), spare: None }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in `[0, 1)` with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `[low, high)`; `low` if the range is empty.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low).max(0.0) * self.uniform()
    }

    /// Uniform in `0..n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // The bias of the multiplication is below n / 2^64.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Normal with mean 0 and standard deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Puts a slice in random order (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A random order of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // First output of SplitMix64 from state 0, as published with the algorithm.
        assert_eq!(Random { state: 0, spare: None }.bits(), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn draws_are_pinned_for_ever() {
        let mut rng = RngKey::new(7).fork(3).fork(17).rng();
        let mut order: Vec<usize> = (0..8).collect();
        rng.shuffle(&mut order);
        assert_eq!(order, [4, 2, 7, 6, 5, 3, 1, 0]);
        assert_eq!(rng.bits(), 11_706_265_497_400_978_225);
    }

    #[test]
    fn streams_of_words_are_pinned_for_ever() {
        // Changing these numbers breaks the resume of every existing run.
        assert_eq!(Random::new(0, &["init"]).bits(), 2_987_904_207_801_435_890);
        let mut random = Random::new(3, &["order", "train"]);
        assert_eq!(random.permutation(8), [7, 0, 2, 5, 1, 4, 3, 6]);
        let normal = [random.normal(), random.normal()];
        // Logarithm and sine may differ in the last bit from system to system.
        assert!((normal[0] - 0.833_711_779_610_856_7).abs() < 1e-15, "{normal:?}");
        assert!((normal[1] - 0.856_593_604_362_437_9).abs() < 1e-15, "{normal:?}");
        assert_eq!(random.uniform(), 0.581_184_224_724_716_1);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = RngKey::new(1).rng();
        for bound in 1..50 {
            assert!(rng.below(bound) < bound);
            assert!((0.0..1.0).contains(&rng.uniform()));
        }
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(2.0, 1.0), 2.0);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut random = Random::new(1, &["test"]);
        let draws: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Random::new(3, &["order"]).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
