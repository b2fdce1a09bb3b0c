//! RGB-D segmentation: who learns from what, at five meetings.

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, PerRow, StepContext};
use counterpoint::input::Inputs;
use counterpoint::layer::{BufferKey, Buffers, ForwardContext};
use counterpoint::math::random::Random;
use counterpoint::modality::{Modality, Present};
use counterpoint::model::encoder::BlockKind;
use counterpoint::model::esanet::EsaNetConfig;
use counterpoint::model::{AnyModel, Model, ModelSettings};
use counterpoint::peers::Alone;
use counterpoint::step::{Group, LossTerm, Need};
use counterpoint::strategy::{Dgl, Joint, Strategy};
use counterpoint::task::Segmentation;
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};
use counterpoint_testkit::conformance::{
    Evaluated, Named, agree_in_families, evaluate, part, position, same_in_families,
};

const RGB: Modality = Modality(0);
const DEPTH: Modality = Modality(1);
const CLASSES: usize = 3;
/// Not a multiple of 32 along either side.
const SIZE: [usize; 2] = [24, 40];

fn network(names: &[&str], block: BlockKind) -> AnyModel {
    let config = EsaNetConfig {
        width: 4,
        blocks: [1, 1, 1, 1],
        block,
        decoder_blocks: 1,
        se_reduction: 4,
        ..EsaNetConfig::default()
    };
    let channels = |name: &str| if name == "rgb" { 3 } else { 1 };
    let spec: Vec<ModalitySpec> =
        names.iter().map(|name| ModalitySpec::new(*name, [channels(name), SIZE[0], SIZE[1]])).collect();
    config.build(&spec, CLASSES, false, 5, &Device::flex()).unwrap()
}

fn inputs(channels: &[usize]) -> Inputs {
    let (count, pixels) = (3, SIZE[0] * SIZE[1]);
    let mut random = Random::new(1, &["pictures"]);
    let mut column = |&channels: &usize| {
        let values = (0..count * channels * pixels).map(|_| random.normal() as f32).collect();
        let array = Array::new([count, channels, SIZE[0], SIZE[1]], values).unwrap();
        Input { array, present: vec![true; count], lengths: None }
    };
    let inputs = channels.iter().map(&mut column).collect();
    let mut random = Random::new(1, &["labels"]);
    let label = |_| if random.uniform() < 0.1 { 255 } else { random.below(CLASSES) as u8 };
    let targets =
        Targets::Maps { height: SIZE[0], width: SIZE[1], pixels: (0..count * pixels).map(label).collect() };
    let ids = (0..count).map(|i| i.to_string()).collect();
    Inputs::new(Batch { ids, inputs, targets }, &Device::flex())
}

fn task() -> Segmentation {
    Segmentation::new(SIZE, vec![1.0, 0.5, 2.0], &[1, 8, 16, 32]).unwrap()
}

fn dgl(truncate: bool, alpha: f64) -> Dgl {
    Dgl { alpha: alpha.into(), truncate_multimodal: truncate, truncate_unimodal: truncate, ..Dgl::default() }
}

fn by(
    evaluator: &dyn Evaluator<AnyModel>,
    model: &AnyModel,
    strategy: &mut dyn Strategy,
) -> (Vec<Evaluated>, Buffers) {
    let mut buffers = Buffers::default();
    let channels: &[usize] = if model.modalities().len() == 2 { &[3, 1] } else { &[3] };
    let seen = evaluate(evaluator, model, &inputs(channels), &task(), strategy, &mut buffers).unwrap();
    (seen, buffers)
}

/// Gradients of everything but the encoders.
fn phi(of: &Evaluated) -> Named {
    let shared = of.gradients.iter().filter(|(name, _)| !name.starts_with("encoder."));
    shared.map(|(name, values)| (name.clone(), values.clone())).collect()
}

