//! Fixture F1 and encoders whose gradients can be read off.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation::tanh};
use counterpoint::grad::{Cut, Evaluator, StepContext};
use counterpoint::host::host;
use counterpoint::input::{Input, Inputs};
use counterpoint::layer::{Buffers, ForwardContext, Init, Linear};
use counterpoint::modality::{Modalities, Modality};
use counterpoint::model::encoder::Encoder;
use counterpoint::model::fusion::{Concat, Output};
use counterpoint::model::{Boxed, LateFusion, Model};
use counterpoint::peers::Alone;
use counterpoint::step::Position;
use counterpoint::step::{Gradients, Groups, LossTerm, Phase, Routing, StepOutputs};
use counterpoint::strategy::{Dgl, Strategy};
use counterpoint::task::Task;
use counterpoint_batch::{Array, Batch, Input as Column, Targets};
use counterpoint_testkit::conformance::{Evaluated, Named, Parts, evaluate, position};
pub use counterpoint_testkit::optimizer::{adam, sgd};
use counterpoint_testkit::parameters::replaced;
use counterpoint_testkit::problem::NAMES;

/// `z = x + shift` with a shift of 0: its gradient is what arrives at `z`,
/// summed over the batch.
#[derive(Module, Debug)]
pub struct Shift {
    shift: Param<Tensor<1>>,
}

impl Shift {
    pub fn new(width: usize, init: &Init) -> Self {
        Self { shift: init.constant("shift", [width], 0.0) }
    }
}

impl Encoder for Shift {
    fn forward(&self, input: &Input, _pass: &mut ForwardContext<'_>) -> Tensor<2> {
        input.tensor::<2>() + self.shift.val().unsqueeze()
    }

    fn width(&self) -> usize {
        self.shift.dims()[0]
    }
}

/// `tanh(W x + b)`: a hidden layer without kinks, for finite differences.
#[derive(Module, Debug)]
pub struct Smooth {
    layer: Linear,
}

impl Smooth {
    pub fn new(inputs: usize, width: usize, init: &Init) -> Self {
        Self { layer: Linear::new(inputs, width, init) }
    }
}

impl Encoder for Smooth {
    fn forward(&self, input: &Input, _pass: &mut ForwardContext<'_>) -> Tensor<2> {
        tanh(self.layer.forward(input.tensor::<2>()))
    }

    fn width(&self) -> usize {
        self.layer.outputs()
    }
}

/// Hidden layers of width 6 under any fusion and head, from `from` inputs each.
pub fn smooth(modalities: usize, from: usize, parts: &Parts, outputs: usize, seed: u64) -> LateFusion {
    let init = Init::new(seed, &Device::flex());
    let widths = vec![6; modalities];
    let encoders = (0..modalities)
        .map(|m| Boxed::new(Smooth::new(from, 6, &init.part(format_args!("encoder.{}", NAMES[m])))))
        .collect();
    let fusion = parts.fusion.build(&widths, outputs, &init.part("fusion")).unwrap();
    // Cosine heads want the parts of a concatenation, others the whole.
    let output = parts.fusion.facts().output;
    let vector = if output == Output::SideBySide { widths } else { vec![fusion.width()] };
    let head = match output {
        Output::Scores => None,
        _ => Some(parts.head.build(&vector, outputs, &init.part("head")).unwrap()),
    };
    LateFusion::new(names(modalities), encoders, fusion, head, Vec::new()).unwrap()
}

pub fn names(modalities: usize) -> Modalities {
    Modalities::new(NAMES[..modalities].iter().copied()).unwrap()
}

/// A batch of vectors, complete.
pub fn inputs(modalities: &[(Vec<f32>, usize)], targets: Targets) -> Inputs {
    let count = targets.len();
    let column = |(values, width): &(Vec<f32>, usize)| Column {
        array: Array::new([count, *width], values.clone()).unwrap(),
        present: vec![true; count],
        lengths: None,
    };
    let ids = (0..count).map(|i| i.to_string()).collect();
    let batch = Batch { ids, inputs: modalities.iter().map(column).collect(), targets };
    Inputs::new(batch, &Device::flex())
}

/// F1: two classes of weights on two features a modality; B = 1, y = 0.
pub const W1: [f32; 6] = [1.0, 0.0, 0.0, 1.0, -1.0, 0.5];
pub const W2: [f32; 6] = [0.5, 0.0, 0.0, -0.5, 1.0, 1.0];
pub const BIAS: [f32; 3] = [0.1, -0.2, 0.0];
pub const Z1: [f32; 2] = [1.0, 2.0];
pub const Z2: [f32; 2] = [-1.0, 0.5];

