//! The natural logarithm, as arithmetic that becomes vectors.

/// `ln(1 + f) = f - f^2 / 2 + f^3 P(f)`: the coefficients of `P` with the smallest largest error, 2e-9, for `1 + f` in
/// sqrt(1/2)..sqrt(2); the constant first.
const SERIES: [f32; 8] = [
    0.333_333_28,
    -0.250_010_6,
    0.200_016_16,
    -0.166_165_23,
    0.141_900_06,
    -0.132_078_89,
    0.128_549_22,
    -0.076_312_06,
];

/// `ln(x)` of a positive normal number, to within 1e-7 and the last bit of its value.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const HALF_ROOT: i32 = 0x3F35_04F3;
    // ln(2) as a number of few bits, whose products with exponents are exact, and what is left.
    const HIGH: f32 = 355.0 / 512.0;
    const LOW: f32 = (std::f64::consts::LN_2 - 355.0 / 512.0) as f32;
    let power = (x.to_bits() as i32).wrapping_sub(HALF_ROOT) >> 23;
    let f = f32::from_bits(x.to_bits().wrapping_sub((power << 23) as u32)) - 1.0;
    let power = power as f32;
    let square = f * f;
    // By halves rather than from the last term on: the processor works on several products at once.
    let pair = |at: usize| SERIES[at] + SERIES[at + 1] * f;
    let series = (pair(0) + pair(2) * square) + (pair(4) + pair(6) * square) * (square * square);
    power * HIGH + (f + (power * LOW - 0.5 * square + square * f * series))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_logarithm_to_almost_the_last_bit() {
        let mut x = f32::MIN_POSITIVE;
        while x < 1e38 {
            let expected = f64::from(x).ln();
            let error = (f64::from(ln(x)) - expected).abs();
            assert!(error <= 1.2e-7 + 7e-8 * expected.abs(), "{x:e}: {error:e}");
            x *= 1.0003;
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
