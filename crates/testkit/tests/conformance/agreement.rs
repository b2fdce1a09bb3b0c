//! The two evaluators mean the same, for every strategy on every model.

use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::catalog::{Catalog, Settings};
use counterpoint::grad::{Cut, Evaluator, PerRow, StepContext};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::{Modalities, Modality, Present};
use counterpoint::model::fusion::GatedConfig;
use counterpoint::model::{Model, ModelConfig};
use counterpoint::step::Position;
use counterpoint::step::{Gradients, Group, LossTerm, Need, Phase, Routing, StepOutputs, StepRecord};
use counterpoint::strategy::{AgmConfig, Dgl, Joint, Strategy, StrategyConfig, StrategySettings};
use counterpoint::task::Classification;
use counterpoint_batch::{BatchSource, Targets};
use counterpoint_testkit::conformance::{
    Evaluated, Named, Subject, agree, agree_in_families, cubes, evaluate, forgotten, late_fusion, model,
    part, parts, receives, same_in_families, sequence_subjects, staged, subjects,
};
use counterpoint_testkit::problem::Problem;
use libtest_mimic::Trial;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Told, named, trial};

pub const TOLERANCE: f64 = 1e-6;

fn inputs(problem: &Problem) -> Inputs {
    Inputs::new(problem.whole(), &Device::flex())
}

/// Complete; half of the samples lack something; no sample has everything;
/// one modality occurs nowhere.
pub fn batches(all: Problem) -> Vec<(&'static str, Problem)> {
    vec![
        ("complete", all.clone()),
        ("partly lacking", all.clone().lacking(|i, m| i % (m + 2) == 0)),
        ("nobody has all", all.clone().lacking(|i, m| i % 3 == 0 && m == 0 || i % 3 != 0 && m == 1)),
        ("no image at all", all.lacking(|_, m| m == 1)),
    ]
}

fn by<M: Model>(
    evaluator: &dyn Evaluator<M>,
    model: &M,
    inputs: &Inputs,
    strategy: &mut dyn Strategy,
) -> (Vec<Evaluated>, Buffers) {
    let mut buffers = Buffers::default();
    let task = Classification::new(3);
    let seen = evaluate(evaluator, model, inputs, &task, strategy, &mut buffers).unwrap();
    (seen, buffers)
}

fn compare(subject: &Subject, problem: &Problem) -> Result<(), String> {
    let model = subject.model(problem.modalities(), 1).unwrap();
    let inputs = inputs(problem);
    let fast = by(&Cut, &model, &inputs, subject.strategy().unwrap().as_mut());
    let slow = by(&PerRow, &model, &inputs, subject.strategy().unwrap().as_mut());
    for evaluated in fast.0.iter().chain(&slow.0) {
        receives(evaluated, &model.groups())?;
    }
    // AGM weighs subset terms by small differences of its factors: what is left of an encoder's
    // gradient is small beside the terms that rounding acts on, so the scale is that of all.
    let all: fn(&str) -> &str = |_| "";
    let family = if subject.strategy.is::<AgmConfig>() { all } else { part };
    agree_in_families((&fast.0, &fast.1), (&slow.0, &slow.1), TOLERANCE, family)
}

