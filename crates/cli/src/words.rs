//! A readout in words.

use counterpoint_report::record::{Scores, Values};

/// `readout: audio 0.8, kept at epoch 12; fused 0.1, kept at epoch 10; image dropped`
///
/// The heaviest row comes first; rows are by name, with `weight` and `epoch`.
pub fn of(rows: &Scores) -> String {
    let get = |row: &Values, name: &str| row.get(name).copied().unwrap_or(f64::NAN);
    let mut rows: Vec<(&String, f64, f64)> =
        rows.iter().map(|(name, row)| (name, get(row, "weight"), get(row, "epoch"))).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    let words = rows.into_iter().map(|(name, weight, epoch)| match weight {
        0.0 => format!("{name} dropped"),
        weight => format!("{name} {}, kept at epoch {epoch}", digits(weight)),
    });
    format!("readout: {}", words.collect::<Vec<_>>().join("; "))
}

/// Two significant digits.
fn digits(weight: f64) -> String {
    let places = (1.0 - weight.abs().log10().floor()).clamp(0.0, 8.0) as usize;
    format!("{weight:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_by_weight() {
        let row = |weight: f64, epoch: f64| {
            [("weight", weight), ("epoch", epoch)].map(|(k, v)| (k.to_owned(), v)).into()
        };
        let rows = [("audio", row(0.8123, 12.0)), ("fused", row(0.0, 3.0)), ("image", row(0.00123, 9.0))];
        let rows: Scores = rows.map(|(name, row)| (name.to_owned(), row)).into();
        assert_eq!(
            of(&rows),
            "readout: audio 0.81, kept at epoch 12; image 0.0012, kept at epoch 9; fused dropped"
        );
    }
}
