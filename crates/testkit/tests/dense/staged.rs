//! Dense fusion: who hears whom through the exchanges, and whose statistics move.

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::grad::{Cut, Evaluator, PerRow, StepContext};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{BnPolicy, BufferKey, Buffers, ForwardContext, Init};
use counterpoint::modality::{Modality, Present};
use counterpoint::model::encoder::{ConvNetConfig, EncoderConfig, Stream};
use counterpoint::model::{
    AnyModel, CrossAttentionExchangeConfig, Exchange, ExchangeConfig, Mmtm, MmtmConfig, Model, ModelConfig,
    Partition, SeAddConfig, StagedConfig,
};
use counterpoint::peers::Alone;
use counterpoint::step::{Group, LossTerm, Need, Phase};
use counterpoint::strategy::{Dgl, Joint, StrategyConfig};
use counterpoint::task::Classification;
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{Named, evaluate, norm, position, same, staged};
use counterpoint_testkit::parameters::{replaced, values};
use counterpoint_testkit::problem::Problem;

const A: Modality = Modality(0);
const B: Modality = Modality(1);

/// Two modalities, one transfer module, one layer after it.
fn toy() -> (AnyModel, Inputs, Problem) {
    let problem = Problem::new(2, 9, 9, 3);
    let model = staged()[0].build(problem.modalities(), 3, false, 1, &Device::flex()).unwrap();
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    (model, inputs, problem)
}

fn dgl(alpha: f64) -> StrategyConfig {
    StrategyConfig::from(Dgl {
        alpha: alpha.into(),
        truncate_multimodal: true,
        truncate_unimodal: true,
        ..Dgl::default()
    })
}

fn trained(model: &AnyModel, inputs: &Inputs, strategy: &StrategyConfig) -> (Named, Buffers) {
    let mut buffers = Buffers::default();
    let mut strategy = strategy.build(model.modalities()).unwrap();
    let task = Classification::new(3);
    let mut seen = evaluate(&Cut, model, inputs, &task, strategy.as_mut(), &mut buffers).unwrap();
    (seen.remove(0).gradients, buffers)
}

/// A stream hears nothing of another's loss, the fused loss leaves no gradient on
/// streams, and fusion and head learn as in joint training.
#[test]
fn dgl_keeps_streams_apart_and_trains_exchanges_as_joint_training_does() {
    let (model, inputs, _) = toy();
    let groups = model.groups();
    let task = Classification::new(3);
    // Every term's own gradients, unrouted.
    for evaluator in [&PerRow as &dyn Evaluator<AnyModel>, &Cut] {
        let mut joint = StrategyConfig::from(Joint {}).build(model.modalities()).unwrap();
        let phase = Phase::of([LossTerm::Fused, LossTerm::Unimodal(A), LossTerm::Unimodal(B)])
            .needing(Need::EncoderTerms);
        let context = StepContext {
            model: &model,
            groups: &groups,
            inputs: &inputs,
            task: &task,
            at: position(),
            peers: &Alone,
        };
        let mut buffers = Buffers::default();
        let mut pass = ForwardContext::train(&mut buffers);
        let (_, record) = evaluator.evaluate(context, &phase, joint.as_mut(), &mut pass).unwrap();
        for (term, other) in [(LossTerm::Unimodal(A), B), (LossTerm::Unimodal(B), A)] {
            for (i, p) in groups.parameters().iter().enumerate() {
                let heard = record.terms[&term].get(i).is_some();
                assert!(!heard || p.group != Group::Encoder(other), "{term:?} reaches {}", p.name);
            }
        }
    }
    let (of_dgl, _) = trained(&model, &inputs, &dgl(3.0));
    let (of_joint, _) = trained(&model, &inputs, &StrategyConfig::from(Joint {}));
    let fused = |all: &Named| -> Named {
        let of = |(name, _): &(&String, &Vec<f32>)| name.starts_with("fusion.") || name.starts_with("head.");
        all.iter().filter(of).map(|(name, values)| (name.clone(), values.clone())).collect()
    };
    assert_eq!(fused(&of_dgl).len(), 8); // squeeze, two gates, head
    same(&fused(&of_dgl), &fused(&of_joint), 1e-6).unwrap();
    // Streams hear their own loss only: joint training gives them another gradient.
    same(&of_dgl, &of_joint, 1e-2).unwrap_err();
    // Without a unimodal loss they hear nothing at all.
    let (silent, _) = trained(&model, &inputs, &dgl(0.0));
    assert_eq!(silent, fused(&silent));
}

