//! Heads by hand, and parts that refuse each other by name.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::ErrorKind;
use counterpoint::feature::Feature;
use counterpoint::host::host;
use counterpoint::layer::{Buffers, ForwardContext, Init};
use counterpoint::modality::{Modality, Present};
use counterpoint::model::encoder::{EncoderConfig, MlpConfig};
use counterpoint::model::fusion::{
    BilinearConfig, Combine, Concat, ConcatConfig, CrossAttentionConfig, EnsembleConfig, FusionConfig,
    GatedConfig, LowRankConfig,
};
use counterpoint::model::head::{
    Activation, CosineHead, CosineHeadConfig, Head, HeadConfig, HeadSettings, LinearHeadConfig, MlpHeadConfig,
};
use counterpoint::model::{Boxed, LateFusion, LateFusionConfig, Model, ModelSettings};
use counterpoint::step::{Group, LossTerm};
use counterpoint::strategy::Joint;
use counterpoint::task::Classification;
use counterpoint_batch::{ModalitySpec, Targets};
use counterpoint_testkit::conformance::{Parts, model, norm};
use counterpoint_testkit::problem::Problem;

use crate::fixture::*;

fn rows<const N: usize>(values: [f32; N], width: usize) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [N / width, width]), &Device::flex())
}

fn cosine(weight: Tensor<2>, parts: &[usize], scale: f64) -> CosineHead {
    let mut head = CosineHead::new(parts, weight.dims()[0], scale, &Init::new(0, &Device::flex()));
    head.weight = Param::initialized(head.weight.id, weight);
    head
}

#[test]
fn cosine_scores_by_hand() {
    let head = cosine(rows([1.0, 0.0, 0.0, 2.0], 2), &[2], 10.0);
    near(&host(head.forward(rows([3.0, 4.0], 2))), &[6.0, 8.0], 1e-5);
}

#[test]
fn cosine_scores_ignore_the_scale_of_features_and_rows_and_are_bounded() {
    let weight = [0.3, -1.0, 2.0, 0.1, 0.5, 0.5, -0.2, 1.0, 1.0, -3.0, 0.0, 0.7];
    let z = [1.0, -2.0, 0.5, 3.0];
    let scores = |weight, z| host(cosine(rows::<12>(weight, 4), &[1, 3], 10.0).forward(rows::<4>(z, 4)));
    let is = scores(weight, z);
    assert!(is.iter().all(|s| s.abs() <= 20.0 + 1e-4), "{is:?}");
    let should: Vec<f64> = is.iter().map(|v| f64::from(*v)).collect();
    // The second modality's features and the third row's second part, scaled up.
    near(&scores(weight, [1.0, -20.0, 5.0, 30.0]), &should, 1e-4);
    let mut scaled = weight;
    scaled[9..].iter_mut().for_each(|w| *w *= 7.0);
    near(&scores(scaled, z), &should, 1e-4);
    // Negative control: one cosine over the whole vector would not ignore it.
    let whole = |z| host(cosine(rows::<12>(weight, 4), &[4], 10.0).forward(rows::<4>(z, 4)));
    let [plain, scaled] = [z, [1.0, -20.0, 5.0, 30.0]].map(whole);
    assert!(plain.iter().zip(&scaled).any(|(a, b)| (a - b).abs() > 0.1));
}

#[test]
fn the_gradient_of_cosines_is_orthogonal_to_the_features_and_finite_at_zero() {
    let init = Init::new(2, &Device::flex());
    let make = |widths: &[usize]| {
        let shift = |(i, &w): (usize, &usize)| Boxed::new(Shift::new(w, &init.part(i)));
        let head =
            HeadConfig::new(CosineHeadConfig { scale: 10.0 }).build(widths, 3, &init.part("head")).unwrap();
        let encoders = widths.iter().enumerate().map(shift).collect();
        LateFusion::new(names(2), encoders, Boxed::new(Concat::new(widths)), Some(head), Vec::new()).unwrap()
    };
    let model = make(&[2, 3]);
    let of = |z1: Vec<f32>, z2: Vec<f32>| {
        let inputs = inputs(&[(z1, 2), (z2, 3)], Targets::Classes(vec![1]));
        step(&model, &inputs, &Classification::new(3), &mut Joint {}).gradients
    };
    let g = of(vec![1.0, 2.0], vec![0.5, -1.0, 3.0]);
    let at_z1 = &g["encoder.audio.shift"];
    assert!(norm(at_z1) > 1e-3);
    assert!((at_z1[0] + 2.0 * at_z1[1]).abs() < 1e-5, "{at_z1:?}");
    // A dead encoder gives zeros: no direction, no gradient, nothing undefined.
    let dead = of(vec![0.0, 0.0], vec![0.5, -1.0, 3.0]);
    assert!(dead.values().flatten().all(|v| v.is_finite()), "{dead:?}");
}