/// Every subject on every kind of batch, every kind of term on every model, and the controls.
pub fn trials() -> Vec<Trial> {
    let mut trials = named![
        no_strategy_of_the_catalogue_is_forgotten,
        a_strategy_that_lies_about_what_it_receives_is_noticed,
        the_comparison_notices_flipped_switches_and_wrong_evaluators,
        the_comparison_notices_statistics_that_moved_twice,
        the_check_of_listeners_notices_an_uninvited_gradient,
        scores_and_targets_come_in_the_order_that_was_asked_for,
    ];
    for modalities in 1..=3 {
        for sequences in [false, true] {
            let problem = move || match sequences {
                true => Problem::sequences(modalities, 9, 9, 3),
                false => Problem::new(modalities, 9, 9, 3),
            };
            let subjects = if sequences { sequence_subjects(modalities) } else { subjects(modalities) };
            trials.extend(subjects.into_iter().map(|subject| {
                trial("evaluators agree", subject, move |subject| {
                    on_each_batch(problem(), |problem| compare(subject, problem))
                })
            }));
        }
    }
    let maps = parts().into_iter().map(|parts| late_fusion(&parts)).chain(staged());
    trials.extend(maps.map(|model| {
        let check = |model: &ModelConfig| {
            on_each_batch(Problem::new(3, 9, 9, 3), |problem| every_kind_of_term(problem, model, part))
        };
        trial("every kind of term agrees", Told(model), move |model| check(&model.0))
    }));
    // A cube's first layer norm over modalities is nearly a sign function where
    // only one is present, so the terms of one encoder are large and cancel.
    trials.extend(cubes().into_iter().map(|model| {
        let check = |model: &ModelConfig| {
            on_each_batch(Problem::sequences(3, 9, 9, 3), |problem| {
                every_kind_of_term(problem, model, |_| "")
            })
        };
        trial("every kind of term agrees", Told(model), move |model| check(&model.0))
    }));
    trials
}

fn on_each_batch(all: Problem, check: impl Fn(&Problem) -> Result<(), String>) -> Result<(), String> {
    batches(all).iter().try_for_each(|(what, problem)| check(problem).map_err(|e| format!("{what}: {e}")))
}

fn no_strategy_of_the_catalogue_is_forgotten() {
    assert_eq!(forgotten(2), [""; 0]);
    // A strategy that no model of the suite serves is noticed.
    let more = Catalog::<dyn StrategySettings>::current().with::<Unfit>();
    assert_eq!(more.during(|| forgotten(2)), ["unfit"]);
}

/// A strategy without a model.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Unfit {}

impl Settings for Unfit {
    const NAME: &'static str = "unfit";
    const SUMMARY: &'static str = "fits no model";
}

impl StrategySettings for Unfit {
    fn build(&self, _: &Modalities) -> Result<Box<dyn Strategy>, Error> {
        Err(Error::config("it fits no model"))
    }
}

/// Joint training that says the fusion receives nothing, or the truth.
struct Liar(bool);

impl Strategy for Liar {
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase> {
        Joint {}.phases(at, modalities)
    }

    fn receives(&self, _: LossTerm, group: Group) -> bool {
        !self.0 || group != Group::Fusion
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        Joint {}.route(outputs, modalities)
    }
}

fn a_strategy_that_lies_about_what_it_receives_is_noticed() {
    let problem = Problem::new(2, 9, 9, 3);
    let gated = parts().into_iter().find(|p| p.fusion.is::<GatedConfig>()).unwrap();
    let model = model(problem.modalities(), &gated, false, 3, 1).unwrap();
    let verdict = |lies| {
        let fast = by(&Cut, &model, &inputs(&problem), &mut Liar(lies));
        let slow = by(&PerRow, &model, &inputs(&problem), &mut Liar(lies));
        agree((&fast.0, &fast.1), (&slow.0, &slow.1), TOLERANCE)
    };
    verdict(false).unwrap();
    let why = verdict(true).unwrap_err();
    assert!(why.contains("fusion"), "{why}");
}

/// Every kind of term in one phase, each wanted at the encoders by itself.
struct EveryTerm(Need);

impl EveryTerm {
    fn terms() -> Vec<LossTerm> {
        let pair = Present::of([Modality(0), Modality(2)]);
        let unimodal = |m| [LossTerm::Unimodal(Modality(m)), LossTerm::Auxiliary(Modality(m))];
        let terms = [LossTerm::Fused, LossTerm::Subset(pair)].into_iter().chain((0..3).flat_map(unimodal));
        terms.collect()
    }
}

impl Strategy for EveryTerm {
    fn phases(&self, _: Position, _: &Modalities) -> Vec<Phase> {
        vec![Phase { need: self.0, ..Phase::of(Self::terms()).probing([LossTerm::Subset(Present::all(2))]) }]
    }

