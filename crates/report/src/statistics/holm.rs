//! Holm's correction for many tests.

/// Holm's step-down adjusted p-values (Holm 1979), in the order of the input.
///
/// Tests that could not be made (`None`, or a p-value outside 0 to 1) stay
/// `None` and do not count as tests.
///
/// ```
/// use counterpoint_report::statistics::holm;
/// assert_eq!(holm(&[Some(0.01), None, Some(0.04)]), [Some(0.02), None, Some(0.04)]);
/// ```
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> = p
        .iter()
        .enumerate()
        .filter_map(|(i, p)| p.filter(|p| (0.0..=1.0).contains(p)).map(|p| (p, i)))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut adjusted = vec![None; p.len()];
    let mut floor = 0.0_f64;
    for (rank, &(p, i)) in order.iter().enumerate() {
        floor = floor.max((p * (order.len() - rank) as f64).min(1.0));
        adjusted[i] = Some(floor);
    }
    adjusted
}