#[test]
fn full_and_half_bias_differ_by_a_constant_shift() {
    let (model, inputs) = f1();
    let all = vec![0];
    let mut buffers = Buffers::default();
    let terms =
        [(LossTerm::Fused, all.clone()), (LossTerm::Unimodal(A), all.clone()), (LossTerm::Unimodal(B), all)];
    let scores = model.forward(&terms, &inputs, &mut ForwardContext::train(&mut buffers));
    let of = |i: usize| host(scores[i].scores.clone().inner());
    near(&of(1), &[1.1, 1.8, 0.0], 1e-6);
    near(&of(2), &[-0.4, -0.45, -0.5], 1e-6);
    // The full-bias outputs add up to the fused one and b (M - 1) more.
    let expected: Vec<f64> = (0..3).map(|k| f64::from(of(0)[k]) + f64::from(BIAS[k])).collect();
    near(&of(1).iter().zip(of(2)).map(|(a, b)| a + b).collect::<Vec<_>>(), &expected, 1e-6);
}

#[test]
fn an_auxiliary_row_reads_the_unimodal_head_if_there_is_one() {
    let problem = Problem::new(2, 6, 6, 1);
    let inputs = counterpoint::input::Inputs::new(problem.whole(), &Device::flex());
    let data = counterpoint_batch::BatchSource::modalities(&problem);
    let of = |parts: &Parts, unimodal_heads: bool| {
        let model = model(data, parts, unimodal_heads, 3, 1).unwrap();
        let all: Vec<usize> = (0..6).collect();
        let terms = [(LossTerm::Unimodal(A), all.clone()), (LossTerm::Auxiliary(A), all)];
        let mut buffers = Buffers::default();
        let scored = model.forward(&terms, &inputs, &mut ForwardContext::train(&mut buffers));
        let unimodal = model.groups().groups().contains(&Group::UnimodalHead(A));
        assert_eq!(unimodal, unimodal_heads);
        let [unimodal, aux] = [0, 1].map(|i| host(scored[i].scores.clone().inner()));
        (unimodal, aux)
    };
    for parts in counterpoint_testkit::conformance::parts() {
        let (unimodal, aux) = of(&parts, false);
        // Without unimodal heads it is the unimodal term, while biases are 0 and rates 1.
        assert_eq!(unimodal, aux, "{parts:?}");
        let (unimodal, aux) = of(&parts, true);
        assert_ne!(unimodal, aux, "{parts:?}");
    }
}

fn built(fusion: FusionConfig, head: HeadConfig, widths: [usize; 2], outputs: usize) -> counterpoint::Error {
    let data = [ModalitySpec::new("audio", [5]), ModalitySpec::new("image", [7])];
    let encoder =
        |(m, w): (&ModalitySpec, usize)| (m.name.clone(), EncoderConfig::new(MlpConfig { widths: vec![w] }));
    let encoders = data.iter().zip(widths).map(encoder).collect();
    let config = LateFusionConfig { encoders, fusion, head, ..LateFusionConfig::default() };
    config.build(&data, outputs, false, 0, &Device::flex()).expect_err("these parts do not fit")
}