    fn route(&mut self, _: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        let mut w = Routing::default();
        for (i, term) in Self::terms().into_iter().enumerate() {
            for m in term.present(3).iter() {
                w.set(term, Group::Encoder(m), 0.5 + i as f64);
            }
            w.set(term, Group::Fusion, 1.0 / (1.0 + i as f64));
            w.set(term, Group::Head, 0.25);
        }
        for m in modalities.iter() {
            w.set(LossTerm::Auxiliary(m), Group::UnimodalHead(m), 2.0);
        }
        Ok(w)
    }
}

fn terms_of<M: Model>(model: &M, record: &StepRecord) -> Named {
    let groups = model.groups();
    let entry = |(term, gradients): (&LossTerm, &Gradients)| {
        let named = groups.parameters().iter().enumerate();
        let named = named.filter_map(|(i, p)| Some((&p.name, host(gradients.get(i)?.clone()))));
        named.map(|(name, values)| (format!("{term:?} {name}"), values)).collect::<Vec<_>>()
    };
    record.terms.iter().flat_map(entry).collect()
}

fn every_kind_of_term(
    problem: &Problem,
    config: &ModelConfig,
    family: fn(&str) -> &str,
) -> Result<(), String> {
    let inputs = inputs(problem);
    for unimodal_heads in [false, true] {
        let model = config.build(problem.modalities(), 3, unimodal_heads, 1, &Device::flex()).unwrap();
        for need in [Need::Boundary, Need::EncoderTerms] {
            let fast = by(&Cut, &model, &inputs, &mut EveryTerm(need));
            let slow = by(&PerRow, &model, &inputs, &mut EveryTerm(need));
            agree_in_families((&fast.0, &fast.1), (&slow.0, &slow.1), TOLERANCE, family)
                .and_then(|()| {
                    let [fast, slow] = [&fast, &slow].map(|(e, _)| terms_of(&model, &e[0].record));
                    assert_eq!(slow.is_empty(), need == Need::Boundary);
                    same_in_families(&fast, &slow, TOLERANCE, family)
                })
                .map_err(|e| format!("unimodal heads {unimodal_heads}, {need:?}: {e}"))?;
        }
    }
    Ok(())
}

fn subject(truncate_multimodal: bool, truncate_unimodal: bool, alpha: f64) -> Subject {
    let strategy = StrategyConfig::from(Dgl {
        alpha: alpha.into(),
        truncate_multimodal,
        truncate_unimodal,
        ..Dgl::default()
    });
    Subject { strategy, model: late_fusion(&parts()[0]), modalities: 2 }
}

/// Runs the batch through the encoders once more.
struct MovesTwice;

impl<M: Model> Evaluator<M> for MovesTwice {
    fn run(
        &self,
        context: StepContext<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut ForwardContext<'_>,
    ) -> Result<(Gradients, StepRecord), Error> {
        let result = Cut.run(context, phase, strategy, pass);
        // The same buffers once more, as an evaluator without `ForwardContext` would do.
        for m in context.model.modalities().iter() {
            context.model.encode(m, context.inputs.get(m).expect("complete"), pass);
        }
        result
    }
}

/// Sends every group `1 + 1e-5` times what it should get.
struct Louder;

impl<M: Model> Evaluator<M> for Louder {
    fn run(
        &self,
        context: StepContext<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut ForwardContext<'_>,
    ) -> Result<(Gradients, StepRecord), Error> {
        let (mut gradients, record) = Cut.run(context, phase, strategy, pass)?;
        gradients.scale(1.0 + 1e-5);
        Ok((gradients, record))
    }
}

