//! What the suite runs over: every part of every catalogue.

use counterpoint::Error;
use counterpoint::catalog::{Catalog, Chosen, Entry, Kind};
use counterpoint::layer::BnPolicy;
use counterpoint::modality::Modalities;
use counterpoint::model::encoder::{
    ConvNetConfig, EncoderConfig, MlpConfig, ResNet18Config, ResNet34Config, SequenceEncoderConfig,
};
use counterpoint::model::fusion::{
    BilinearConfig, Combine, ConcatConfig, CrossAttentionConfig, EnsembleConfig, FusionConfig, GatedConfig,
    LowRankConfig,
};
use counterpoint::model::head::{Activation, HeadConfig, LinearHeadConfig, MlpHeadConfig};
use counterpoint::model::sequence::{GruConfig, LinearStepsConfig, SequenceConfig, TransformerConfig};
use counterpoint::model::{
    AnyModel, CrossAttentionExchangeConfig, CubeMlpConfig, ExchangeConfig, LateFusionConfig, MmtmConfig,
    ModelConfig, ModelSettings, Partition, SeAddConfig, StagedConfig,
};
use counterpoint::strategy::{
    BoostStart, Dgl, GBlendConfig, Gate, Joint, MmParetoConfig, ModelFacts, NoiseConfig, OgmConfig,
    PmrConfig, Pull, ReconBoostConfig, RelearnConfig, Rescale, Scores, Strategy, StrategyConfig,
    StrategySettings, Tensors, UnimodalConfig,
};
use counterpoint::task::TaskKind;
use counterpoint_batch::ModalitySpec;

use crate::problem::NAMES;

/// Every strategy of the catalogue, with every switch that changes its matrix.
pub fn strategies(modalities: usize) -> Vec<StrategyConfig> {
    let dgl = |truncate_multimodal, truncate_unimodal| {
        StrategyConfig::from(Dgl {
            alpha: 1.5.into(),
            truncate_multimodal,
            truncate_unimodal,
            ..Dgl::default()
        })
    };
    let weights = OgmConfig { ge: false, tensors: Tensors::Weights, ..OgmConfig::default() };
    let filled =
        OgmConfig { ge: true, scores: Scores::ZeroFill, tensors: Tensors::All, ..OgmConfig::default() };
    let one = |name: &&str| StrategyConfig::from(UnimodalConfig { modality: Some((*name).into()) });
    let special = [
        dgl(true, true),
        dgl(true, false),
        dgl(false, true),
        dgl(false, false),
        Dgl { gate: Some(Gate::Credit), ..Dgl::default() }.into(),
        weights.into(),
        filled.into(),
        GBlendConfig::default().into(),
        GBlendConfig { alpha: 0.5.into(), over: Some(dgl(true, true)), ..GBlendConfig::default() }.into(),
        NoiseConfig { tensors: Tensors::Weights, over: dgl(true, true), ..NoiseConfig::default() }.into(),
        RelearnConfig::default().into(),
        RelearnConfig { over: dgl(true, false), ..RelearnConfig::default() }.into(),
        PmrConfig::default().into(),
        PmrConfig { pull: Pull::Soft, ..PmrConfig::default() }.into(),
        MmParetoConfig::default().into(),
        MmParetoConfig { rescale: Rescale::Encoder, ..MmParetoConfig::default() }.into(),
        ReconBoostConfig::default().into(),
        ReconBoostConfig { start: BoostStart::Full, ..ReconBoostConfig::default() }.into(),
    ];
    each_of_catalog(special.into_iter().chain(NAMES[..modalities].iter().map(one)).collect())
}

/// Each part of a catalogue, by those of the given settings that are its own,
/// else by its defaults: one that nobody thought of is tested all the same.
pub fn each_of_catalog<K: Kind + ?Sized>(special: Vec<Chosen<K>>) -> Vec<Chosen<K>> {
    let settings = |entry: &Entry<K>| {
        let own: Vec<_> = special.iter().filter(|config| config.name() == entry.name).cloned().collect();
        if own.is_empty() { entry.defaults().into_iter().collect() } else { own }
    };
    Catalog::current().entries().iter().flat_map(settings).collect()
}

/// The parts of a catalogue that are not among the tested ones.
pub fn untested<K: Kind + ?Sized>(tested: &[Chosen<K>]) -> Vec<&'static str> {
    let names = Catalog::<K>::current().entries().iter().map(|entry| entry.name).collect::<Vec<_>>();
    names.into_iter().filter(|name| !tested.iter().any(|part| part.name() == *name)).collect()
}

/// The strategies of the catalogue that no subject has: the suite says nothing of them.
pub fn forgotten(modalities: usize) -> Vec<&'static str> {
    let all = [subjects(modalities), sequence_subjects(modalities)].concat();
    let tested = |name: &str| all.iter().any(|subject| subject.strategy.name() == name);
    let catalog = Catalog::<dyn StrategySettings>::current();
    catalog.entries().iter().map(|entry| entry.name).filter(|name| !tested(name)).collect()
}