#[track_caller]
fn says(error: &counterpoint::Error, kind: ErrorKind, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn parts_that_do_not_fit_are_refused_by_name() {
    let linear = HeadConfig::new(LinearHeadConfig {});
    let fused = FusionConfig::new(BilinearConfig { dims: 64, full: true, width: None });
    let ensemble = |weights| FusionConfig::new(EnsembleConfig { weights, rate: false });
    let both = ["audio 6", "image 8"];
    let shape = |fusion: FusionConfig, words: &[&str]| {
        says(&built(fusion, linear.clone(), [6, 8], 3), ErrorKind::Shape, &[words, &both].concat());
    };
    shape(fused, &["bilinear", "equal width", "[6, 8]"]);
    shape(ensemble(Combine::Mean), &["ensemble", "equal width", "[6, 8]"]);
    shape(
        FusionConfig::new(CrossAttentionConfig { heads: 3, width: None }),
        &["cross-attention", "width 8", "3 heads"],
    );
    let config = |fusion, outputs, words: &[&str]| {
        says(&built(fusion, linear.clone(), [6, 6], outputs), ErrorKind::Config, words);
    };
    config(ensemble(Combine::Entropy), 1, &["ensemble", "entropy", "2 classes"]);
    config(
        FusionConfig::new(BilinearConfig { dims: 0, full: false, width: None }),
        3,
        &["bilinear", "dims", "0"],
    );
    config(FusionConfig::new(LowRankConfig { rank: 0, width: None }), 3, &["low-rank", "rank", "0"]);
    config(
        FusionConfig::new(CrossAttentionConfig { heads: 0, width: None }),
        3,
        &["cross-attention", "heads", "0"],
    );
    config(FusionConfig::new(GatedConfig { width: Some(0) }), 3, &["gated", "width", "0"]);
}

#[test]
fn the_cosine_head_takes_concat_only() {
    for parts in counterpoint_testkit::conformance::parts() {
        if !parts.fusion.is::<ConcatConfig>() {
            let error =
                built(parts.fusion.clone(), HeadConfig::new(CosineHeadConfig { scale: 10.0 }), [6, 6], 3);
            says(&error, ErrorKind::Config, &["cosine", parts.fusion.name(), "concat"]);
        }
    }
    for scale in [0.0, -1.0, f64::NAN] {
        let error =
            built(FusionConfig::new(ConcatConfig {}), HeadConfig::new(CosineHeadConfig { scale }), [6, 8], 3);
        says(&error, ErrorKind::Config, &["cosine", "scale"]);
    }
}

#[test]
fn a_shared_head_and_its_rate_belong_to_head_and_fusion() {
    let problem = Problem::new(2, 6, 6, 1);
    let relu = HeadConfig::new(MlpHeadConfig { hidden: 5, activation: Activation::Relu });
    let parts =
        Parts { fusion: FusionConfig::new(EnsembleConfig { weights: Combine::Sum, rate: true }), head: relu };
    let model = model(counterpoint_batch::BatchSource::modalities(&problem), &parts, false, 3, 1).unwrap();
    let groups = model.groups();
    let named = |group| {
        let of = groups.parameters().iter().filter(|p| p.group == group);
        of.map(|p| p.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(Group::Fusion), ["fusion.rate"]);
    assert_eq!(named(Group::Head), ["head.fc1.weight", "head.fc1.bias", "head.fc2.weight", "head.fc2.bias"]);
    // One head for both: a unimodal term of either reaches it and no other encoder.
    let none = vec![None, Some(Feature::of(Tensor::<2>::zeros([1, 6], &Device::flex())))];
    let mut buffers = Buffers::default();
    let term = LossTerm::Subset(Present::only(Modality(1)));
    let scores = model.join(term, &none, &mut ForwardContext::train(&mut buffers)).scores;
    assert_eq!(scores.dims(), [1, 3]);
}

#[test]
fn additive_models_are_those_whose_unimodal_scores_add_up() {
    let problem = Problem::new(3, 6, 6, 1);
    let data = counterpoint_batch::BatchSource::modalities(&problem);
    let inputs = counterpoint::input::Inputs::new(problem.whole(), &Device::flex());
    let all: Vec<usize> = (0..6).collect();
    let mut additive = 0;
    for parts in counterpoint_testkit::conformance::parts() {
        let Parts { fusion, head } = parts.clone();
        let claimed = LateFusionConfig { fusion, head, ..LateFusionConfig::default() }.facts().additive;
        let terms: Vec<_> = [LossTerm::Fused]
            .into_iter()
            .chain((0..3).map(|m| LossTerm::Unimodal(Modality(m))))
            .map(|r| (r, all.clone()))
            .collect();
        let model = model(data, &parts, false, 3, 1).unwrap();
        let mut buffers = Buffers::default();
        let scored = model.forward(&terms, &inputs, &mut ForwardContext::train(&mut buffers));
        let of = |i: usize| host(scored[i].scores.clone().inner());
        let sum: Vec<f32> = (0..18).map(|i| of(1)[i] + of(2)[i] + of(3)[i]).collect();
        // Biases are 0 at the start, so nothing is counted twice.
        let gap = sum.iter().zip(of(0)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert_eq!(claimed, gap < 1e-4, "{parts:?}: {gap}");
        additive += usize::from(claimed);
    }
    assert_eq!(additive, 4, "concat under a linear and a cosine head, sum, and the summed ensemble");
}

#[test]
fn a_relu_head_differs_from_a_tanh_head() {
    let build = |activation| {
        let config = HeadConfig::new(MlpHeadConfig { hidden: 4, activation });
        config.build(&[2], 3, &Init::new(1, &Device::flex())).unwrap()
    };
    let x = rows([1.0, -2.0], 2);
    let [tanh, relu] =
        [Activation::Tanh, Activation::Relu].map(|a| host(build(a).forward(x.clone()).inner()));
    assert_ne!(tanh, relu);
    let linear = LinearHeadConfig {}.build(&[2], 3, &Init::new(1, &Device::flex())).unwrap();
    assert_eq!(host(linear.forward(x).inner()).len(), 3);
}
