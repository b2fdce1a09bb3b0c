//! The random stream of the bootstrap.
//!
//! Frozen: an interval printed today must be the one printed in a year. So it
//! is not the keyed generator of the batch crate, with which every interval that was ever
//! reported would come out a little different. The generator is PCG32 (O'Neill
//! 2014, XSH-RR 64/32), small and good enough to pick indices.

pub(super) struct Stream {
    state: u64,
}

const STEP: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

impl Stream {
    pub fn new(seed: u64) -> Self {
        let mut stream = Self { state: seed.wrapping_add(INCREMENT) };
        stream.word();
        stream
    }

    fn word(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(STEP).wrapping_add(INCREMENT);
        ((((old >> 18) ^ old) >> 27) as u32).rotate_right((old >> 59) as u32)
    }

    /// As [`Stream::below`]; where there is no choice no word of the stream is spent.
    pub fn one_of(&mut self, n: usize) -> usize {
        if n > 1 { self.below(n) } else { 0 }
    }

    /// Uniform in `0..n`; 0 for an empty range. More than 2^32 values are not expected.
    pub fn below(&mut self, n: usize) -> usize {
        // The bias of the multiplication is below n / 2^32: nothing for samples.
        ((u64::from(self.word()) * n as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_generator() {
        // pcg32-demo.c seeds with (42, 54); its increment is 2 * 54 + 1, ours is
        // fixed, so the check is done on the step: first word of state 0.
        let mut stream = Stream { state: 0 };
        assert_eq!(stream.word(), 0);
        assert_eq!(stream.state, INCREMENT);
    }

    #[test]
    fn indices_are_uniform() {
        let mut stream = Stream::new(1);
        let mut counts = [0_i32; 7];
        (0..70_000).for_each(|_| counts[stream.below(7)] += 1);
        // Five standard deviations of a binomial count.
        assert!(counts.iter().all(|c| (c - 10_000).abs() < 5 * 93), "{counts:?}");
        assert_eq!(stream.below(0), 0);
    }
}
