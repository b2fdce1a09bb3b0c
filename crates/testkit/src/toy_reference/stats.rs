//! Intermediate numbers of a step: what the strategies show as stats.

use counterpoint::strategy::{Stat, Strategy};
use serde_json::Value;

use super::case::Case;
use super::compare;
use crate::report::Report;

/// Compares the stats and the state of a strategy after a step with all that
/// the file has on them.
pub(super) fn check(
    report: &mut Report,
    what: &str,
    case: &Case,
    variant: &str,
    strategy: &dyn Strategy,
    step: &Value,
) -> Result<(), String> {
    let aux = step.get("aux").cloned().unwrap_or_default();
    let stats = strategy.stats();
    let batch = case.batch as f64;
    let mut compare = |name: &str, scale: f64, want: Option<&Value>| -> Result<(), String> {
        let Some(want) = want else { return Ok(()) };
        let want: Vec<f64> = serde_json::from_value(want.clone()).map_err(|e| format!("aux.{name}: {e}"))?;
        compare::tensor(report, &format!("{what} {name}"), &of(&stats, name, scale), &want);
        Ok(())
    };
    match case.method.as_str() {
        "ogm" => {
            let kind = if variant.starts_with("zero_fill") { "zero_fill" } else { "half_bias" };
            let numbers = aux.get(kind);
            // The files add over the batch where we take the mean.
            compare("score", batch, numbers.and_then(|n| n.get("score")))?;
            compare("rho", 1.0, numbers.and_then(|n| n.get("rho")))?;
            compare("k", 1.0, numbers.and_then(|n| n.get("k")))
        }
        "pmr" => {
            let kind = if variant == "soft" { "coefficient_soft" } else { "coefficient_hard" };
            compare("score", batch, aux.get("score"))?;
            compare("rho", 1.0, aux.get("rho"))?;
            compare("coefficient", 1.0, aux.get(kind))
        }
        "agm" => {
            compare("S", 1.0, aux.get("S"))?;
            compare("c", 1.0, step.get("c").or(aux.get("c")))?;
            let want = step.get("R_after").or(aux.get("R_after")).cloned().ok_or("the file lacks R_after")?;
            let want: Vec<f64> = serde_json::from_value(want).map_err(|e| e.to_string())?;
            let state = strategy.save();
            let got = state.get("running").map_err(|e| e.to_string())?;
            compare::tensor(report, &format!("{what} R"), got, &want);
            Ok(())
        }
        "mmpareto" if matches!(variant, "default" | "per_encoder") => {
            let column = |key: &str| -> Option<Value> {
                aux.get("encoders")?
                    .as_array()?
                    .iter()
                    .map(|e| e.get(key).cloned())
                    .collect::<Option<Vec<_>>>()
                    .map(Value::from)
            };
            compare("cosine", 1.0, column("cosine").as_ref())?;
            compare("k0", 1.0, column("k0").as_ref())
        }
        _ => Ok(()),
    }
}

fn of(stats: &[Stat], name: &str, scale: f64) -> Vec<f64> {
    stats.iter().filter(|f| f.name == name).map(|f| f.value * scale).collect()
}
