//! How methods read a single modality, by hand on F1: `W1 z1 = (1, 2, 0)`,
//! `W2 z2 = (-0.5, -0.25, -0.5)`, bias `(0.1, -0.2, 0)`.

use burn::module::Module;
use burn::tensor::Device;
use counterpoint::layer::Buffers;
use counterpoint::modality::{Modality, Present};
use counterpoint::model::Model;
use counterpoint::model::fusion::{ConcatConfig, FusionConfig};
use counterpoint::model::head::{Activation, HeadConfig, MlpHeadConfig};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{
    AgmConfig, GBlendConfig, Heads, Joint, MmParetoConfig, OgmConfig, PmrConfig, Scores, StrategyConfig,
    StrategyState, Tensors,
};
use counterpoint::task::Classification;
use counterpoint::train::{Besides, Evaluation, evaluate};
use counterpoint_batch::{Array, Batch, BatchSource, ModalitySpec, Sample, SourceError, Target};
use counterpoint_testkit::conformance::Parts;
use counterpoint_testkit::problem::NAMES;

use crate::fixture::{A, B, Z1, Z2, f1, names, near, smooth};

/// Samples of two numbers a modality, in one batch.
struct Vectors {
    spec: Vec<ModalitySpec>,
    samples: Vec<Sample>,
}

impl Vectors {
    fn new(samples: &[&[Option<[f32; 2]>]]) -> Self {
        let spec = |name: &&str| ModalitySpec::new(*name, [2]);
        let input = |z: &Option<[f32; 2]>| z.map(|z| Array::new([2], z.to_vec()).unwrap());
        let sample = |(i, inputs): (usize, &&[Option<[f32; 2]>])| {
            Sample::new(i.to_string(), inputs.iter().map(input).collect(), Target::Class(1))
        };
        Self {
            spec: NAMES[..samples[0].len()].iter().map(spec).collect(),
            samples: samples.iter().enumerate().map(sample).collect(),
        }
    }
}

/// F1's sample, and one that has the first modality only.
fn two() -> Vectors {
    Vectors::new(&[&[Some(Z1), Some(Z2)], &[Some(Z1), None]])
}

impl BatchSource for Vectors {
    fn modalities(&self) -> &[ModalitySpec] {
        &self.spec
    }

    fn samples(&self) -> usize {
        self.samples.len()
    }

    fn batches(&self) -> usize {
        1
    }

    fn epoch(
        &self,
        _epoch: usize,
        _from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        Box::new(std::iter::once_with(|| Ok(Batch::collate(self.samples.clone(), &self.spec)?)))
    }
}

fn read<M: Model>(
    model: &M,
    source: &dyn BatchSource,
    strategy: &StrategyConfig,
    state: Option<&StrategyState>,
) -> Evaluation {
    let mut strategy = strategy.build(model.modalities()).unwrap();
    state.iter().for_each(|state| strategy.restore(state).unwrap());
    let besides = Besides { native: strategy.native(), ..Besides::default() };
    evaluate(
        &Module::valid(model),
        &Buffers::default(),
        &Classification::new(3),
        source,
        &Device::flex(),
        besides,
    )
    .unwrap()
}

#[test]
fn ogm_gives_every_modality_half_of_the_bias() {
    let (model, _) = f1();
    let found = read(&model, &two(), &StrategyConfig::from(OgmConfig::default()), None);
    assert_eq!(found.native[&A].0.len(), 2);
    for scores in found.native[&A].1.chunks(3) {
        near(scores, &[1.05, 1.9, 0.0], 1e-6);
    }
    assert_eq!(found.native[&B].0, [0]);
    near(&found.native[&B].1, &[-0.45, -0.35, -0.5], 1e-6);
    // Zero-filling keeps the whole bias.
    let (of, filled) = &found.reduced[&LossTerm::Unimodal(A)];
    assert_eq!(of, &[0, 1]);
    near(&filled[..3], &[1.1, 1.8, 0.0], 1e-6);
    let filled = OgmConfig { scores: Scores::ZeroFill, tensors: Tensors::All, ..OgmConfig::default() };
    assert!(read(&model, &two(), &StrategyConfig::from(filled), None).native.is_empty());
}

