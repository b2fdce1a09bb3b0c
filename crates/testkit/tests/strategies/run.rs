//! A small training run: points around a center for each class and modality.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::grad::{Cut, PerRow};
use counterpoint::math::random::Random;
use counterpoint::modality::Modalities;
use counterpoint::model::encoder::{EncoderConfig, MlpConfig};
use counterpoint::model::{LateFusionConfig, Model, ModelSettings};
use counterpoint::peers::{Alone, Peers};
use counterpoint::strategy::{
    Dgl, GBlendConfig, Gate, Joint, MlaConfig, NoiseConfig, OgmConfig, PmrConfig, Projection,
    ReconBoostConfig, RelearnConfig, Strategy, StrategyConfig, Tensors, UnimodalConfig,
};
use counterpoint::task::Classification;
use counterpoint::train::{
    Observer, Outcome, Progress, ScheduleConfig, StepReport, TrainConfig, TrainState, Trainer,
};

use counterpoint_batch::{Array, Batch, BatchSource, ModalitySpec, Sample, SourceError, Target, presence};
use counterpoint_testkit::conformance::each_of_catalog;
use counterpoint_testkit::optimizer::sgd;

pub const CLASSES: usize = 3;

/// Samples around one point a class and modality, in batches of 6.
pub struct Points {
    pub spec: Vec<ModalitySpec>,
    pub samples: Vec<Sample>,
}

impl Points {
    /// Some samples lack a modality if `gaps`, never all of them.
    pub fn new(modalities: usize, count: usize, gaps: bool, key: &str) -> Self {
        let spec: Vec<ModalitySpec> =
            (0..modalities).map(|m| ModalitySpec::new(format!("m{m}"), [4 + m])).collect();
        let samples = (0..count).map(|i| {
            let mut random = Random::new(9, &[key, &i.to_string()]);
            let class = i % CLASSES;
            let inputs = spec.iter().enumerate().map(|(m, s)| {
                let width = s.shape[0];
                let values: Vec<f32> = (0..width)
                    .map(|j| if j % CLASSES == class { 1.0 } else { 0.0 } + random.normal() as f32 * 0.3)
                    .collect();
                let lacks = gaps && modalities > 1 && i % 4 == 1 && (i / 4 + m).is_multiple_of(2);
                (!lacks).then(|| Array::new([width], values).unwrap())
            });
            Sample::new(i.to_string(), inputs.collect(), Target::Class(class))
        });
        let samples = samples.collect();
        Self { spec, samples }
    }
}

impl BatchSource for Points {
    fn modalities(&self) -> &[ModalitySpec] {
        &self.spec
    }

    fn samples(&self) -> usize {
        self.samples.len()
    }

    fn batches(&self) -> usize {
        self.samples.len() / 6
    }

    fn presence(&self) -> Vec<Vec<bool>> {
        presence(&self.samples)
    }

    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let order = Random::new(3, &["order", &epoch.to_string()]).permutation(self.samples.len());
        let batch = move |b: usize| {
            let samples = order[b * 6..(b + 1) * 6].iter().map(|&i| self.samples[i].clone()).collect();
            Ok(Batch::collate(samples, &self.spec)?)
        };
        Box::new((from..self.batches()).map(batch))
    }

    fn plain(&self) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let chunks = self.samples.chunks(7);
        Box::new(chunks.map(|samples| Ok(Batch::collate(samples.to_vec(), &self.spec)?)))
    }
}

/// A run of a few epochs on points.
pub struct Run {
    pub train: Points,
    pub validation: Points,
    pub config: TrainConfig,
    pub encoder: EncoderConfig,
    pub unimodal_heads: bool,
    pub per_row: bool,
}

/// Stops after a number of optimizer steps.
pub struct Stopper<'a> {
    after: usize,
    stop: &'a AtomicBool,
}

