//! The small network of the toy files.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};
use counterpoint::feature::{Feature, Features, Vectors};
use counterpoint::input::Input;
use counterpoint::layer::{ForwardContext, Init, Linear};
use counterpoint::modality::{Modalities, Modality};
use counterpoint::model::{Model, Scored};
use counterpoint::step::{Group, Groups, LossTerm};

use super::case::Case;

/// Which head reads the features.
pub(super) enum HeadKind {
    Linear,
    Mlp { hidden: usize },
    Cosine { scale: f64 },
    Shared,
    Boosted { hidden: usize },
}

/// `z_m = fc2 tanh(fc1 x_m)`, then one of the heads.
#[derive(Module, Debug)]
pub(super) struct ToyModel {
    encoders: Vec<ToyEncoder>,
    head: ToyHead,
    unimodal_heads: Vec<Linear>,
    #[module(skip)]
    modalities: Modalities,
    width: usize,
}

/// `fc1` is kept as a 1x1 convolution: in the files it stands for the 4-D
/// weights that some methods single out.
#[derive(Module, Debug)]
struct Pointwise {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct ToyEncoder {
    fc1: Pointwise,
    fc2: Linear,
}

#[derive(Module, Debug)]
struct TwoLayers {
    fc1: Linear,
    fc2: Linear,
}

#[derive(Module, Debug)]
enum ToyHead {
    /// On the features side by side.
    Linear(Linear),
    /// Linear, tanh, linear on the features side by side.
    Mlp(TwoLayers),
    /// Scaled cosines with the rows of each modality's slice; the bias is unused.
    Cosine(Cosine),
    /// The same layer for each modality.
    Shared(Linear),
    /// The same layers for each modality, added and multiplied by a rate.
    Boosted(Boosted),
}

#[derive(Module, Debug)]
struct Cosine {
    layer: Linear,
    scale: f64,
}

#[derive(Module, Debug)]
struct Boosted {
    layers: TwoLayers,
    rate: Param<Tensor<1>>,
}

impl ToyEncoder {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [hidden, inputs, ..] = self.fc1.weight.dims();
        let weight = self.fc1.weight.val().reshape([hidden, inputs]);
        let h = x.matmul(weight.transpose()) + self.fc1.bias.val().unsqueeze();
        self.fc2.forward(h.tanh())
    }
}

impl TwoLayers {
    fn new(inputs: usize, hidden: usize, outputs: usize, init: &Init) -> Self {
        Self {
            fc1: Linear::new(inputs, hidden, &init.part("fc1")),
            fc2: Linear::new(hidden, outputs, &init.part("fc2")),
        }
    }
}

impl ToyModel {
    pub(super) fn new(
        case: &Case,
        modalities: Modalities,
        kind: HeadKind,
        unimodal_heads: bool,
        device: &Device,
    ) -> Self {
        let (d, k, count) = (case.features, case.classes, case.modalities);
        let init = Init::new(0, device);
        let encoder = |m: usize| {
            let (init, shape) = (init.part(format_args!("encoder.{m}")), [case.hidden, case.inputs[m], 1, 1]);
            let first = init.part("fc1");
            ToyEncoder {
                fc1: Pointwise {
                    weight: first.normal("weight", shape, 1.0),
                    bias: first.constant("bias", [case.hidden], 0.0),
                },
                fc2: Linear::new(case.hidden, d, &init.part("fc2")),
            }
        };
        let part = init.part("head");
        let head = match kind {
            HeadKind::Linear => ToyHead::Linear(Linear::new(count * d, k, &part)),
            HeadKind::Mlp { hidden } => ToyHead::Mlp(TwoLayers::new(count * d, hidden, k, &part)),
            HeadKind::Cosine { scale } => {
                ToyHead::Cosine(Cosine { layer: Linear::new(count * d, k, &part), scale })
            }
            HeadKind::Shared => ToyHead::Shared(Linear::new(d, k, &part)),
            HeadKind::Boosted { hidden } => ToyHead::Boosted(Boosted {
                layers: TwoLayers::new(d, hidden, k, &part),
                rate: part.constant("rate", [1], 1.0),
            }),
        };
        let unimodal = |m: usize| Linear::new(d, k, &init.part(format_args!("solo_head.{m}")));
        Self {
            encoders: (0..count).map(encoder).collect(),
            head,
            unimodal_heads: (0..if unimodal_heads { count } else { 0 }).map(unimodal).collect(),
            modalities,
            width: d,
        }
    }

    fn side_by_side(&self, features: &Vectors) -> Vec<Tensor<2>> {
        let there = features.iter().flatten().next().expect("a term has a modality");
        let (batch, device) = (there.dims()[0], there.device());
        let zeros = || Tensor::zeros([batch, self.width], &device);
        features.iter().map(|z| z.clone().unwrap_or_else(zeros)).collect()
    }