/// The statistics of the fused term are those of joint training.
#[test]
fn the_full_buffer_moves_as_in_joint_training_and_every_row_has_its_own() {
    let problem = Problem::new(2, 9, 9, 3);
    // Both streams are images here, so that both have batch norm after the exchange.
    let config = StagedConfig {
        encoder: EncoderConfig::new(ConvNetConfig { channels: vec![4, 6] }),
        after: vec![1],
        ..StagedConfig::default()
    };
    let images = Images::new(&problem);
    let model = ModelConfig::new(config).build(&images.spec, 3, false, 1, &Device::flex()).unwrap();
    let (_, of_dgl) = trained(&model, &images.inputs, &dgl(3.0));
    let (_, of_joint) = trained(&model, &images.inputs, &StrategyConfig::from(Joint {}));
    let all = Present::all(2);
    let of = |buffers: &Buffers, wanted: BufferKey| -> Named {
        let with_key = buffers.iter().filter(|(_, key, _)| *key == wanted);
        with_key.map(|(id, _, running)| (id.val().to_string(), host(running.mean.clone()))).collect()
    };
    for key in [BufferKey::Single, BufferKey::Subset(all)] {
        assert_eq!(of(&of_dgl, key).len(), 2);
        same(&of(&of_dgl, key), &of(&of_joint, key), 1e-6).unwrap();
    }
    let own = of(&of_dgl, BufferKey::Subset(Present::only(A)));
    assert_eq!(own.len(), 1);
    assert!(of(&of_joint, BufferKey::Subset(Present::only(A))).is_empty());
    // The layer sees other numbers without its partner.
    let (id, mean) = own.first_key_value().unwrap();
    assert_ne!(mean, &of(&of_dgl, BufferKey::Subset(all))[id]);
}

/// Two image modalities.
struct Images {
    spec: Vec<counterpoint_batch::ModalitySpec>,
    inputs: Inputs,
}

impl Images {
    fn new(problem: &Problem) -> Self {
        let mut batch = problem.whole();
        batch.inputs[1] = batch.inputs[0].clone();
        let first = &problem.modalities()[0];
        let spec = vec![first.clone(), counterpoint_batch::ModalitySpec::new("image", first.shape.clone())];
        Self { spec, inputs: Inputs::new(batch, &Device::flex()) }
    }
}

fn stream(numbers: &[f32], shape: [usize; 4]) -> Stream {
    Stream { maps: Tensor::from_data(TensorData::new(numbers.to_vec(), shape), &Device::flex()), frames: 1 }
}

#[test]
fn a_transfer_module_of_zeros_halves_its_input() {
    let init = Init::new(0, &Device::flex());
    let module = Mmtm::new(&[2, 3], 4, &init);
    let mut groups = counterpoint::step::Groups::default();
    groups.add(Group::Fusion, "fusion", &module);
    let module = replaced(module, &groups, |name| {
        let p = groups.parameters().iter().find(|p| p.name == name).unwrap();
        Some(vec![0.0; p.shape.iter().product()])
    });
    let a: Vec<f32> = (0..8).map(|i| i as f32).collect();
    let b: Vec<f32> = (0..3).map(|i| -1.0 - i as f32).collect();
    let out = module.forward(vec![Some(stream(&a, [1, 2, 2, 2])), Some(stream(&b, [1, 3, 1, 1]))]);
    let half = |v: &[f32]| v.iter().map(|x| x / 2.0).collect::<Vec<_>>();
    assert_eq!(host(out[0].clone().unwrap().maps.inner()), half(&a));
    assert_eq!(host(out[1].clone().unwrap().maps.inner()), half(&b));
}

/// The gate of A is a function of B where B is there, and of nothing where it is not.
#[test]
fn a_gate_listens_to_the_other_stream_only_when_that_is_present() {
    let module = Mmtm::new(&[2, 2], 1, &Init::new(3, &Device::flex()));
    let a = || Some(stream(&[1.0, 2.0], [1, 2, 1, 1]));
    let gated = |b: Option<f32>| {
        let b = b.map(|b| stream(&[b, -0.5], [1, 2, 1, 1]));
        host(module.forward(vec![a(), b])[0].clone().unwrap().maps.inner())
    };
    let slope: Vec<f32> =
        gated(Some(0.31)).iter().zip(gated(Some(0.29))).map(|(up, down)| (up - down) / 0.02).collect();
    assert!(norm(&slope) > 1e-3, "{slope:?}");
    // Alone, A's gate is that of zeros in B's place.
    let zeros = Some(stream(&[0.0, 0.0], [1, 2, 1, 1]));
    let of_zeros = host(module.forward(vec![a(), zeros])[0].clone().unwrap().maps.inner());
    assert_eq!(gated(None), of_zeros);
    // In the model: B's pixels change the fused term and not A's own.
    let (model, inputs, problem) = toy();
    let mut batch = problem.whole();
    let bumped = batch.inputs[1].array.values().iter().map(|v| v + 0.5).collect();
    batch.inputs[1].array =
        counterpoint_batch::Array::new(batch.inputs[1].array.shape().to_vec(), bumped).unwrap();
    let other = Inputs::new(batch, &Device::flex());
    let scores = |inputs: &Inputs, term| {
        let mut buffers = Buffers::default();
        let terms = [(term, (0..9).collect())];
        host(model.forward(&terms, inputs, &mut ForwardContext::train(&mut buffers)).remove(0).scores.inner())
    };
    assert_ne!(scores(&inputs, LossTerm::Fused), scores(&other, LossTerm::Fused));
    assert_eq!(scores(&inputs, LossTerm::Unimodal(A)), scores(&other, LossTerm::Unimodal(A)));
}

