//! `counterpoint explain`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::tensor::Device;
use counterpoint::model::{AnyModel, Model as _};
use counterpoint::step::Position;
use counterpoint::step::{Group, LossTerm, Routing, StepOutputs};
use counterpoint::train::{Checkpoint, TrainState};
use counterpoint_report::record::Scores;
use serde_json::json;

use super::{print, print_json, scale};
use crate::args::Explain;
use crate::exit::Failure;
use crate::run::Run;
use crate::{config, folder, scores, words};

/// Prints the matrix W, the parameter groups and which loss trains which.
pub fn run(args: &Explain) -> Result<(), Failure> {
    let is_run = folder::holds_run(&args.config);
    let mut loaded = match is_run {
        true => folder::read_with(&args.config, &args.set)?.0,
        false => config::load(&args.config, &args.set)?,
    };
    if args.ranks.is_none() {
        // Who trains whom is the same everywhere.
        loaded.config.train.device = "cpu".into();
    }
    let epochs = loaded.config.train.epochs;
    let run = Run::open(loaded)?;
    if let Some(ranks) = args.ranks {
        let (traffic, all) = scale::scales(&run, &args.network, ranks as usize)?;
        match args.json {
            true => print_json(&scale::value(&traffic, &all)),
            false => print(scale::text(&traffic, &all, &args.network)),
        }
        return Ok(());
    }
    let mut state = run.train_state()?;
    let names = state.model.modalities().clone();
    // A run with changed settings is a question about another run.
    let as_trained = is_run && args.set.is_empty();
    let trained = if as_trained { restored(&args.config, &mut state, &run.device()?)? } else { 0 };
    let epoch = trained.min(epochs.saturating_sub(1));
    let at = Position { epoch, epochs, batch: 0, batches: 1, seed: 0 };
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
    let readout = if is_run { readout(&args.config)? } else { BTreeMap::new() };
    if args.json {
        let entries = |w: &Routing| -> Vec<_> {
            w.entries()
                .map(|(r, g, v)| json!({"row": r.label(&names), "group": g.label(&names), "weight": v}))
                .collect()
        };
        let mut all = json!({
            "groups": groups.iter().map(|g| {
                let (tensors, numbers) = state.groups.size(*g);
                json!({"group": g.label(&names), "tensors": tensors, "parameters": numbers})
            }).collect::<Vec<_>>(),
            "epochs_trained": trained,
            "phases": matrices.iter().map(|(_, w)| entries(w)).collect::<Vec<_>>(),
        });
        if !readout.is_empty() {
            all["readout"] = json!(readout);
        }
        print_json(&all);
        return Ok(());
    }
    print("Parameter groups");
    let width = groups.iter().map(|g| g.label(&names).len()).max().unwrap_or(0);
    for group in &groups {
        let (tensors, numbers) = state.groups.size(*group);
        print(format!("  {:width$}  {numbers:>10} parameters in {tensors} tensors", group.label(&names)));
    }
    if trained > 0 {
        print(format!("\nWhere the strategy stands after {trained} of {epochs} epochs:"));
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
    if !readout.is_empty() {
        print("\nThe prediction is a sum of rows of scores, each times its weight:");
        readout.iter().for_each(|(name, rows)| print(format!("  {name}: {}", words::of(rows))));
    } else if run.config.readout.is_some() {
        print("\nThe prediction is a sum of rows of scores; their weights are fitted after every epoch.");
    }
    Ok(())
}

/// Puts the last checkpoint of a run into the state of training, for what its strategy has
/// learned; the epochs that were trained.
fn restored(run: &Path, state: &mut TrainState<AnyModel>, device: &Device) -> Result<usize, Failure> {
    let file = run.join("checkpoints").join("last.safetensors");
    if !file.exists() {
        return Ok(0);
    }
    let checkpoint = Checkpoint::read(&file)?;
    let epochs = checkpoint.progress.epoch;
    checkpoint.restore(state, device, true)?;
    Ok(epochs)
}

/// The readout of each checkpoint of a run.
fn readout(run: &Path) -> Result<BTreeMap<&'static str, Scores>, Failure> {
    let mut all = BTreeMap::new();
    for name in ["best", "last"] {
        let file = run.join("checkpoints").join(format!("{name}.safetensors"));
        if file.exists() {
            all.insert(name, scores::kept_in(&Checkpoint::read(&file)?));
        }
    }
    all.retain(|_, rows: &mut Scores| !rows.is_empty());
    Ok(all)
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
