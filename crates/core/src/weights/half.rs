//! Numbers of sixteen bits.

/// The value of an IEEE 754 number of half precision.
pub(super) fn half_to_single(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// The value of a number that is the upper half of a single.
pub(super) fn brain_to_single(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_by_hand() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65504.0),
        ];
        for (bits, value) in cases {
            assert_eq!(half_to_single(bits), value);
        }
        assert!(half_to_single(0x7e00).is_nan());
        assert_eq!(half_to_single(0xfc00), f32::NEG_INFINITY);
        assert_eq!(brain_to_single(0x3fc0), 1.5);
    }
}