/// A strategy that equals another one, with this many modalities.
pub fn limits(modalities: usize) -> Vec<(StrategyConfig, StrategyConfig)> {
    let dgl = |alpha: f64, truncate| {
        StrategyConfig::from(Dgl {
            alpha: alpha.into(),
            truncate_multimodal: truncate,
            truncate_unimodal: truncate,
            ..Dgl::default()
        })
    };
    let joint = StrategyConfig::from(Joint {});
    let mut all = vec![(dgl(0.0, false), joint.clone())];
    if modalities == 1 {
        // One modality is all there is: its own loss is the multimodal one.
        all.push((dgl(1.0, true), joint.clone()));
        all.push((StrategyConfig::from(UnimodalConfig { modality: None }), joint));
    }
    all
}

/// A fusion and a head.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The fusion.
    pub fusion: FusionConfig,
    /// The head.
    pub head: HeadConfig,
}

/// Every fusion with every setting that changes its formula, and every head.
pub fn parts() -> Vec<Parts> {
    let fusions = each_of_catalog(vec![
        GatedConfig { width: Some(5) }.into(),
        BilinearConfig { dims: 4, full: false, width: None }.into(),
        BilinearConfig { dims: 4, full: true, width: Some(5) }.into(),
        LowRankConfig { rank: 2, width: None }.into(),
        CrossAttentionConfig { heads: 2, width: Some(8) }.into(),
        EnsembleConfig { weights: Combine::Mean, rate: false }.into(),
        EnsembleConfig { weights: Combine::Entropy, rate: false }.into(),
    ]);
    let linear = |fusion| Parts { fusion, head: LinearHeadConfig {}.into() };
    let mlp = |hidden, activation| HeadConfig::new(MlpHeadConfig { hidden, activation });
    let heads = each_of_catalog(vec![mlp(5, Activation::Tanh)]);
    let concat = |head| Parts { fusion: ConcatConfig {}.into(), head };
    let summed = EnsembleConfig { weights: Combine::Sum, rate: true }.into();
    let others = heads.into_iter().filter(|head| !head.is::<LinearHeadConfig>());
    let mut all: Vec<Parts> = fusions.into_iter().map(linear).chain(others.map(concat)).collect();
    all.push(Parts { fusion: summed, head: mlp(7, Activation::Relu) });
    all
}

/// Every encoder, small.
pub fn encoders() -> Vec<EncoderConfig> {
    each_of_catalog(vec![
        ResNet18Config { width: 2, ..ResNet18Config::default() }.into(),
        ResNet34Config { width: 2, stem: 3, ..ResNet34Config::default() }.into(),
        ConvNetConfig { channels: vec![4, 6] }.into(),
        MlpConfig { widths: vec![4, 6] }.into(),
        SequenceEncoderConfig { steps: GruConfig::default().into(), width: 6, dropout: 0.0 }.into(),
    ])
}

/// One strategy on one model.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The strategy.
    pub strategy: StrategyConfig,
    /// The model.
    pub model: ModelConfig,
    /// Number of modalities.
    pub modalities: usize,
}

/// Late fusion of the suite's small encoders.
pub fn late_fusion(parts: &Parts) -> ModelConfig {
    ModelConfig::new(LateFusionConfig {
        encoder: EncoderConfig::new(MlpConfig { widths: vec![6] }),
        fusion: parts.fusion.clone(),
        head: parts.head.clone(),
        unimodal_heads: false,
        encoders: [(NAMES[0].to_owned(), EncoderConfig::new(ConvNetConfig { channels: vec![4, 6] }))].into(),
    })
}

/// Every exchange, partition and way of keeping statistics.
pub fn staged() -> Vec<ModelConfig> {
    let narrow = StagedConfig {
        encoder: EncoderConfig::new(MlpConfig { widths: vec![4, 6] }),
        encoders: [(NAMES[0].to_owned(), EncoderConfig::new(ConvNetConfig { channels: vec![4, 6] }))].into(),
        after: vec![1],
        ..StagedConfig::default()
    };
    let meeting = |exchange| StagedConfig { exchange, after: vec![1, 2], ..narrow.clone() };
    let exchanges = each_of_catalog(vec![
        MmtmConfig::default().into(),
        SeAddConfig { reduction: 2 }.into(),
        CrossAttentionExchangeConfig { heads: 2, width: 4 }.into(),
    ]);
    let mut all: Vec<StagedConfig> = vec![narrow.clone()];
    all.extend(exchanges.into_iter().map(|exchange: ExchangeConfig| match exchange.name() {
        "mmtm" => {
            StagedConfig { partition: Partition::Cut, batch_norm: BnPolicy::Shared, ..meeting(exchange) }
        }
        "se-add" => StagedConfig { after: vec![1], batch_norm: BnPolicy::FusedOnly, ..meeting(exchange) },
        _ => meeting(exchange),
    }));
    all.push(StagedConfig { shared: true, ..narrow });
    all.into_iter().map(ModelConfig::new).collect()
}