pub fn f1() -> (LateFusion, Inputs) {
    let weight: Vec<f32> =
        (0..3).flat_map(|k| [&W1[2 * k..2 * k + 2], &W2[2 * k..2 * k + 2]].concat()).collect();
    let inputs = inputs(&[(Z1.to_vec(), 2), (Z2.to_vec(), 2)], Targets::Classes(vec![0]));
    (shifted(&[2, 2], weight, BIAS.to_vec()), inputs)
}

/// Shifts under concat and a linear head of the given weights.
pub fn shifted(widths: &[usize], weight: Vec<f32>, bias: Vec<f32>) -> LateFusion {
    let init = Init::new(0, &Device::flex());
    let encoder = |(i, &w)| Boxed::new(Shift::new(w, &init.part(format_args!("encoder.{i}"))));
    let encoders = widths.iter().enumerate().map(encoder).collect();
    let head = Linear::new(widths.iter().sum(), bias.len(), &init.part("head"));
    let head = Some(Boxed::new(head));
    let model =
        LateFusion::new(names(widths.len()), encoders, Boxed::new(Concat::new(widths)), head, Vec::new())
            .unwrap();
    let groups = model.groups();
    replaced(model, &groups, |name| match name {
        "head.weight" => Some(weight.clone()),
        "head.bias" => Some(bias.clone()),
        _ => None,
    })
}

pub fn dgl(alpha: f64) -> Dgl {
    Dgl { alpha: alpha.into(), truncate_multimodal: true, truncate_unimodal: true, ..Dgl::default() }
}

/// One phase of a strategy by the fast evaluator.
pub fn step<M: Model>(model: &M, inputs: &Inputs, task: &dyn Task, strategy: &mut dyn Strategy) -> Evaluated {
    step_by(&Cut, model, inputs, task, strategy)
}

pub fn step_by<M: Model>(
    evaluator: &dyn Evaluator<M>,
    model: &M,
    inputs: &Inputs,
    task: &dyn Task,
    strategy: &mut dyn Strategy,
) -> Evaluated {
    let mut phases = evaluate(evaluator, model, inputs, task, strategy, &mut Buffers::default()).unwrap();
    assert_eq!(phases.len(), 1);
    phases.remove(0)
}

/// The gradients of a strategy's first phase as the optimizer gets them.
pub fn mixed<M: Model>(
    model: &M,
    groups: &Groups,
    inputs: &Inputs,
    task: &dyn Task,
    strategy: &mut dyn Strategy,
) -> Gradients {
    let context = StepContext { model, groups, inputs, task, at: position(), peers: &Alone };
    let phase = strategy.phases(context.at, model.modalities()).remove(0);
    Cut.evaluate(context, &phase, strategy, &mut ForwardContext::train(&mut Buffers::default())).unwrap().0
}

/// A strategy that is nothing but a matrix.
pub struct Fixed(pub Routing);

impl Strategy for Fixed {
    fn phases(&self, _at: Position, _modalities: &Modalities) -> Vec<Phase> {
        let mut terms: Vec<LossTerm> = self.0.entries().map(|(term, ..)| term).collect();
        terms.dedup();
        vec![Phase::of(terms)]
    }

    fn route(&mut self, _: &StepOutputs<'_>, _: &Modalities) -> Result<Routing, counterpoint::Error> {
        Ok(self.0.clone())
    }
}

/// The task's loss of one term, in double precision from the scores on.
pub fn loss<M: Model>(model: &M, term: LossTerm, inputs: &Inputs, task: &dyn Task, metric: &str) -> f64 {
    let all: Vec<usize> = (0..inputs.samples()).collect();
    let mut buffers = Buffers::default();
    let scored =
        model.forward(&[(term, all.clone())], inputs, &mut ForwardContext::train(&mut buffers)).remove(0);
    let position = task.metrics().names().position(|name| name == metric).unwrap();
    task.evaluate(&host(scored.scores.inner()), &inputs.targets_of(&all))[position]
}

pub fn of(gradients: &Named, name: &str) -> Vec<f32> {
    gradients.get(name).unwrap_or_else(|| panic!("no gradient `{name}` in {:?}", gradients.keys())).clone()
}

#[track_caller]
pub fn near(is: &[f32], should: &[f64], tolerance: f64) {
    assert_eq!(is.len(), should.len(), "{is:?} {should:?}");
    for (a, b) in is.iter().zip(should) {
        assert!((f64::from(*a) - b).abs() <= tolerance, "{is:?} instead of {should:?}");
    }
}

pub const A: Modality = Modality(0);
pub const B: Modality = Modality(1);