fn the_comparison_notices_flipped_switches_and_wrong_evaluators() {
    let kinds = [
        (Problem::new(2, 9, 9, 3), std::iter::once(late_fusion(&parts()[0])).chain(staged()).collect()),
        (Problem::sequences(2, 9, 9, 3), cubes()),
    ];
    for (problem, models) in kinds {
        let inputs = inputs(&problem);
        let run = |s: &Subject, evaluator: &dyn Evaluator<_>| {
            let model = s.model(problem.modalities(), 1).unwrap();
            by(evaluator, &model, &inputs, s.strategy().unwrap().as_mut())
        };
        for model in models {
            let subject = |mt, ut, alpha| Subject { model: model.clone(), ..subject(mt, ut, alpha) };
            let right = subject(true, true, 2.0);
            let (is, buffers) = run(&right, &PerRow);
            let against = |other: &Subject, evaluator: &dyn Evaluator<_>| {
                let (should, expected) = run(other, evaluator);
                agree((&is, &buffers), (&should, &expected), TOLERANCE)
            };
            against(&right, &Cut).unwrap();
            against(&subject(false, true, 2.0), &Cut).unwrap_err();
            against(&subject(true, false, 2.0), &Cut).unwrap_err();
            against(&subject(true, true, 2.00001), &Cut).unwrap_err();
            against(&right, &Louder).unwrap_err();
        }
    }
}

fn the_comparison_notices_statistics_that_moved_twice() {
    let problem = Problem::new(2, 9, 9, 3);
    let inputs = inputs(&problem);
    let run = |s: &Subject, evaluator: &dyn Evaluator<_>| {
        let model = s.model(problem.modalities(), 1).unwrap();
        by(evaluator, &model, &inputs, s.strategy().unwrap().as_mut())
    };
    let right = subject(true, true, 2.0);
    let (is, buffers) = run(&right, &PerRow);
    let against = |other: &Subject, evaluator: &dyn Evaluator<_>| {
        let (should, expected) = run(other, evaluator);
        agree((&is, &buffers), (&should, &expected), TOLERANCE)
    };
    // The pass itself guards against a second move within a step: a fresh one does not.
    against(&right, &MovesTwice).unwrap();
    let (mut once_more, mut moved) = run(&right, &Cut);
    let model = right.model(problem.modalities(), 1).unwrap();
    let task = Classification::new(3);
    once_more = {
        let mut strategy = right.strategy().unwrap();
        let again = evaluate(&Cut, &model, &inputs, &task, strategy.as_mut(), &mut moved).unwrap();
        assert_eq!(again.len(), once_more.len());
        again
    };
    let error = agree((&is, &buffers), (&once_more, &moved), TOLERANCE).unwrap_err();
    assert!(error.contains("statistics"), "{error}");
}

fn the_check_of_listeners_notices_an_uninvited_gradient() {
    let problem = Problem::new(2, 9, 9, 3);
    let subject = subject(true, true, 2.0);
    let model = subject.model(problem.modalities(), 1).unwrap();
    let (mut seen, _) = by(&Cut, &model, &inputs(&problem), subject.strategy().unwrap().as_mut());
    receives(&seen[0], &model.groups()).unwrap();
    let unimodal = LossTerm::Unimodal(Modality(1));
    seen[0].routing.set(unimodal, Group::Encoder(Modality(1)), 0.0);
    receives(&seen[0], &model.groups()).unwrap_err();
    seen[0].routing.set(unimodal, Group::Encoder(Modality(1)), 1.0);
    seen[0].gradients.retain(|name, _| !name.starts_with("encoder.image"));
    receives(&seen[0], &model.groups()).unwrap_err();
}

fn scores_and_targets_come_in_the_order_that_was_asked_for() {
    let problem = Problem::new(2, 6, 6, 3);
    let inputs = inputs(&problem);
    let model = model(problem.modalities(), &parts()[0], false, 3, 1).unwrap();
    let of = |samples: Vec<usize>| {
        let mut buffers = Buffers::default();
        let targets = inputs.targets_of(&samples);
        let scored = model
            .forward(&[(LossTerm::Fused, samples)], &inputs, &mut ForwardContext::train(&mut buffers))
            .remove(0);
        (host(scored.scores.inner()), targets)
    };
    let ((scores, targets), (backwards, reversed)) = (of((0..6).collect()), of((0..6).rev().collect()));
    let expected: Vec<f32> = scores.chunks(3).rev().flatten().copied().collect();
    assert_eq!(backwards, expected);
    let (Targets::Classes(targets), Targets::Classes(reversed)) = (targets, reversed) else {
        panic!("classes")
    };
    assert_eq!(reversed, targets.into_iter().rev().collect::<Vec<_>>());
}
