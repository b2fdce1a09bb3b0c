//! A model of one modality is its encoder and the head, whatever the fusion.

use std::collections::BTreeSet;

use burn::tensor::{Device, Tensor};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::model::Model;
use counterpoint::model::fusion::{ConcatConfig, FusionConfig, SumConfig};
use counterpoint::model::head::{HeadConfig, LinearHeadConfig};
use counterpoint::step::{Group, LossTerm};
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{Named, Parts, late_fusion, parts};
use counterpoint_testkit::parameters::values;
use counterpoint_testkit::problem::Problem;

use crate::fixture::*;

/// Parameters of the model of one modality, and scores and features of six samples.
fn unimodal(parts: &Parts) -> (Named, Vec<f32>, Tensor<2>) {
    let problem = Problem::new(1, 6, 6, 1);
    let model = late_fusion(parts).build(problem.modalities(), 3, false, 4, &Device::flex()).unwrap();
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    let terms = [(LossTerm::Fused, (0..6).collect())];
    let scored =
        model.forward(&terms, &inputs, &mut ForwardContext::train(&mut Buffers::default())).remove(0);
    let groups = model.groups();
    let layers: BTreeSet<Group> = groups.groups().into_iter().collect();
    // The layer of a sum is what makes its scores.
    let reads = if parts.fusion.is::<SumConfig>() { Group::Fusion } else { Group::Head };
    assert_eq!(layers, [Group::Encoder(A), reads].into(), "{parts:?}");
    let features = scored.features[0].clone().unwrap().inner();
    (values(&model, &groups), host(scored.scores.inner()), features)
}

#[test]
fn every_fusion_of_one_modality_is_a_linear_layer_on_its_encoder() {
    let (reference, concat, features) = unimodal(&Parts {
        fusion: FusionConfig::new(ConcatConfig {}),
        head: HeadConfig::new(LinearHeadConfig {}),
    });
    // W z + b by hand.
    let [samples, width] = features.dims();
    let z = host(features);
    let (w, b) = (&reference["head.weight"], &reference["head.bias"]);
    let score = |i: usize, k: usize| {
        let terms = (0..width).map(|j| f64::from(w[k * width + j]) * f64::from(z[i * width + j]));
        terms.sum::<f64>() + f64::from(b[k])
    };
    let by_hand: Vec<f64> =
        (0..samples).flat_map(|i| (0..3).map(move |k| (i, k))).map(|(i, k)| score(i, k)).collect();
    near(&concat, &by_hand, 1e-5);
    let mut checked = 0;
    for parts in parts().into_iter().filter(|parts| parts.head.is::<LinearHeadConfig>()) {
        let (parameters, scores, _) = unimodal(&parts);
        if parts.fusion.is::<SumConfig>() {
            assert_eq!(parameters["fusion.layers.0.weight"].len(), w.len());
            continue;
        }
        checked += 1;
        // The same seed: the same encoder, the same head, the same scores.
        assert_eq!((parameters, scores), (reference.clone(), concat.clone()), "{parts:?}");
    }
    assert_eq!(checked, 9, "concat, gated, FiLM, bilinear twice, low-rank, attention, ensemble twice");
}
