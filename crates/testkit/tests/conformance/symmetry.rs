//! Permuting modalities permutes gradients; limits reduce to other strategies.

use burn::tensor::Device;
use counterpoint::grad::Cut;
use counterpoint::input::Inputs;
use counterpoint::layer::Buffers;
use counterpoint::modality::Modalities;
use counterpoint::model::fusion::Output;
use counterpoint::model::{LateFusionConfig, Model};
use counterpoint::strategy::{Dgl, Joint, StrategyConfig, UnimodalConfig};
use counterpoint::task::Classification;
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{
    Named, Subject, evaluate, late_fusion, limits, parts, same, same_in_families, subjects, told,
};
use counterpoint_testkit::parameters::{replaced, values};
use counterpoint_testkit::problem::{NAMES, Problem};
use libtest_mimic::Trial;

use crate::{named, trial};

/// Width of every modality's features in the suite's models.
const WIDTH: usize = 6;

/// The reordered model's parameters from the original's, or back: entry `i`
/// of a fusion's list becomes `order[i]`, columns that read a concatenation
/// move in blocks.
fn reordered(named: &Named, order: &[usize], concat: bool) -> Named {
    let moved = |(name, values): (&String, &Vec<f32>)| {
        let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
        if parts[0] == "fusion"
            && let Some(i) = parts.get(2).and_then(|i| i.parse::<usize>().ok())
        {
            parts[2] = order.iter().position(|o| *o == i).unwrap().to_string();
        }
        let reads = matches!(name.as_str(), "head.weight" | "head.fc1.weight") && concat;
        let values = match reads {
            true => values
                .chunks_exact(order.len() * WIDTH)
                .flat_map(|row| order.iter().flat_map(|m| &row[m * WIDTH..(m + 1) * WIDTH]))
                .copied()
                .collect(),
            false => values.clone(),
        };
        (parts.join("."), values)
    };
    named.iter().map(moved).collect()
}

fn gradients(subject: &Subject, problem: &Problem, weights: Option<&Named>) -> (Named, Named) {
    let mut model = subject.model(problem.modalities(), 1).unwrap();
    let groups = model.groups();
    if let Some(weights) = weights {
        model = replaced(model, &groups, |name| Some(weights[name].clone()));
    }
    let names = Modalities::new(problem.modalities().iter().map(|m| m.name.as_str())).unwrap();
    let mut strategy = subject.strategy.build(&names).unwrap();
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    let task = Classification::new(3);
    let phases = evaluate(&Cut, &model, &inputs, &task, strategy.as_mut(), &mut Buffers::default()).unwrap();
    assert_eq!(phases.len(), 1, "a strategy of several phases takes the modalities in order");
    (phases.into_iter().next().unwrap().gradients, values(&model, &groups))
}

/// Every symmetric strategy on every symmetric fusion, every limit on every fusion, and the control.
pub fn trials() -> Vec<Trial> {
    let mut trials = named![the_comparison_notices_a_limit_that_is_none];
    for order in [vec![1, 0], vec![2, 0, 1]] {
        // Streams that exchange read each other in the order of the modalities.
        let symmetric = |subject: &Subject| {
            let late = subject.model.get::<LateFusionConfig>();
            subject.strategy.is_symmetric() && late.is_some_and(|late| late.fusion.facts().symmetric)
        };
        let subjects: Vec<Subject> = subjects(order.len()).into_iter().filter(symmetric).collect();
        assert!(subjects.len() >= 40, "{} subjects are symmetric", subjects.len());
        trials.extend(subjects.into_iter().map(|subject| {
            let order = order.clone();
            trial("permuting modalities permutes gradients", subject, move |subject| {
                permutes(subject, &order)
            })
        }));
    }
    for modalities in 1..=3 {
        for (limit, named) in limits(modalities) {
            for parts in parts() {
                let subject = Subject { strategy: limit.clone(), model: late_fusion(&parts), modalities };
                let named = named.clone();
                let name = format!("equals {}", told(&named));
                trials.push(trial(&name, subject, move |subject| equals(subject, &named)));
            }
        }
    }
    trials
}

fn permutes(subject: &Subject, order: &[usize]) -> Result<(), String> {
    let problem = Problem::new(order.len(), 9, 9, 3).lacking(|i, m| i % (m + 4) == 0);
    let model = subject.model.get::<LateFusionConfig>().ok_or("not a late fusion")?;
    let concat = model.fusion.facts().output == Output::SideBySide;
    let (original, weights) = gradients(subject, &problem, None);
    let expected = reordered(&original, order, concat);
    let weights = reordered(&weights, order, concat);
    let other = problem.clone().reordered(order);
    let (is, _) = gradients(subject, &other, Some(&weights));
    // AGM's weights of subset rows are small differences of factors, so what is left of an
    // encoder's gradient is small beside the terms that rounding acts on: the norm over all
    // parameters is the scale.
    same_in_families(&is, &expected, 1e-5, |_| "")?;
    // Negative control: without moving the weights it is another model.
    if concat {
        let (unmoved, _) = gradients(subject, &other, None);
        if same_in_families(&unmoved, &expected, 1e-5, |_| "").is_ok() {
            return Err("another model has the same gradients".into());
        }
    }
    Ok(())
}

fn equals(limit: &Subject, named: &StrategyConfig) -> Result<(), String> {
    let problem = Problem::new(limit.modalities, 9, 9, 3).lacking(|i, m| i % (m + 4) == 0);
    let named = Subject { strategy: named.clone(), ..limit.clone() };
    same(&gradients(limit, &problem, None).0, &gradients(&named, &problem, None).0, 1e-6)
}

fn the_comparison_notices_a_limit_that_is_none() {
    let problem = Problem::new(2, 9, 9, 3);
    let model = late_fusion(&parts()[0]);
    let of =
        |strategy| gradients(&Subject { strategy, model: model.clone(), modalities: 2 }, &problem, None).0;
    let almost = StrategyConfig::from(Dgl {
        alpha: 1e-4.into(),
        truncate_multimodal: false,
        truncate_unimodal: false,
        ..Dgl::default()
    });
    assert!(same(&of(almost), &of(StrategyConfig::from(Joint {})), 1e-6).is_err());
    let one = StrategyConfig::from(UnimodalConfig { modality: Some(NAMES[0].into()) });
    assert!(same(&of(one), &of(StrategyConfig::from(Joint {})), 1e-6).is_err());
}
