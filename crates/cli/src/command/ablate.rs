//! `counterpoint ablate`.

use toml::{Table, Value};

use super::compare::{conduct, default_out};
use crate::args::Ablate;
use crate::config;
use crate::exit::{Code, Failure};
use crate::study::{Method, References, Spec, seeds};

/// Trains what lies between joint training and disentangled gradient learning.
pub fn run(args: &Ablate) -> Result<(), Failure> {
    if !(args.alpha.is_finite() && args.alpha > 0.0) {
        return Err(Failure::new(Code::Usage, format!("--alpha {}: expected a number above 0", args.alpha)));
    }
    let seeds = seeds(&args.seeds)?;
    let spec = Spec {
        base: config::folder_of(&args.config)?,
        baseline: "joint".into(),
        probe: false,
        tune_seeds: 1,
        seeds,
        references: References::none(),
        config: config::table_of(&args.config, &args.set)?,
        methods: rows(args.alpha),
        variants: Vec::new(),
        settings: Vec::new(),
    };
    let out = args.out.clone().unwrap_or_else(|| default_out("ablate-", &args.config));
    conduct(&spec, &out, &args.study_args).map(drop)
}

/// Table 3 of the DGL paper (ICCV 2025) with the two rows that it lacks: the
/// unimodal losses without any truncation, through the shared head and through
/// heads of their own. Without them +MT and +UT change two things at once.
fn rows(alpha: f64) -> Vec<Method> {
    let dgl = |multimodal: bool, unimodal: bool| {
        vec![
            ("name", Value::from("dgl")),
            ("alpha", Value::from(alpha)),
            ("truncate_multimodal", Value::from(multimodal)),
            ("truncate_unimodal", Value::from(unimodal)),
        ]
    };
    [
        ("joint", vec![("name", Value::from("joint"))]),
        ("uniloss", dgl(false, false)),
        ("uniloss-own-heads", vec![("name", Value::from("gblend")), ("alpha", Value::from(alpha))]),
        ("MT", dgl(true, false)),
        ("UT", dgl(false, true)),
        ("dgl", dgl(true, true)),
    ]
    .map(|(name, keys)| {
        let strategy: Table = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let set = config::at("strategy", Value::Table(strategy));
        Method { name: name.into(), set, settings: Vec::new() }
    })
    .into()
}