#[test]
fn a_loss_of_one_modality_has_no_gradient_for_the_others_encoder() {
    let model = network(&["rgb", "depth"], BlockKind::NonBottleneck1D);
    let groups = model.groups();
    let (inputs, task) = (inputs(&[3, 1]), task());
    let mut everything = dgl(false, 1.0);
    let phase = everything.phases(position(), model.modalities()).remove(0).needing(Need::EncoderTerms);
    for evaluator in [&PerRow as &dyn Evaluator<AnyModel>, &Cut] {
        let context = StepContext {
            model: &model,
            groups: &groups,
            inputs: &inputs,
            task: &task,
            at: position(),
            peers: &Alone,
        };
        let mut buffers = Buffers::default();
        let pass = &mut ForwardContext::train(&mut buffers);
        let (_, record) = evaluator.evaluate(context, &phase, &mut everything, pass).unwrap();
        let reached = |term: LossTerm, m: Modality| {
            let of = |i: usize| groups.parameters()[i].group == Group::Encoder(m);
            let some = (0..groups.parameters().len()).any(|i| of(i) && record.terms[&term].get(i).is_some());
            (some, record.terms[&term].norm(of))
        };
        assert_eq!(reached(LossTerm::Unimodal(DEPTH), RGB), (false, 0.0));
        assert_eq!(reached(LossTerm::Unimodal(RGB), DEPTH), (false, 0.0));
        for (term, m) in [
            (LossTerm::Fused, RGB),
            (LossTerm::Fused, DEPTH),
            (LossTerm::Unimodal(RGB), RGB),
            (LossTerm::Unimodal(DEPTH), DEPTH),
        ] {
            assert!(reached(term, m).1 > 1e-3, "{term:?} reaches {m:?}");
        }
    }
}

#[test]
fn fusion_context_and_decoder_learn_under_dgl_as_under_joint_training() {
    for block in [BlockKind::NonBottleneck1D, BlockKind::Basic] {
        let model = network(&["rgb", "depth"], block);
        let joint = phi(&by(&Cut, &model, &mut Joint {}).0[0]);
        let under = |strategy: &mut dyn Strategy| phi(&by(&Cut, &model, strategy).0[0]);
        same_in_families(&under(&mut dgl(true, 3.0)), &joint, 1e-6, part).unwrap();
        same_in_families(&under(&mut dgl(false, 3.0)), &joint, 1e-3, part).unwrap_err();
    }
}

#[test]
fn rows_together_and_one_after_another_give_the_same_gradients_and_statistics() {
    for block in [BlockKind::NonBottleneck1D, BlockKind::Basic] {
        let model = network(&["rgb", "depth"], block);
        for truncate in [true, false] {
            let cut = by(&Cut, &model, &mut dgl(truncate, 2.0));
            let terms = by(&PerRow, &model, &mut dgl(truncate, 2.0));
            agree_in_families((&cut.0, &cut.1), (&terms.0, &terms.1), 1e-5, part).unwrap();
            let scaled = by(&PerRow, &model, &mut dgl(truncate, 2.1));
            agree_in_families((&cut.0, &cut.1), (&scaled.0, &scaled.1), 1e-3, part).unwrap_err();
        }
    }
}

#[test]
fn every_layer_keeps_the_statistics_of_the_rows_that_run_it() {
    let model = network(&["rgb", "depth"], BlockKind::NonBottleneck1D);
    let (_, buffers) = by(&Cut, &model, &mut dgl(true, 1.0));
    let groups = model.groups();
    let keys = |layer: &str| -> Vec<BufferKey> {
        let weight = groups.parameters().iter().find(|p| p.name == format!("{layer}.weight")).unwrap();
        buffers.iter().filter(|(id, ..)| *id == weight.id).map(|(_, key, _)| key).collect()
    };
    let [rgb, depth, both] =
        [vec![RGB], vec![DEPTH], vec![RGB, DEPTH]].map(|of| BufferKey::Subset(Present::of(of)));
    assert_eq!(keys("encoder.rgb.bn1"), [BufferKey::Single]);
    assert_eq!(keys("encoder.depth.layer4.0.bn2"), [BufferKey::Single]);
    assert_eq!(keys("encoder.rgb.layer4.0.bn2"), [rgb, both], "depth alone runs no stage of rgb");
    assert_eq!(keys("fusion.decoder.2.conv3x3.bn"), [rgb, depth, both]);
}

