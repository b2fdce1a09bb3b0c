//! The shortest convex combination of two vectors.

/// Weight of the first vector in the shortest `c a + (1 - c) b`, from the
/// inner products `[a.a, a.b, b.b]`; corners are 0.999 and 0.001, so that no
/// vector is ever dropped (Sener and Koltun 2018, as MMPareto uses it).
///
/// ```
/// use counterpoint::math::min_norm::min_norm;
/// // a = (2, 0), b = (-1, 1).
/// assert!((min_norm([4.0, -2.0, 2.0]) - 0.4).abs() < 1e-12);
/// ```
pub fn min_norm([aa, ab, bb]: [f64; 3]) -> f64 {
    if ab >= aa {
        0.999
    } else if ab >= bb {
        0.001
    } else {
        (bb - ab) / (aa + bb - 2.0 * ab)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_hand() {
        // a = (1, 0), b = (-1, 1): 0.6, combination (0.2, 0.4).
        assert!((min_norm([1.0, -1.0, 2.0]) - 0.6).abs() < 1e-12);
        // b lies beyond a, and the other way round.
        assert_eq!(min_norm([1.0, 2.0, 5.0]), 0.999);
        assert_eq!(min_norm([5.0, 2.0, 1.0]), 0.001);
    }
}
