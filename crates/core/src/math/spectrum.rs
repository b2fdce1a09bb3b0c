//! Singular values, by way of a symmetric eigenvalue problem.

/// The singular values of a matrix of `width` columns, largest first.
///
/// They are the roots of the eigenvalues of the smaller Gram matrix `[n, n]`; an
/// eigenvalue within rounding, `n * 2.2e-16` of the largest, counts as zero, so
/// a singular value below about 1e-8 of the largest is 0. Cost: `n^2 (samples + width)`
/// with `n` the smaller side, which is far below that of a full decomposition.
///
/// ```
/// use counterpoint::math::spectrum::singular_values;
/// // diag(3, 2) with a row of zeros below.
/// let s = singular_values(&[3.0, 0.0, 0.0, -2.0, 0.0, 0.0], 2);
/// assert!((s[0] - 3.0).abs() < 1e-12 && (s[1] - 2.0).abs() < 1e-12);
/// ```
///
/// # Panics
/// If the length is not a multiple of `width`.
pub fn singular_values(matrix: &[f64], width: usize) -> Vec<f64> {
    if matrix.is_empty() {
        return Vec::new();
    }
    assert_eq!(matrix.len() % width, 0, "{} values in rows of {width}", matrix.len());
    let mut values = eigenvalues(gram(matrix, width));
    let rounding = values.len() as f64 * f64::EPSILON * values.iter().copied().fold(0.0, f64::max);
    values.iter_mut().for_each(|v| *v = if *v <= rounding { 0.0 } else { v.sqrt() });
    values.sort_by(|a, b| b.total_cmp(a));
    values
}

/// `A A^T` or `A^T A`, whichever is smaller, as rows.
fn gram(matrix: &[f64], width: usize) -> Vec<Vec<f64>> {
    let samples = matrix.len() / width;
    if samples <= width {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let row = |a| matrix.chunks_exact(width).map(|b| dot(a, b)).collect();
        return matrix.chunks_exact(width).map(row).collect();
    }
    let mut gram = vec![vec![0.0; width]; width];
    for row in matrix.chunks_exact(width) {
        for (line, &x) in gram.iter_mut().zip(row) {
            line.iter_mut().zip(row).for_each(|(entry, y)| *entry += x * y);
        }
    }
    gram
}

/// Eigenvalues of a symmetric matrix, in no order: Householder reflections to
/// three diagonals, then implicit QL steps (Golub and Van Loan, 8.3).
fn eigenvalues(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let n = a.len();
    let mut beside = vec![0.0; n];
    for k in 0..n.saturating_sub(2) {
        // Reflects column k below the diagonal onto its first entry.
        let norm = a[k + 1..].iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        let head = if a[k + 1][k] > 0.0 { -norm } else { norm };
        let mut v: Vec<f64> = a[k + 1..].iter().map(|row| row[k]).collect();
        v[0] -= head;
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        // A <- H A H on the rest, with H = I - scale v v^T.
        let p: Vec<f64> = a[k + 1..]
            .iter()
            .map(|row| scale * row[k + 1..].iter().zip(&v).map(|(x, y)| x * y).sum::<f64>())
            .collect();
        let along = 0.5 * scale * p.iter().zip(&v).map(|(x, y)| x * y).sum::<f64>();
        let w: Vec<f64> = p.iter().zip(&v).map(|(p, v)| p - along * v).collect();
        for (i, row) in a[k + 1..].iter_mut().enumerate() {
            for (j, entry) in row[k + 1..].iter_mut().enumerate() {
                *entry -= v[i] * w[j] + w[i] * v[j];
            }
        }
        beside[k] = head;
    }
    if n >= 2 {
        beside[n - 2] = a[n - 1][n - 2];
    }
    let mut diagonal: Vec<f64> = (0..n).map(|i| a[i][i]).collect();
    implicit_ql(&mut diagonal, &mut beside);
    diagonal
}

/// Eigenvalues of a symmetric tridiagonal matrix, in place; `beside[i]` couples
/// `i` and `i + 1`.
fn implicit_ql(d: &mut [f64], e: &mut [f64]) {
    let n = d.len();
    for l in 0..n {
        // Convergence is cubic; the bound only guards against numbers that are not finite.
        for _ in 0..64 {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..n - 1).find(|&m| small(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
            let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (sin * e[i], cos * e[i]);
                let r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= shift;
                    e[m] = 0.0;
                    split = true;
                    break;
                }
                (sin, cos) = (f / r, g / r);
                g = d[i + 1] - shift;
                let r = (d[i] - g) * sin + 2.0 * cos * b;
                shift = sin * r;
                d[i + 1] = g + shift;
                g = cos * r - b;
            }
            if !split {
                d[l] -= shift;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Random;

    #[test]
    fn a_matrix_with_known_singular_values_gives_them() {
        // Columns (1, 1, 1, 1) and (1, -1, 1, -1) times 3 and 0.5: orthogonal, of length 2.
        let matrix = [3.0, 0.5, 3.0, -0.5, 3.0, 0.5, 3.0, -0.5];
        let s = singular_values(&matrix, 2);
        assert!((s[0] - 6.0).abs() < 1e-12 && (s[1] - 1.0).abs() < 1e-12, "{s:?}");
        // [[2, 1], [1, 2]] x [[1, 0], [0, 1]] blocks: eigenvalues 3 and 1, each twice.
        let twice = [2.0, 1.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 1.0, 2.0];
        let s = singular_values(&twice, 4);
        for (is, should) in s.iter().zip([3.0, 3.0, 1.0, 1.0]) {
            assert!((is - should).abs() < 1e-12, "{s:?}");
        }
    }

    #[test]
    fn squares_add_up_to_the_squares_of_the_entries_on_either_side() {
        let mut random = Random::new(3, &["spectrum"]);
        for (samples, width) in [(40, 17), (17, 40), (1, 5), (5, 1), (30, 30)] {
            let matrix: Vec<f64> = (0..samples * width).map(|_| random.normal()).collect();
            let s = singular_values(&matrix, width);
            assert_eq!(s.len(), samples.min(width));
            let total: f64 = matrix.iter().map(|x| x * x).sum();
            let squares: f64 = s.iter().map(|x| x * x).sum();
            assert!((squares / total - 1.0).abs() < 1e-12, "{samples}x{width}");
            // The fourth powers are those of the Gram matrix: the trace alone would not see a wrong rotation.
            let fourth: f64 = gram(&matrix, width).iter().flatten().map(|x| x * x).sum();
            let powers: f64 = s.iter().map(|x| x.powi(4)).sum();
            assert!((powers / fourth - 1.0).abs() < 1e-12, "{samples}x{width}");
        }
    }

    #[test]
    fn what_is_dependent_adds_no_direction() {
        assert_eq!(singular_values(&[5.0, 0.0, 5.0, 0.0], 2)[1], 0.0);
        let rows: Vec<f64> = (1..=6).flat_map(|i| [0.1, 0.7, 0.3].map(|v| v * f64::from(i))).collect();
        assert_eq!(singular_values(&rows, 3)[1..], [0.0, 0.0]);
    }

    #[test]
    fn numbers_that_are_not_finite_end_and_do_not_hang() {
        let s = singular_values(&[f64::NAN, 1.0, 2.0, f64::INFINITY, 0.0, 3.0], 2);
        assert_eq!(s.len(), 2);
        assert_eq!(singular_values(&[], 3), [0.0; 0]);
    }
}