impl Observer for Stopper<'_> {
    fn step(&mut self, report: &StepReport<'_>) {
        if report.at.iteration() + 1 == self.after {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Run {
    pub fn new(modalities: usize, epochs: usize, gaps: bool) -> Self {
        Self {
            train: Points::new(modalities, 24, gaps, "train"),
            validation: Points::new(modalities, 9, gaps, "validation"),
            config: TrainConfig {
                epochs,
                seed: 1,
                clip: None,
                schedule: ScheduleConfig::default(),
                checkpoint_steps: 0,
            },
            encoder: EncoderConfig::new(MlpConfig { widths: vec![5] }),
            unimodal_heads: true,
            per_row: false,
        }
    }

    pub fn names(&self) -> Modalities {
        Modalities::new(self.train.spec.iter().map(|m| m.name.clone())).unwrap()
    }

    pub fn train_state(&self, strategy: Box<dyn Strategy>) -> TrainState<impl Model + use<>> {
        let config = LateFusionConfig { encoder: self.encoder.clone(), ..LateFusionConfig::default() };
        let model = config.build(&self.train.spec, CLASSES, self.unimodal_heads, 1, &Device::flex()).unwrap();
        let optimizer = sgd(0.05, 0.9, 1e-4);
        TrainState::new(model, optimizer, strategy)
    }

    pub fn go<M: Model>(
        &self,
        state: &mut TrainState<M>,
        progress: Progress,
        stop_after: usize,
        folder: Option<&Path>,
    ) -> Result<Outcome, Error> {
        let stop = AtomicBool::new(false);
        let stopper = &mut Stopper { after: stop_after, stop: &stop };
        self.watched(state, progress, stopper, &stop, folder)
    }

    /// The same under an observer, until `stop` is set.
    pub fn watched<M: Model>(
        &self,
        state: &mut TrainState<M>,
        progress: Progress,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
        folder: Option<&Path>,
    ) -> Result<Outcome, Error> {
        self.shared(state, progress, observer, stop, folder, &Alone)
    }

    /// The same as one of several ranks.
    pub fn shared<M: Model>(
        &self,
        state: &mut TrainState<M>,
        progress: Progress,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
        folder: Option<&Path>,
        peers: &dyn Peers,
    ) -> Result<Outcome, Error> {
        let trainer = Trainer {
            config: &self.config,
            evaluator: if self.per_row { &PerRow } else { &Cut },
            task: &Classification::new(CLASSES),
            train: &self.train,
            validation: &self.validation,
            folder,
            stop,
            device: &Device::flex(),
            diagnostics: &counterpoint::diagnose::Diagnostics::off(),
            peers,
        };
        trainer.run(state, progress, observer)
    }
}

pub fn values<M: Model>(state: &TrainState<M>) -> Vec<(String, Vec<f32>)> {
    let mut all = Vec::new();
    state.visit(|p, values| all.push((p.name.clone(), values)));
    all
}

pub fn encoders(all: &[(String, Vec<f32>)]) -> Vec<&(String, Vec<f32>)> {
    all.iter().filter(|(name, _)| name.starts_with("encoder.")).collect()
}

/// Every strategy of the catalogue that trains all modalities, with its hooks
/// in use early, and whether it needs unimodal heads.
pub fn configs() -> Vec<(StrategyConfig, bool)> {
    let one = UnimodalConfig { modality: Some("m0".into()) };
    let relearn = |over| {
        StrategyConfig::from(RelearnConfig {
            every: 1,
            reset_momentum: true,
            over,
            ..RelearnConfig::default()
        })
    };
    let dgl = || Some(Dgl::default().into());
    let special = vec![
        one.into(),
        Dgl { gate: Some(Gate::Credit), ..Dgl::default() }.into(),
        GBlendConfig::default().into(),
        GBlendConfig { every: Some(2), ..GBlendConfig::default() }.into(),
        OgmConfig { tensors: Tensors::All, ..OgmConfig::default() }.into(),
        PmrConfig { entropy: 0.01, entropy_epochs: 1, ..PmrConfig::default() }.into(),
        MlaConfig::default().into(),
        MlaConfig { projection: Projection::Off, ..MlaConfig::default() }.into(),
        GBlendConfig { every: Some(2), over: dgl(), ..GBlendConfig::default() }.into(),
        NoiseConfig { tensors: Tensors::All, over: Dgl::default().into(), ..NoiseConfig::default() }.into(),
        NoiseConfig { tensors: Tensors::All, over: MlaConfig::default().into(), ..NoiseConfig::default() }
            .into(),
        relearn(Joint {}.into()),
        relearn(Dgl::default().into()),
        relearn(PmrConfig::default().into()),
        ReconBoostConfig { agreement: 0.1, ..ReconBoostConfig::default() }.into(),
    ];
    let all = each_of_catalog(special).into_iter().filter(|config| config.only_modality().is_none());
    all.map(|config| (config.clone(), config.wants_unimodal_heads())).collect()
}
