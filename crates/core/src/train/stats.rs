//! What a strategy says of its steps, averaged over an epoch.

use std::collections::BTreeMap;

use crate::modality::Modalities;
use crate::strategy::Stat;

/// Numbers by modality (`fused` for the whole model) and name.
pub(super) type Stats = BTreeMap<String, BTreeMap<String, f64>>;

/// Adds a step's stats to the epoch's sums, which travel in the checkpoint.
/// A stat that is not a finite number is left out of its mean.
pub(super) fn tally_stats(sums: &mut BTreeMap<String, f64>, stats: &[Stat], names: &Modalities) {
    for stat in stats.iter().filter(|stat| stat.value.is_finite()) {
        // The name first: it has no `/`, which a modality's may have.
        let key = format!("{}/{}", stat.name, stat.modality.map_or("fused", |m| names.name(m)));
        *sums.entry(format!("stat/sum/{key}")).or_default() += stat.value;
        *sums.entry(format!("stat/steps/{key}")).or_default() += 1.0;
    }
}

/// Means over the steps that had the stat.
pub(super) fn mean_stats(sums: &BTreeMap<String, f64>) -> Stats {
    let mut stats = Stats::new();
    for (key, sum) in sums {
        let Some(of) = key.strip_prefix("stat/sum/") else { continue };
        let Some((name, whose)) = of.split_once('/') else { continue };
        let steps = sums.get(&format!("stat/steps/{of}")).copied().unwrap_or(f64::NAN);
        stats.entry(whose.to_owned()).or_default().insert(name.to_owned(), sum / steps);
    }
    stats
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modality::Modality;

    #[test]
    fn figures_are_means_over_the_steps_that_have_them() {
        let names = Modalities::new(["voice", "image"]).unwrap();
        let rho = |m, value| Stat { name: "rho", modality: Some(Modality(m)), value };
        let mut sums = BTreeMap::from([("samples".to_owned(), 12.0)]);
        let whole = Stat { name: "weight", modality: None, value: 0.5 };
        tally_stats(&mut sums, &[rho(0, 1.0), rho(1, 4.0), whole], &names);
        tally_stats(&mut sums, &[rho(0, 2.0), rho(1, f64::NAN)], &names);
        // A step outside the strategy's window says nothing.
        tally_stats(&mut sums, &[], &names);
        let row = |name: &str, value| BTreeMap::from([(name.to_owned(), value)]);
        let expected =
            [("fused", row("weight", 0.5)), ("image", row("rho", 4.0)), ("voice", row("rho", 1.5))];
        assert_eq!(mean_stats(&sums), expected.map(|(whose, row)| (whose.to_owned(), row)).into());
    }
}