    /// `[samples, outputs]`.
    fn scores(&self, term: LossTerm, features: &Vectors) -> Tensor<2> {
        if let LossTerm::Auxiliary(m) = term
            && let (Some(head), Some(z)) = (self.unimodal_heads.get(m.0), features[m.0].clone())
        {
            return head.forward(z);
        }
        match &self.head {
            ToyHead::Linear(head) => {
                let scores = head.forward(Tensor::cat(self.side_by_side(features), 1));
                match (term, &head.bias) {
                    // A modality's own term has its share of the bias.
                    (LossTerm::Auxiliary(_), Some(bias)) => {
                        let others = 1.0 - 1.0 / features.len() as f64;
                        scores - bias.val().mul_scalar(others).unsqueeze()
                    }
                    _ => scores,
                }
            }
            ToyHead::Mlp(head) => {
                let x = Tensor::cat(self.side_by_side(features), 1);
                head.fc2.forward(head.fc1.forward(x).tanh())
            }
            ToyHead::Cosine(head) => {
                let d = self.width;
                let term = |(m, z): (usize, &Option<Tensor<2>>)| {
                    let weight = head.layer.weight.val().narrow(1, m * d, d);
                    Some(unit(z.clone()?).matmul(unit(weight).transpose()).mul_scalar(head.scale))
                };
                features
                    .iter()
                    .enumerate()
                    .filter_map(term)
                    .reduce(|a, b| a + b)
                    .expect("a term has a modality")
            }
            ToyHead::Shared(head) => {
                let scores: Vec<Tensor<2>> =
                    features.iter().flatten().map(|z| head.forward(z.clone())).collect();
                by_entropy(&scores)
            }
            ToyHead::Boosted(head) => {
                let one = |z: &Tensor<2>| {
                    head.layers.fc2.forward(activation::relu(head.layers.fc1.forward(z.clone())))
                };
                let sum =
                    features.iter().flatten().map(one).reduce(|a, b| a + b).expect("a term has a modality");
                match term {
                    LossTerm::Auxiliary(_) => sum,
                    _ => sum * head.rate.val().unsqueeze(),
                }
            }
        }
    }
}

impl Model for ToyModel {
    fn modalities(&self) -> &Modalities {
        &self.modalities
    }

    fn groups(&self) -> Groups {
        let mut groups = Groups::default();
        for (m, encoder) in self.modalities.iter().zip(&self.encoders) {
            groups.add(Group::Encoder(m), &format!("encoder.{}", m.0), encoder);
        }
        match &self.head {
            ToyHead::Linear(head) => groups.add(Group::Head, "head", head),
            ToyHead::Mlp(head) => groups.add(Group::Head, "head", head),
            ToyHead::Cosine(head) => groups.add(Group::Head, "head", &head.layer),
            ToyHead::Shared(head) => groups.add(Group::Head, "shared_head", head),
            ToyHead::Boosted(head) => {
                groups.add(Group::Head, "shared_head", &head.layers);
                groups.add(Group::Head, "rate", &head.rate);
            }
        }
        for (m, head) in self.modalities.iter().zip(&self.unimodal_heads) {
            groups.add(Group::UnimodalHead(m), &format!("solo_head.{}", m.0), head);
        }
        groups
    }

    fn encode(&self, m: Modality, input: &Input, _pass: &mut ForwardContext<'_>) -> Feature {
        Feature::of(self.encoders[m.0].forward(input.tensor::<2>()))
    }

    fn join(&self, term: LossTerm, features: &Features, _pass: &mut ForwardContext<'_>) -> Scored {
        let features: Vectors = features.iter().map(|z| z.as_ref().map(|z| z.part(0))).collect();
        Scored { scores: self.scores(term, &features), features }
    }
}

/// Rows divided by their norms.
fn unit(x: Tensor<2>) -> Tensor<2> {
    let norm = (x.clone() * x.clone()).sum_dim(1).sqrt().clamp_min(1e-12);
    x / norm
}

/// Scores weighted by softmax over modalities of minus their entropies.
fn by_entropy(scores: &[Tensor<2>]) -> Tensor<2> {
    let minus_entropy = |s: &Tensor<2>| {
        (activation::softmax(s.clone(), 1) * activation::log_softmax(s.clone(), 1)).sum_dim(1)
    };
    let weights = activation::softmax(Tensor::cat(scores.iter().map(minus_entropy).collect(), 1), 1);
    let terms = scores.iter().enumerate().map(|(m, s)| s.clone() * weights.clone().narrow(1, m, 1));
    terms.reduce(|a, b| a + b).expect("a term has a modality")
}
