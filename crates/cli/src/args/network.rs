//! A network that ranks would talk over.

/// What `explain --ranks` imagines.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Network {
    /// Bytes that one rank can send in a second: 12.5GB/s or 100Gb/s.
    #[arg(long, requires = "ranks", default_value = "12.5GB/s", value_parser = bandwidth)]
    pub bandwidth: f64,
    /// How long a message takes to arrive: 5us.
    #[arg(long, requires = "ranks", default_value = "5us", value_parser = latency)]
    pub latency: f64,
}

/// A number and the factor of its unit.
fn quantity(text: &str, units: &[(&str, f64)], example: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = units.iter().find(|(name, _)| *name == unit.trim()).map(|(_, factor)| factor);
    let value = number.trim().parse::<f64>().ok().zip(factor).map(|(number, factor)| number * factor);
    value.filter(|value| value.is_finite() && *value > 0.0).ok_or_else(|| {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        format!("expected a positive number and one of {}, as in {example}", names.join(", "))
    })
}

fn bandwidth(text: &str) -> Result<f64, String> {
    let units = [("GB/s", 1e9), ("MB/s", 1e6), ("Gb/s", 1e9 / 8.0), ("Mb/s", 1e6 / 8.0)];
    quantity(text, &units, "12.5GB/s")
}

fn latency(text: &str) -> Result<f64, String> {
    quantity(text, &[("us", 1e-6), ("ms", 1e-3), ("s", 1.0)], "5us")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_units() {
        assert_eq!(bandwidth("100Gb/s"), Ok(12.5e9));
        assert_eq!(bandwidth("12.5 GB/s"), Ok(12.5e9));
        assert!((latency("5us").unwrap() - 5e-6).abs() < 1e-12);
        for wrong in ["5", "us", "-1us", "0ms", "5 m", "1GB"] {
            assert!(latency(wrong).unwrap_err().contains("us, ms, s, as in 5us"), "{wrong}");
        }
    }
}
