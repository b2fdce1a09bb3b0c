//! A modality's own term of additive scores, and what OGM makes of it.

use burn::tensor::Device;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext, Init};
use counterpoint::model::fusion::{FusionConfig, SumConfig};
use counterpoint::model::{Boxed, LateFusion, Model};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{OgmConfig, Scores, StrategyConfig, Tensors};
use counterpoint::task::Classification;
use counterpoint_batch::Targets;
use counterpoint_testkit::conformance::{late_fusion, parts};
use counterpoint_testkit::parameters::replaced;

use crate::fixture::*;

/// Scores, ratios and coefficients of one OGM step.
fn figures<M: Model>(model: &M, inputs: &Inputs, classes: usize, scores: Scores) -> Vec<f32> {
    let config = OgmConfig { scores, ge: false, tensors: Tensors::All, ..OgmConfig::default() };
    let mut ogm = StrategyConfig::from(config).build(&names(2)).unwrap();
    step(model, inputs, &Classification::new(classes), ogm.as_mut());
    ogm.stats().iter().map(|figure| figure.value as f32).collect()
}

/// Nothing but the biases `b_audio = (2, 0)` and `b_image = (0, 0)`.
#[test]
fn under_sum_ogm_compares_modalities_with_their_whole_own_bias() {
    let init = Init::new(0, &Device::flex());
    let encoders = ["audio", "image"].map(|name| Boxed::new(Shift::new(2, &init.part(name)))).into();
    let fusion = FusionConfig::new(SumConfig {}).build(&[2, 2], 2, &init.part("fusion")).unwrap();
    let model = LateFusion::new(names(2), encoders, fusion, None, Vec::new()).unwrap();
    let groups = model.groups();
    let model = replaced(model, &groups, |name| match name {
        "fusion.layers.0.bias" => Some(vec![2.0, 0.0]),
        "fusion.layers.0.weight" | "fusion.layers.1.weight" => Some(vec![0.0; 4]),
        _ => None,
    });
    let inputs = inputs(&[(vec![0.3, -1.0], 2), (vec![2.0, 0.1], 2)], Targets::Classes(vec![0]));
    let by_own_bias = [0.880797, 0.5, 1.761594, 0.567668, 0.112660, 1.0];
    near(&figures(&model, &inputs, 2, Scores::HalfBias), &by_own_bias, 1e-5);
    // Negative control: with zeros for the other modality both have both biases.
    near(&figures(&model, &inputs, 2, Scores::ZeroFill), &[0.880797, 0.880797, 1.0, 1.0, 1.0, 1.0], 1e-5);
}

/// `softmax(W_m z_m + b / 2)[0]` on F1: scores (1.05, 1.9, 0) and (-0.45, -0.35, -0.5).
#[test]
fn under_concat_ogm_gives_every_modality_half_of_the_bias() {
    let (model, inputs) = f1();
    let by_half = [0.271033, 0.327182, 0.828386, 1.207167, 1.0, 0.253177];
    near(&figures(&model, &inputs, 3, Scores::HalfBias), &by_half, 1e-5);
    let by_zero_fill = figures(&model, &inputs, 3, Scores::ZeroFill);
    near(&by_zero_fill[..2], &[0.298809, 0.350132], 1e-5);
}

#[test]
fn the_own_terms_of_an_additive_model_add_up_to_its_scores() {
    let mut checked = 0;
    for parts in parts() {
        if !late_fusion(&parts).facts().additive {
            continue;
        }
        for modalities in 1..=3 {
            checked += 1;
            let model = smooth(modalities, 4, &parts, 3, 7);
            let groups = model.groups();
            // Biases start at 0 and would prove nothing.
            let model = replaced(model, &groups, |name| {
                let bias = groups.parameters().iter().find(|p| p.name == name && name.ends_with("bias"))?;
                Some((0..bias.shape[0]).map(|i| i as f32 - 1.5).collect())
            });
            let column = (vec![0.3, -0.2, 0.9, 0.5, -0.4, 0.1, 0.2, -0.8], 4);
            let inputs = inputs(&vec![column; modalities], Targets::Classes(vec![0, 1]));
            let terms =
                std::iter::once(LossTerm::Fused).chain(names(modalities).iter().map(LossTerm::Auxiliary));
            let terms: Vec<_> = terms.map(|term| (term, vec![0, 1])).collect();
            let scored = model.forward(&terms, &inputs, &mut ForwardContext::train(&mut Buffers::default()));
            let scores = |i: usize| host(scored[i].scores.clone().inner());
            let sum =
                (1..=modalities).map(scores).reduce(|a, b| a.iter().zip(b).map(|(a, b)| a + b).collect());
            let full: Vec<f64> = scores(0).into_iter().map(f64::from).collect();
            near(&sum.unwrap(), &full, 1e-5);
        }
    }
    assert_eq!(checked, 4 * 3, "concat with a linear and a cosine head, sum, a boosted sum");
}