#[test]
fn agm_gives_every_modality_its_shapley_response() {
    let (model, _) = f1();
    let agm = StrategyConfig::from(AgmConfig::default());
    let found = read(&model, &two(), &agm, None);
    let (of, scores) = &found.native[&A];
    let first = if of[..] == [0, 1] { 0 } else { 3 };
    // (F(ab) - F(b) + F(a)) / 2 with F(ab) = (0.6, 1.55, -0.5), F(a) = (1.1, 1.8, 0), F(b) = (-0.4, -0.45, -0.5).
    near(&scores[first..first + 3], &[1.05, 1.9, 0.0], 1e-6);
    near(&scores[3 - first..6 - first], &[1.1, 1.8, 0.0], 1e-6);
    near(&found.native[&B].1, &[-0.45, -0.35, -0.5], 1e-6);

    // With a hidden layer over three modalities no two of the sets add up.
    let parts = Parts {
        fusion: FusionConfig::new(ConcatConfig {}),
        head: HeadConfig::new(MlpHeadConfig { hidden: 5, activation: Activation::Tanh }),
    };
    let model = smooth(3, 2, &parts, 3, 2);
    let source =
        Vectors::new(&[&[Some(Z1), Some(Z2), Some([0.3, -2.0])], &[Some(Z2), Some(Z1), Some([2.0, 1.0])]]);
    let all = model.modalities().all();
    let subsets: Vec<_> = all.subsets().filter(|s| s.count() == 2).collect();
    let strategy = agm.build(model.modalities()).unwrap();
    let besides = Besides { native: strategy.native(), subsets: &subsets, ..Besides::default() };
    let task = Classification::new(3);
    let found =
        evaluate(&Module::valid(&model), &Buffers::default(), &task, &source, &Device::flex(), besides)
            .unwrap();
    let of = |members: &[usize]| -> Vec<f64> {
        let present = Present::of(members.iter().map(|&m| Modality(m)));
        let reduced = match LossTerm::showing(present, 3) {
            LossTerm::Subset(present) => &found.subsets[&present],
            term => &found.reduced[&term],
        };
        reduced.1.iter().map(|&v| v.into()).collect()
    };
    let (abc, ab, ac, bc) = (of(&[0, 1, 2]), of(&[0, 1]), of(&[0, 2]), of(&[1, 2]));
    let (a, b, c) = (of(&[0]), of(&[1]), of(&[2]));
    let response: Vec<f64> = (0..abc.len())
        .map(|i| (abc[i] - bc[i]) / 3.0 + (ab[i] - b[i] + ac[i] - c[i]) / 6.0 + a[i] / 3.0)
        .collect();
    near(&found.native[&A].1, &response, 1e-5);
    let apart = response.iter().zip(&a).any(|(response, a)| (response - a).abs() > 1e-2);
    assert!(apart, "it is not zero-filling");
}

#[test]
fn pmr_gives_minus_the_distances_to_its_prototypes() {
    let (model, _) = f1();
    let pmr = StrategyConfig::from(PmrConfig::default());
    assert!(read(&model, &two(), &pmr, None).native.is_empty(), "nothing measured, nothing read");
    let state = StrategyState::default()
        .with("epoch", [1], vec![1.0])
        .with("prototypes.0", [2, 2], vec![4.0, 6.0, 1.0, 0.0])
        .with("known.0", [2], vec![1.0, 1.0])
        .with("prototypes.1", [2, 2], vec![-1.0, 0.5, 0.0, 0.0])
        .with("known.1", [2], vec![1.0, 0.0]);
    let found = read(&model, &two(), &pmr, Some(&state));
    // z1 = (1, 2) is sqrt(9 + 16) from (4, 6) and 2 from (1, 0); the third class has no prototype.
    for scores in found.native[&A].1.chunks(3) {
        near(&scores[..2], &[-5.0, -2.0], 1e-6);
        assert!(scores[2] < -1e8);
    }
    let scores = &found.native[&B].1;
    near(&scores[..1], &[0.0], 1e-5);
    assert!(scores[1] < -1e8 && scores[2] < -1e8, "a class that never had a sample is no answer");
    assert_eq!(found.native[&A].0.len(), 2);
}

#[test]
fn heads_that_were_trained_are_what_comparisons_read() {
    let names = names(2);
    let said = |config: StrategyConfig| {
        let strategy = config.build(&names).unwrap();
        strategy.native().map(|native| (native.name(), native.is_trained()))
    };
    let gblend = |heads, alpha: f64| {
        StrategyConfig::from(GBlendConfig { heads, alpha: alpha.into(), ..GBlendConfig::default() })
    };
    let pareto = |heads| StrategyConfig::from(MmParetoConfig { heads, ..MmParetoConfig::default() });
    assert_eq!(said(gblend(Heads::Own, 4.0)), Some(("own head", true)));
    assert_eq!(said(pareto(Heads::Own)), Some(("own head", true)));
    assert_eq!(said(gblend(Heads::Shared, 4.0)), None);
    assert_eq!(said(pareto(Heads::Shared)), None);
    assert_eq!(said(gblend(Heads::Own, 0.0)), None, "a head that never learns says nothing");
    assert_eq!(said(StrategyConfig::from(OgmConfig::default())), Some(("half bias", false)));
    assert_eq!(said(StrategyConfig::from(PmrConfig::default())), Some(("prototypes", false)));
    assert_eq!(said(StrategyConfig::from(AgmConfig::default())), Some(("mono response", false)));
    assert_eq!(said(StrategyConfig::from(Joint {})), None);
}