#[test]
fn the_cut_partition_gives_layers_behind_the_exchange_to_the_fusion() {
    let problem = Problem::new(2, 9, 9, 3);
    let groups = |partition, shared| {
        let Some(config) = staged().remove(0).get::<StagedConfig>().cloned() else { panic!("staged") };
        let config = ModelConfig::new(StagedConfig { partition, shared, ..config });
        config.build(problem.modalities(), 3, false, 1, &Device::flex()).unwrap().groups()
    };
    let group = |groups: &counterpoint::step::Groups, name: &str| {
        groups.parameters().iter().find(|p| p.name == name).map(|p| p.group)
    };
    let streams = groups(Partition::Streams, false);
    let cut = groups(Partition::Cut, false);
    assert_eq!(group(&streams, "encoder.audio.blocks.1.0.weight"), Some(Group::Encoder(A)));
    assert_eq!(group(&cut, "encoder.audio.blocks.1.0.weight"), Some(Group::Fusion));
    assert_eq!(group(&cut, "encoder.audio.blocks.0.0.weight"), Some(Group::Encoder(A)));
    // Shared stages are the first stream's, belong to all, and exist once.
    let shared = groups(Partition::Streams, true);
    assert_eq!(group(&shared, "encoder.audio.blocks.1.0.weight"), Some(Group::Fusion));
    assert_eq!(group(&streams, "encoder.image.layers.1.weight"), Some(Group::Encoder(B)));
    assert_eq!(group(&shared, "encoder.image.layers.1.weight"), None);
}

/// Frames are folded into the batch; exchanges and head see a sample, not a frame.
#[test]
fn frames_in_another_order_give_the_same_scores_and_another_number_of_frames_works() {
    let spec = [
        counterpoint_batch::ModalitySpec::new("audio", [1, 6, 5]),
        counterpoint_batch::ModalitySpec::new("image", [2, 3, 4, 4]),
    ];
    for exchange in [
        ExchangeConfig::new(MmtmConfig { ratio: 2 }),
        ExchangeConfig::new(SeAddConfig { reduction: 2 }),
        ExchangeConfig::new(CrossAttentionExchangeConfig { heads: 1, width: 3 }),
    ] {
        let config = StagedConfig {
            encoder: EncoderConfig::new(ConvNetConfig { channels: vec![4, 6] }),
            after: vec![1, 2],
            exchange: exchange.clone(),
            batch_norm: BnPolicy::FusedOnly,
            ..StagedConfig::default()
        };
        let model = ModelConfig::new(config).build(&spec, 3, false, 1, &Device::flex()).unwrap();
        let numbers: Vec<f32> = (0..2 * 3 * 16).map(|i| (i as f32 * 0.37).sin()).collect();
        let scores = |order: [usize; 3]| {
            let frames: Vec<f32> = (0..2)
                .flat_map(|c| order.iter().flat_map(move |t| (0..16).map(move |p| (c * 3 + t) * 16 + p)))
                .map(|i| numbers[i])
                .collect();
            let column = |values: Vec<f32>, shape: Vec<usize>| counterpoint_batch::Input {
                array: counterpoint_batch::Array::new(shape, values).unwrap(),
                present: vec![true],
                lengths: None,
            };
            let audio = (0..30).map(|i| (i as f32 * 0.61).cos()).collect();
            let batch = counterpoint_batch::Batch {
                ids: vec!["0".into()],
                inputs: vec![column(audio, vec![1, 1, 6, 5]), column(frames, vec![1, 2, 3, 4, 4])],
                targets: counterpoint_batch::Targets::Classes(vec![0]),
            };
            let inputs = Inputs::new(batch, &Device::flex());
            let buffers = Buffers::default();
            host(
                model
                    .forward(&[(LossTerm::Fused, vec![0])], &inputs, &mut ForwardContext::eval(&buffers))
                    .remove(0)
                    .scores
                    .inner(),
            )
        };
        let (there, back) = (scores([0, 1, 2]), scores([2, 0, 1]));
        let close = there.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close, "{exchange:?}: {there:?} {back:?}");
        assert!(norm(&there) > 0.0);
    }
    // Every exchange lets every modality's loss through.
    let (model, inputs, _) = toy();
    let (gradients, _) = trained(&model, &inputs, &dgl(1.0));
    let named = values(&model, &model.groups());
    assert!(named.keys().all(|name| norm(&gradients[name]) > 0.0), "{:?}", gradients.keys());
}
