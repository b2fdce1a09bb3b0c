//! The few special functions the tests need, to about 1e-12.
//!
//! Written out because a statistics library would be the largest dependency of
//! this crate for five functions.

use std::f64::consts::{PI, SQRT_2};

/// Natural logarithm of the gamma function, for x > 0: Stirling's series after
/// the argument was raised to where it converges.
pub(super) fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 16.0 {
        shift += x.ln();
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r / 1188.0)))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - shift
}

/// Regularised incomplete beta function I_x(a, b) for a, b > 0 (continued
/// fraction of DLMF 8.17.22, evaluated by Lentz's method).
pub(super) fn beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast only on this side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_fraction(1.0 - x, b, a);
    }
    beta_fraction(x, a, b)
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let lifted = |v: f64| if v.abs() < TINY { TINY } else { v };
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let (mut c, mut d) = (1.0, 1.0 / lifted(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for k in 1..10_000 {
        let m = f64::from(k);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / lifted(1.0 + term * d);
            c = lifted(1.0 + term / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * value
}

/// P(T > t) of Student's t with `df` degrees of freedom, both tails together.
pub(super) fn t_two_sided(t: f64, df: f64) -> f64 {
    if t.is_infinite() { 0.0 } else { beta(df / (df + t * t), df / 2.0, 0.5) }
}

/// The t that both tails beyond hold `tails` of, by bisection.
pub(super) fn t_quantile(tails: f64, df: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while t_two_sided(high, df) > tails && high < 1e18 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if t_two_sided(middle, df) > tails { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(X <= k) of a binomial count of n tosses with chance 1/2.
pub(super) fn fair_binomial(k: u64, n: u64) -> f64 {
    if k >= n { 1.0 } else { beta(0.5, (n - k) as f64, k as f64 + 1.0) }
}

/// The complementary error function: a series near zero, a continued fraction
/// away from it (DLMF 7.6.2 and 7.9.1).
pub(super) fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return 1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum;
    }
    let tail = (1..=120).rev().fold(x, |tail, n| x + f64::from(n) / 2.0 / tail);
    (-x * x).exp() / (PI.sqrt() * tail)
}

/// P(Z <= z) of the standard normal.
pub(super) fn normal(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// The z with P(Z <= z) = p; infinite at 0 and 1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if normal(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// P(X > x) of chi-squared with one degree of freedom.
pub(super) fn chi2_tail(x: f64) -> f64 {
    erfc((x / 2.0).max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative agreement.
    fn near(ours: f64, theirs: f64) {
        assert!((ours - theirs).abs() <= 1e-11 * theirs.abs(), "{ours} {theirs}");
    }

    // Values of SciPy 1.17.1: special.gammaln, special.betainc, stats.t, stats.norm, stats.chi2.

    #[test]
    fn gamma_and_beta_agree_with_scipy() {
        near(ln_gamma(0.1), 2.252712651734206);
        near(ln_gamma(3.7), 1.428072326665388);
        near(ln_gamma(100.0), 359.1342053695754);
        near(ln_gamma(12345.6), 103959.18506616844);
        assert!(ln_gamma(1.0).abs() < 1e-14);
        near(beta(0.3, 2.0, 3.0), 0.3483);
        near(beta(0.5, 100.0, 110.0), 0.7553958894253661);
        near(beta(0.999, 0.5, 0.5), 0.9798649583666235);
        near(beta(0.01, 20.0, 0.5), 1.2597199925096003e-41);
        near(beta(0.5, 5000.0, 5100.0), 0.8401528708121381);
    }

    #[test]
    fn student_and_normal_agree_with_scipy() {
        for (df, quantile, tail) in [
            (1.0, 12.706204736174694, 0.24223788318168682),
            (2.0, 4.302652729749462, 0.12961172022151082),
            (29.0, 2.045229642132703, 0.018325344338426086),
            (1000.0, 1.9623390808264083, 0.012578567801090807),
        ] {
            near(t_quantile(0.05, df), quantile);
            near(t_two_sided(2.5, df), tail);
        }
        for (z, tail) in [
            (0.1, 0.460172162722971),
            (1.0, 0.15865525393145707),
            (2.5, 0.006209665325776132),
            (4.0, 3.167124183311986e-05),
            (8.0, 6.22096057427174e-16),
        ] {
            near(normal(-z), tail);
        }
        near(chi2_tail(1.96), 0.16151331846753808);
        for (p, z) in [(1e-10, -6.361340902404056), (0.025, -1.9599639845400545), (0.3, -0.5244005127080409)]
        {
            near(normal_quantile(p), z);
        }
    }
}
