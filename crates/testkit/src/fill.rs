//! The deterministic fill of the reference files: weights and inputs are a
//! formula of their name, so that no weights have to be stored.

/// Values in `[-scale, scale)` for a name: FNV-1a of the name, then SplitMix64.
pub fn fill(name: &str, count: usize, scale: f64) -> Vec<f64> {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    (1..=count as u64)
        .map(|i| {
            let mut z = hash.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            (2.0 * (z >> 40) as f64 / (1 << 24) as f64 - 1.0) * scale
        })
        .collect()
}

/// As [`fill`], rounded to `f32`.
pub fn fill_f32(name: &str, count: usize, scale: f64) -> Vec<f32> {
    fill(name, count, scale).into_iter().map(|v| v as f32).collect()
}

/// The initial values of a parameter of the given reference name and shape.
pub fn parameter(name: &str, shape: &[usize]) -> Vec<f64> {
    let count = shape.iter().product();
    let last = name.rsplit('.').next().unwrap_or(name);
    match shape {
        [_, inputs, h, w] => fill(name, count, (6.0 / (inputs * h * w) as f64).sqrt()),
        [outputs, inputs] => fill(name, count, (6.0 / (outputs + inputs) as f64).sqrt()),
        _ if last.starts_with("bias") => fill(name, count, 0.1),
        _ => fill(name, count, 0.1).into_iter().map(|v| 1.0 + v).collect(),
    }
}
