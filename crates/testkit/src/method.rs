//! The five rows of DGL's ablation by the names that reference files use.

use counterpoint::strategy::{Dgl, Joint, StrategyConfig};

/// The strategy of `joint`, `uniloss`, `mt`, `ut` or `dgl`.
///
/// # Errors
/// If the name is another one.
pub fn strategy(method: &str, alpha: f64) -> Result<StrategyConfig, String> {
    let dgl = |truncate_multimodal, truncate_unimodal| {
        StrategyConfig::from(Dgl {
            alpha: alpha.into(),
            truncate_multimodal,
            truncate_unimodal,
            ..Dgl::default()
        })
    };
    Ok(match method {
        "joint" => StrategyConfig::from(Joint {}),
        "uniloss" => dgl(false, false),
        "mt" => dgl(true, false),
        "ut" => dgl(false, true),
        "dgl" => dgl(true, true),
        other => return Err(format!("unknown method `{other}`: expected joint, uniloss, mt, ut or dgl")),
    })
}
