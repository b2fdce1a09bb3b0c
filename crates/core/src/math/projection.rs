//! A projection away from the directions seen so far (recursive least squares).

/// Removes the direction `r` from `p`, a symmetric `[n, n]` matrix:
/// `k = P r`, `P <- P - k k^T / (a + r^T k)`. The smaller `a`, the more of it.
pub fn remove_direction(p: &mut [f64], r: &[f64], a: f64) {
    let n = r.len();
    let k: Vec<f64> = p.chunks_exact(n).map(|row| dot(row, r)).collect();
    let scale = 1.0 / (a + dot(r, &k));
    for (row, ki) in p.chunks_exact_mut(n).zip(&k) {
        for (entry, kj) in row.iter_mut().zip(&k) {
            *entry -= ki * kj * scale;
        }
    }
}

/// Divides a matrix by its Frobenius norm, if it has one.
pub fn normalize(p: &mut [f64]) {
    let norm = dot(p, p).sqrt();
    if norm > 0.0 {
        p.iter_mut().for_each(|entry| *entry /= norm);
    }
}

/// The identity, `[n, n]`.
pub fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect()
}

/// `G P` for `G` of shape `[_, n]` and a symmetric `P` of `[n, n]`.
pub fn project(g: &[f64], p: &[f64], n: usize) -> Vec<f64> {
    g.chunks_exact(n).flat_map(|row| p.chunks_exact(n).map(|column| dot(row, column))).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_hand() {
        let mut p = identity(2);
        remove_direction(&mut p, &[1.0, 2.0], 0.1);
        for (got, want) in p.iter().zip([0.803922, -0.392157, -0.392157, 0.215686]) {
            assert!((got - want).abs() < 1e-6, "{p:?}");
        }
        // What is left of r is r a / (a + r.r).
        let left = project(&[1.0, 2.0], &p, 2);
        assert!((left[0] - 0.019608).abs() < 1e-6 && (left[1] - 2.0 * 0.019608).abs() < 1e-6);
    }
}