/// Every sequence encoder in a cube, with dropout and both heads.
pub fn cubes() -> Vec<ModelConfig> {
    let of = |encoder: SequenceConfig| CubeMlpConfig {
        channels: 4,
        blocks: vec![[4, 2, 4], [2, 2, 5]],
        dropout: 0.1,
        encoder,
        ..CubeMlpConfig::default()
    };
    let encoders = each_of_catalog(vec![
        LinearStepsConfig { embedding: None, norm: true }.into(),
        TransformerConfig { embedding: None, layers: 1, heads: 2 }.into(),
    ]);
    let cube = |encoder: SequenceConfig| match encoder.is::<TransformerConfig>() {
        true => CubeMlpConfig { head_hidden: 9, head_dropout: Some(0.0), ..of(encoder) },
        false => of(encoder),
    };
    encoders.into_iter().map(|encoder| ModelConfig::new(cube(encoder))).collect()
}

/// Every strategy on every model for images and vectors that it takes.
pub fn subjects(modalities: usize) -> Vec<Subject> {
    let models = parts().into_iter().map(|parts| late_fusion(&parts)).chain(staged());
    on_each(&models.collect::<Vec<_>>(), modalities)
}

/// Every strategy on every model for sequences that it takes.
pub fn sequence_subjects(modalities: usize) -> Vec<Subject> {
    on_each(&cubes(), modalities)
}

fn on_each(models: &[ModelConfig], modalities: usize) -> Vec<Subject> {
    let each = |strategy: StrategyConfig| {
        let fitting = models.iter().filter(|model| compatible(&strategy, model, modalities));
        let subject =
            |model: &ModelConfig| Subject { strategy: strategy.clone(), model: model.clone(), modalities };
        fitting.map(subject).collect::<Vec<_>>()
    };
    strategies(modalities).into_iter().flat_map(each).collect()
}

/// Which models a strategy takes.
fn compatible(strategy: &StrategyConfig, model: &ModelConfig, modalities: usize) -> bool {
    let names = Modalities::new(NAMES[..modalities].iter().copied()).expect("the names differ");
    let facts = ModelFacts {
        modalities: names.clone(),
        unimodal_heads: strategy.wants_unimodal_heads(),
        additive: model.facts().additive,
        shared_head: model.facts().shared_linear_head,
        task: TaskKind::Classification,
        convolutions: vec![true; modalities],
    };
    strategy.build(&names).is_ok_and(|strategy| strategy.check(&facts).is_ok())
}

impl Subject {
    /// Whether the strategy reaches every parameter, as the trainer demands.
    /// A single modality leaves the others' encoders untouched; learners that
    /// join one after another need more epochs than the suite's runs have.
    pub fn trains_all(&self) -> bool {
        let joins =
            self.strategy.get().is_some_and(|boost: &ReconBoostConfig| boost.start == BoostStart::Empty);
        (self.strategy.only_modality().is_none() || self.modalities == 1) && (!joins || self.modalities < 3)
    }

    /// The strategy.
    ///
    /// # Errors
    /// If a setting is wrong.
    pub fn strategy(&self) -> Result<Box<dyn Strategy>, Error> {
        self.strategy.build(&Modalities::new(NAMES[..self.modalities].iter().copied())?)
    }

    /// The model for three classes.
    ///
    /// # Errors
    /// If the parts do not fit.
    pub fn model(&self, data: &[ModalitySpec], seed: u64) -> Result<AnyModel, Error> {
        self.model.build(data, 3, self.strategy.wants_unimodal_heads(), seed, &crate::device::device())
    }
}

/// A small model for the modalities of `data`, all features equally wide:
/// convolutions with batch norm on images, else one layer.
///
/// # Errors
/// If the parts do not fit.
pub fn model(
    data: &[ModalitySpec],
    parts: &Parts,
    unimodal_heads: bool,
    outputs: usize,
    seed: u64,
) -> Result<AnyModel, Error> {
    let encoder = |m: &ModalitySpec| match m.shape.len() {
        1 => EncoderConfig::new(MlpConfig { widths: vec![6] }),
        _ => EncoderConfig::new(ConvNetConfig { channels: vec![4, 6] }),
    };
    let config = LateFusionConfig {
        encoders: data.iter().map(|m| (m.name.clone(), encoder(m))).collect(),
        fusion: parts.fusion.clone(),
        head: parts.head.clone(),
        ..LateFusionConfig::default()
    };
    config.build(data, outputs, unimodal_heads, seed, &crate::device::device())
}
