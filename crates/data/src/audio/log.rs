//! The natural logarithm, as arithmetic that becomes vectors.

/// `ln(x)` of a positive normal number, to within 4e-16 of its value.
///
/// The mantissa `m` in sqrt(1/2)..sqrt(2) is `(1 + s) / (1 - s)`, so its logarithm is the series
/// `2 (s + s^3 / 3 + s^5 / 5 + ..)`; `s` is below 0.172, and what lies beyond its tenth term below 1e-16.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    const HALF_ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
    const EXPONENT: u64 = 0xFFF0_0000_0000_0000;
    let shifted = x.to_bits().wrapping_sub(HALF_ROOT);
    let mantissa = f64::from_bits(x.to_bits().wrapping_sub(shifted & EXPONENT));
    // The exponent as a number: added to 2^52 by its bits, because AVX2 converts no 64-bit integers.
    const OFFSET: f64 = 4_503_599_627_370_496.0 + 2048.0;
    let biased = (shifted >> 52).wrapping_add(0x800) & 0xFFF;
    let power = f64::from_bits(0x4330_0000_0000_0000 | biased) - OFFSET;
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    let odd = [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0];
    let series = odd.iter().fold(1.0 / 19.0, |sum, odd| sum * z + 1.0 / odd);
    let twice = 2.0 * s;
    power * std::f64::consts::LN_2 + (twice + twice * (z * series))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_logarithm_to_the_last_bit_of_single_precision() {
        let mut x = 1e-300;
        while x < 1e300 {
            let expected = f64::ln(x);
            assert!((ln(x) - expected).abs() <= 4e-16 * expected.abs().max(1e-3), "{x:e}");
            x *= 1.01;
        }
        let mut x = 1e-7;
        while x < 1e4 {
            assert_eq!(ln(x) as f32, x.ln() as f32, "{x:e}");
            x *= 1.0003;
        }
        assert_eq!((ln(1.0), ln(f64::MIN_POSITIVE)), (0.0, f64::MIN_POSITIVE.ln()));
    }
}
