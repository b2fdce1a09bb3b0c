//! `counterpoint explain`.

use std::collections::{BTreeMap, BTreeSet};

use counterpoint::model::Model;
use counterpoint::step::Position;
use counterpoint::step::{Group, LossTerm, Routing, StepOutputs};
use serde_json::json;

use super::{print, print_json};
use crate::args::Explain;
use crate::config;
use crate::exit::Failure;
use crate::run::Run;

/// Prints the matrix W, the parameter groups and which loss trains which.
pub fn run(args: &Explain) -> Result<(), Failure> {
    let mut loaded = config::load(&args.config, &args.set)?;
    // Who trains whom is the same everywhere.
    loaded.config.train.device = "cpu".into();
    let epochs = loaded.config.train.epochs;
    let run = Run::open(loaded)?;
    let mut state = run.train_state()?;
    let names = state.model.modalities().clone();
    let at = Position { epoch: 0, epochs, batch: 0, batches: 1, seed: 0 };
    let phases = state.strategy.phases(at, &names);
    let (outputs, terms) = (BTreeMap::new(), BTreeSet::new());
    let groups = state.groups.groups();
    let mut matrices = Vec::new();
    for phase in &phases {
        matrices.push((
            phase.clone(),
            state.strategy.route(
                &StepOutputs { at, outputs: &outputs, terms: &terms, task: run.task.as_ref() },
                &names,
            )?,
        ));
    }
    if args.json {
        let entries = |w: &Routing| -> Vec<_> {
            w.entries()
                .map(|(r, g, v)| json!({"row": r.label(&names), "group": g.label(&names), "weight": v}))
                .collect()
        };
        print_json(&json!({
            "groups": groups.iter().map(|g| {
                let (tensors, numbers) = state.groups.size(*g);
                json!({"group": g.label(&names), "tensors": tensors, "parameters": numbers})
            }).collect::<Vec<_>>(),
            "phases": matrices.iter().map(|(_, w)| entries(w)).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    print("Parameter groups");
    let width = groups.iter().map(|g| g.label(&names).len()).max().unwrap_or(0);
    for group in &groups {
        let (tensors, numbers) = state.groups.size(*group);
        print(format!("  {:width$}  {numbers:>10} parameters in {tensors} tensors", group.label(&names)));
    }
    for (step, (phase, routing)) in matrices.iter().enumerate() {
        let of = if matrices.len() > 1 { format!(", step {} of a batch", step + 1) } else { String::new() };
        print(format!("\nMatrix W{of}: gradient(group) = sum over terms of W[term, group] * d loss(term)"));
        print(routing.table(&groups, &names));
        print("");
        for group in &groups {
            print(sentence(*group, routing, &names));
        }
        if !phase.probes.is_empty() {
            let probes: Vec<String> = phase.probes.iter().map(|r| r.label(&names)).collect();
            print(format!("Evaluated without gradients: {}", probes.join(", ")));
        }
    }
    Ok(())
}

fn sentence(group: Group, routing: &Routing, names: &counterpoint::modality::Modalities) -> String {
    let what = |term: LossTerm| match term {
        LossTerm::Fused => "the fused loss".to_owned(),
        LossTerm::Unimodal(m) => format!("the unimodal loss of {}", names.name(m)),
        LossTerm::Subset(_) => format!("the loss of {}", term.label(names)),
        LossTerm::Auxiliary(m) => format!("the auxiliary loss of {}", names.name(m)),
    };
    let sources: Vec<String> =
        routing.terms_of(group).map(|(term, w)| format!("{w} x {}", what(term))).collect();
    let of = if sources.is_empty() { "nothing in this step".to_owned() } else { sources.join(" + ") };
    format!("{} learns from {of}.", group.label(names))
}