#[test]
fn scores_come_for_every_pixel_of_four_sizes_rounded_up() {
    let model = network(&["rgb", "depth"], BlockKind::NonBottleneck1D);
    let terms = [LossTerm::Fused, LossTerm::Unimodal(RGB), LossTerm::Unimodal(DEPTH)]
        .map(|term| (term, vec![0, 1, 2]));
    let mut buffers = Buffers::default();
    let scored = model.forward(&terms, &inputs(&[3, 1]), &mut ForwardContext::train(&mut buffers));
    // 24x40, 3x5, 2x3 and 1x2.
    for (scored, present) in scored.iter().zip([[true, true], [true, false], [false, true]]) {
        assert_eq!(scored.scores.dims(), [3 * (960 + 15 + 6 + 2), CLASSES]);
        let widths = scored.features.iter().map(|z| z.as_ref().map(|z| z.dims()));
        assert!(widths.eq(present.map(|present| present.then_some([3, 32]))));
    }
}

#[test]
fn a_network_of_one_modality_is_the_fused_network_without_the_other() {
    let fused = network(&["rgb", "depth"], BlockKind::NonBottleneck1D);
    let unimodal = network(&["rgb"], BlockKind::NonBottleneck1D);
    let loss = |model: &AnyModel, term: LossTerm, channels: &[usize]| {
        let mut buffers = Buffers::default();
        let inputs = inputs(channels);
        let asked = [(term, vec![0, 1, 2])];
        let scored = model.forward(&asked, &inputs, &mut ForwardContext::train(&mut buffers)).remove(0);
        let task: &dyn counterpoint::task::Task = &task();
        counterpoint::host::scalar(task.loss(scored.scores, &inputs.targets_of(&[0, 1, 2])))
    };
    let of_fused = loss(&fused, LossTerm::Unimodal(RGB), &[3, 1]);
    assert_eq!(loss(&unimodal, LossTerm::Fused, &[3]), of_fused);
    assert_ne!(loss(&fused, LossTerm::Fused, &[3, 1]), of_fused);
}

#[test]
fn impossible_settings_are_refused_by_name() {
    let picture = |name: &str, side: usize| ModalitySpec::new(name, [3, side, 32]);
    let refusal = |config: EsaNetConfig, data: &[ModalitySpec]| {
        config.build(data, 4, false, 0, &Device::flex()).unwrap_err().to_string()
    };
    let two = [picture("rgb", 32), picture("depth", 32)];
    let narrow = EsaNetConfig { width: 8, ..EsaNetConfig::default() };
    assert!(refusal(narrow, &two).contains("width 8 is below se_reduction 16"));
    let none = EsaNetConfig { blocks: [1, 0, 1, 1], ..EsaNetConfig::default() };
    assert!(refusal(none, &two).contains("blocks must be positive"));
    let other = EsaNetConfig { main: "colour".into(), ..EsaNetConfig::default() };
    assert!(refusal(other, &two).contains("main = `colour`, but the data has the modalities rgb, depth"));
    let sizes = refusal(EsaNetConfig::default(), &[picture("rgb", 32), picture("depth", 64)]);
    assert!(sizes.contains("pictures of equal size") && sizes.contains("`depth` is [3, 64, 32]"), "{sizes}");
    let vector = refusal(EsaNetConfig::default(), &[ModalitySpec::new("rgb", [7])]);
    assert!(vector.contains("`rgb` is [7]"), "{vector}");
}

#[test]
fn all_parts_of_a_model_of_one_modality_learn_whatever_it_is_called() {
    for (name, channels) in [("rgb", 3), ("depth", 1)] {
        let model = network(&[name], BlockKind::Basic);
        let (inputs, buffers) = (inputs(&[channels]), &mut Buffers::default());
        let mut seen = evaluate(&Cut, &model, &inputs, &task(), &mut Joint {}, buffers).unwrap();
        let learning = seen.remove(0).gradients;
        for parameter in model.groups().parameters() {
            assert!(learning.contains_key(&parameter.name), "{name}: {}", parameter.name);
        }
    }
}
