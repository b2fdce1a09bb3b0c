//! Every fusion lets every modality and every parameter learn, whatever the number of
//! modalities; formulas by hand, and refusals.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation::sigmoid};
use counterpoint::feature::Vectors;
use counterpoint::grad::PerRow;
use counterpoint::host::host;
use counterpoint::layer::{Init, Linear};
use counterpoint::modality::Modality;
use counterpoint::model::fusion::{
    BilinearConfig, Combine, CrossAttentionConfig, EnsembleConfig, Film, Fusion, FusionConfig, Gated,
    LowRankConfig, Read, Shares, SumConfig,
};
use counterpoint::model::{Boxed, IntoBoxed, LateFusion, Model};
use counterpoint::step::LossTerm;
use counterpoint::strategy::Joint;
use counterpoint::task::Classification;
use counterpoint_batch::Targets;
use counterpoint_testkit::conformance::{norm, parts};
use counterpoint_testkit::parameters::{replaced, values};

use crate::fixture::*;

fn random(count: usize, purpose: &str) -> Vec<f32> {
    let mut random = counterpoint::math::random::Random::new(9, &["fusion", purpose]);
    (0..count).map(|_| random.normal() as f32).collect()
}

fn batch(modalities: usize) -> counterpoint::input::Inputs {
    let columns: Vec<_> = (0..modalities).map(|m| (random(24, &m.to_string()), 4)).collect();
    inputs(&columns, Targets::Classes((0..6).map(|i| i % 3).collect()))
}

/// The smallest `|| d L_m / d z_m ||` over all modalities.
fn weakest_unimodal(model: &LateFusion, modalities: usize) -> f64 {
    let norms = step(model, &batch(modalities), &Classification::new(3), &mut dgl(1.0)).record.boundary_norms;
    (0..modalities).map(|m| norms[&(LossTerm::Unimodal(Modality(m)), Modality(m))]).fold(f64::MAX, f64::min)
}

#[test]
fn no_fusion_annihilates_a_modality_alone() {
    for modalities in 1..=6 {
        for parts in parts() {
            let weakest = weakest_unimodal(&smooth(modalities, 4, &parts, 3, 1), modalities);
            assert!(weakest > 1e-8, "{weakest:e}: {modalities} modalities, {parts:?}");
        }
    }
}

/// What the gated fusion would be with zeros in place of absent modalities.
#[derive(Module, Debug)]
struct ZeroFilledGate {
    gate: Gated,
}

impl Fusion for ZeroFilledGate {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let there = features.iter().flatten().next().unwrap();
        let zero = there.zeros_like();
        let filled = features.iter().map(|z| z.clone().unwrap_or(zero.clone()));
        let mut hidden: Vec<_> = self.gate.layers.iter().zip(filled).map(|(l, z)| l.forward(z)).collect();
        let signal = hidden.pop().unwrap();
        head(sigmoid(hidden.pop().unwrap()) * signal)
    }

    fn width(&self) -> usize {
        self.gate.width()
    }
}

/// The released gated fusion: cut after its input layers.
#[derive(Module, Debug)]
struct FrozenGate {
    gate: Gated,
}

impl Fusion for FrozenGate {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let hidden = |(l, z): (&Linear, &Option<Tensor<2>>)| l.forward(z.clone().unwrap()).detach();
        let hidden: Vec<_> = self.gate.layers.iter().zip(features).map(hidden).collect();
        head(sigmoid(hidden[0].clone()) * hidden[1].clone())
    }

    fn width(&self) -> usize {
        self.gate.width()
    }
}

fn with(fusion: impl Fusion + IntoBoxed<dyn Fusion>) -> LateFusion {
    let init = Init::new(1, &Device::flex());
    let encoders = ["a", "b"].map(|m| Boxed::new(Smooth::new(4, 6, &init.part(m)))).into();
    let head = Some(Boxed::new(Linear::new(fusion.width(), 3, &init.part("head"))));
    LateFusion::new(names(2), encoders, Boxed::new(fusion), head, Vec::new()).unwrap()
}

fn gated() -> Gated {
    Gated::new(&[6, 6], 6, &Init::new(1, &Device::flex()).part("fusion"))
}

#[test]
fn notices_a_zero_filled_gate() {
    assert!(weakest_unimodal(&with(gated()), 2) > 1e-8);
    assert!(weakest_unimodal(&with(ZeroFilledGate { gate: gated() }), 2) <= 1e-8);
}

/// The parameters that the multimodal loss gives no or a zero gradient.
fn idle(model: &LateFusion, modalities: usize) -> Vec<String> {
    let inputs = batch(modalities);
    let gradients = step_by(&PerRow, model, &inputs, &Classification::new(3), &mut Joint {}).gradients;
    let moves = |name: &String| gradients.get(name).is_some_and(|g| norm(g) > 1e-8);
    model.groups().parameters().iter().map(|p| p.name.clone()).filter(|name| !moves(name)).collect()
}

#[test]
fn every_parameter_of_every_fusion_learns_from_the_multimodal_loss() {
    for modalities in 1..=6 {
        for parts in parts() {
            let idle = idle(&smooth(modalities, 4, &parts, 3, 1), modalities);
            assert!(idle.is_empty(), "{idle:?}: {modalities} modalities, {parts:?}");
        }
    }
}

#[test]
fn notices_the_released_freeze() {
    assert!(idle(&with(gated()), 2).is_empty());
    let idle = idle(&with(FrozenGate { gate: gated() }), 2);
    assert!(idle.iter().any(|name| name == "fusion.gate.layers.0.weight"), "{idle:?}");
}

// ---- formulas -------------------------------------------------------------

fn rows(values: &[f32], width: usize) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / width, width]), &Device::flex())
}

fn build(config: FusionConfig, widths: &[usize]) -> Boxed<dyn Fusion> {
    config.build(widths, 3, &Init::new(3, &Device::flex())).unwrap()
}

/// The joined vector.
fn joined(fusion: &dyn Fusion, features: &Vectors) -> Vec<f32> {
    host(fusion.scores(features, &|x| x).inner())
}

fn given(layer: &mut Linear, weight: &[f32], bias: &[f32]) {
    let inputs = layer.inputs();
    layer.weight = Param::initialized(layer.weight.id, rows(weight, inputs));
    let device = Device::flex();
    let bias_data = TensorData::new(bias.to_vec(), [bias.len()]);
    layer.bias =
        Some(Param::initialized(layer.bias.as_ref().unwrap().id, Tensor::from_data(bias_data, &device)));
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[test]
fn gated_is_the_x_gate_and_gates_itself_alone() {
    let mut fusion = Gated::new(&[1, 1, 1], 1, &Init::new(0, &Device::flex()));
    for (m, (w, b)) in [(2.0, 0.5), (-1.0, 0.0), (1.0, -3.0)].into_iter().enumerate() {
        given(&mut fusion.layers[m], &[w], &[b]);
    }
    let z = |m: usize| Some(rows(&[[1.0, 0.25, 4.0][m]], 1)); // h = 2.5, -0.25, 1
    let of = |which: [bool; 3]| joined(&fusion, &(0..3).map(|m| which[m].then(|| z(m)).flatten()).collect());
    near(&of([true, true, false]), &[-0.25 * logistic(2.5)], 1e-6);
    near(&of([true, false, false]), &[2.5 * logistic(2.5)], 1e-6);
    near(&of([true, true, true]), &[f64::midpoint(logistic(2.5), logistic(-0.25))], 1e-6);
}

#[test]
fn film_scales_and_shifts_and_passes_its_signal_without_conditions() {
    let mut fusion = Film::new(&[1, 2], &Init::new(0, &Device::flex()));
    // gamma = (z, 0), beta = (0.5, -z)
    given(&mut fusion.layers[0], &[1.0, 0.0, 0.0, -1.0], &[0.0, 0.0, 0.5, 0.0]);
    let (condition, signal) = (Some(rows(&[3.0], 1)), Some(rows(&[2.0, 5.0], 2)));
    near(&joined(&fusion, &vec![condition.clone(), signal.clone()]), &[2.0 * 4.0 + 0.5, 5.0 - 3.0], 1e-6);
    near(&joined(&fusion, &vec![condition, None]), &[0.5, -3.0], 1e-6);
    given(&mut fusion.layers[0], &[0.0; 4], &[0.0; 4]);
    near(&joined(&fusion, &vec![None, signal]), &[2.0, 5.0], 0.0);
}

/// A fusion's parameters by name.
fn weights(fusion: &Boxed<dyn Fusion>) -> impl Fn(&str) -> Vec<f32> + use<> {
    let mut groups = counterpoint::step::Groups::default();
    groups.add(counterpoint::step::Group::Fusion, "f", fusion);
    let all = values(fusion, &groups);
    move |name| all.get(&format!("f.{name}")).unwrap_or_else(|| panic!("{:?}", all.keys())).clone()
}

fn apply(weight: &[f32], bias: &[f32], x: &[f32]) -> Vec<f64> {
    let dot = |term: &[f32]| term.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
    weight.chunks_exact(x.len()).zip(bias).map(|(row, b)| dot(row) + f64::from(*b)).collect()
}

#[test]
fn full_bilinear_reads_the_outer_product() {
    let fusion = build(FusionConfig::new(BilinearConfig { dims: 1, full: true, width: Some(4) }), &[2, 2]);
    let of = weights(&fusion);
    let (u, v) = ([1.0, 2.0], [3.0, -1.0]);
    let both = joined(&*fusion, &vec![Some(rows(&u, 2)), Some(rows(&v, 2))]);
    near(&both, &apply(&of("layer.weight"), &of("layer.bias"), &[3.0, -1.0, 6.0, -2.0]), 1e-5);
    let unimodal = joined(&*fusion, &vec![Some(rows(&u, 2)), None]);
    near(&unimodal, &apply(&of("layer.weight"), &of("layer.bias"), &[1.0, 2.0, 2.0, 4.0]), 1e-5);
}

#[test]
fn bilinear_averages_the_pairs_that_are_there() {
    let fusion =
        build(FusionConfig::new(BilinearConfig { dims: 3, full: false, width: Some(2) }), &[2, 3, 4]);
    let z = |m: usize| Some(rows(&random(m + 2, &m.to_string()), m + 2));
    let pair = |a: usize, b: usize| {
        joined(&*fusion, &(0..3).map(|m| (m == a || m == b).then(|| z(m)).flatten()).collect())
    };
    let all = joined(&*fusion, &(0..3).map(z).collect());
    let pairs = [pair(0, 1), pair(0, 2), pair(1, 2)];
    let mean: Vec<f64> = (0..2).map(|i| pairs.iter().map(|p| f64::from(p[i])).sum::<f64>() / 3.0).collect();
    near(&all, &mean, 1e-5);
}

#[test]
fn low_rank_is_the_whole_outer_product_through_the_tensor_it_stands_for() {
    let (rank, width) = (2, 3);
    let fusion = build(FusionConfig::new(LowRankConfig { rank, width: Some(width) }), &[2, 1]);
    let of = weights(&fusion);
    let (wa, wb, w) = (of("factors.0.weight"), of("factors.1.weight"), of("weights"));
    let (ca, cb) = (of("factors.0.bias"), of("factors.1.bias"));
    let (a, b) = ([0.5_f32, -2.0], [1.5_f32]);
    // T[o][i][j] = sum_r w_r A_r[o][i] B_r[o][j], contracted with [a; 1] and [b; 1].
    let expected = |a: [f32; 3], b: [f32; 2]| -> Vec<f64> {
        let entry = |o: usize, i: usize, j: usize| -> f64 {
            (0..rank)
                .map(|r| {
                    let at = r * width + o;
                    let fa = if i < 2 { wa[at * 2 + i] } else { ca[at] };
                    let fb = if j < 1 { wb[at] } else { cb[at] };
                    f64::from(w[r]) * f64::from(fa) * f64::from(fb)
                })
                .sum()
        };
        let pairs = || (0..3).flat_map(|i| (0..2).map(move |j| (i, j)));
        (0..width)
            .map(|o| pairs().map(|(i, j)| entry(o, i, j) * f64::from(a[i]) * f64::from(b[j])).sum())
            .collect()
    };
    let both = joined(&*fusion, &vec![Some(rows(&a, 2)), Some(rows(&b, 1))]);
    near(&both, &expected([a[0], a[1], 1.0], [b[0], 1.0]), 1e-5);
    let unimodal = joined(&*fusion, &vec![None, Some(rows(&b, 1))]);
    near(&unimodal, &expected([0.0, 0.0, 1.0], [b[0], 1.0]), 1e-5);
}

#[test]
fn attention_by_hand() {
    let (width, heads, depth) = (4, 2, 2);
    let fusion = build(FusionConfig::new(CrossAttentionConfig { heads, width: Some(width) }), &[3, 2]);
    let of = weights(&fusion);
    let z = [random(3, "a"), random(2, "b")];
    let zero = vec![0.0; width];
    let narrow = |v: &[f64]| v.iter().map(|x| *x as f32).collect::<Vec<f32>>();
    let tokens: Vec<Vec<f32>> = (0..2)
        .map(|m| {
            let name = |what: &str| of(&format!("projections.{m}.{what}"));
            narrow(&apply(&name("weight"), &name("bias"), &z[m]))
        })
        .collect();
    let through = |name: &str| {
        let weight = of(&format!("{name}.weight"));
        tokens.iter().map(|t| apply(&weight, &zero, t)).collect::<Vec<_>>()
    };
    let (q, k, v) = (through("queries"), through("keys"), through("values"));
    let mut mean = vec![0.0; width];
    for (token, q) in tokens.iter().zip(&q) {
        let mut gathered = vec![0.0; width];
        for h in 0..heads {
            let slice = h * depth..(h + 1) * depth;
            let dot = |k: &Vec<f64>| slice.clone().map(|d| q[d] * k[d]).sum::<f64>() / (depth as f64).sqrt();
            let raw: Vec<f64> = k.iter().map(|k| dot(k).exp()).collect();
            for d in slice.clone() {
                gathered[d] =
                    raw.iter().zip(&v).map(|(w, v)| w * v[d]).sum::<f64>() / raw.iter().sum::<f64>();
            }
        }
        let out = apply(&of("output.weight"), &of("output.bias"), &narrow(&gathered));
        for d in 0..width {
            mean[d] += (f64::from(token[d]) + out[d]) / 2.0;
        }
    }
    let is = joined(&*fusion, &vec![Some(rows(&z[0], 3)), Some(rows(&z[1], 2))]);
    near(&is, &mean, 1e-5);
}

#[test]
fn an_absent_token_draws_no_attention() {
    let config = FusionConfig::new(CrossAttentionConfig { heads: 2, width: Some(4) });
    let (three, two) = (build(config.clone(), &[3, 3, 3]), build(config, &[3, 3]));
    let z = |m: usize| Some(rows(&random(3, &m.to_string()), 3));
    // Weights depend on names only, so the first two projections are the same.
    let masked = joined(&*three, &vec![z(0), z(1), None]);
    assert_eq!(masked, joined(&*two, &vec![z(0), z(1)]));
    let zeroed = joined(&*three, &vec![z(0), z(1), Some(rows(&[0.0; 3], 3))]);
    assert_ne!(masked, zeroed);
}

#[test]
fn an_ensemble_weighs_every_sample_by_its_own_entropies() {
    let fusion = build(FusionConfig::new(EnsembleConfig { weights: Combine::Entropy, rate: false }), &[3, 3]);
    // The second sample swaps the modalities.
    let a = Some(rows(&[2.0, 0.0, 0.0, 0.0, 1.0, 0.0], 3));
    let b = Some(rows(&[0.0, 1.0, 0.0, 2.0, 0.0, 0.0], 3));
    let fused = joined(&*fusion, &vec![a.clone(), b]);
    near(&fused, &[1.153651, 0.423175, 0.0, 1.153651, 0.423175, 0.0], 1e-5);
    near(&joined(&*fusion, &vec![a, None]), &[2.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.0);
}

#[test]
fn an_ensemble_of_fixed_weights_divides_them_among_those_who_are_there() {
    let weights = |list: &[f64]| {
        FusionConfig::new(EnsembleConfig { weights: Combine::Fixed(Shares::new(list).unwrap()), rate: false })
    };
    let three = build(weights(&[0.35, 0.25, 0.4]), &[2, 2, 2]);
    let z = |m: usize| Some(rows(&[[2.0, 0.0], [0.0, 4.0], [1.0, 1.0]][m], 2));
    near(&joined(&*three, &vec![z(0), z(1), z(2)]), &[1.1, 1.4], 1e-6);
    // 0.35 and 0.4 of 0.75.
    near(&joined(&*three, &vec![z(0), None, z(2)]), &[0.35 / 0.75 * 2.0 + 0.4 / 0.75, 0.4 / 0.75], 1e-6);
    near(&joined(&*three, &vec![None, z(1), None]), &[0.0, 4.0], 1e-6);
    let refused = weights(&[0.5, 0.5]).build(&[2, 2, 2], 2, &Init::new(0, &Device::flex())).unwrap_err();
    assert!(refused.to_string().contains("has 2 numbers: expected one for each of 3"), "{refused}");
}

#[test]
fn an_ensemble_adds_or_averages_and_its_rate_spares_a_learner_alone() {
    let z = || vec![Some(rows(&[2.0, 0.0, 0.0], 3)), Some(rows(&[0.0, 1.0, 0.0], 3))];
    let mean = build(FusionConfig::new(EnsembleConfig { weights: Combine::Mean, rate: false }), &[3, 3]);
    near(&joined(&*mean, &z()), &[1.0, 0.5, 0.0], 0.0);
    let sum = build(FusionConfig::new(EnsembleConfig { weights: Combine::Sum, rate: true }), &[3, 3]);
    near(&joined(&*sum, &z()), &[2.0, 1.0, 0.0], 0.0);
    let mut groups = counterpoint::step::Groups::default();
    groups.add(counterpoint::step::Group::Fusion, "f", &sum);
    let half = replaced(sum, &groups, |name| (name == "f.rate").then(|| vec![0.5]));
    near(&joined(&*half, &z()), &[1.0, 0.5, 0.0], 0.0);
    let unimodal = vec![z()[0].clone(), None];
    near(&joined(&*half, &unimodal), &[1.0, 0.0, 0.0], 0.0);
    near(&host(half.unimodal(&unimodal, &|x| x).inner()), &[2.0, 0.0, 0.0], 0.0);
}

#[test]
fn a_summed_head_is_a_concat_head_with_the_summed_bias() {
    let fusion = build(FusionConfig::new(SumConfig {}), &[2, 1]);
    let mut groups = counterpoint::step::Groups::default();
    groups.add(counterpoint::step::Group::Fusion, "f", &fusion);
    let biases = [vec![0.1, 0.2, 0.3], vec![-1.0, 0.5, 0.25]];
    let fusion = replaced(fusion, &groups, |name| match name {
        "f.layers.0.bias" => Some(biases[0].clone()),
        "f.layers.1.bias" => Some(biases[1].clone()),
        _ => None,
    });
    let of = weights(&fusion);
    let (wa, wb) = (of("layers.0.weight"), of("layers.1.weight"));
    let weight: Vec<f32> = (0..3).flat_map(|k| [wa[2 * k], wa[2 * k + 1], wb[k]]).collect();
    let bias: Vec<f32> = (0..3).map(|k| biases[0][k] + biases[1][k]).collect();
    let (a, b) = ([1.0, -2.0], [0.5]);
    let both = joined(&*fusion, &vec![Some(rows(&a, 2)), Some(rows(&b, 1))]);
    near(&both, &apply(&weight, &bias, &[1.0, -2.0, 0.5]), 1e-6);
    // Alone, it keeps the other's bias.
    let unimodal = joined(&*fusion, &vec![Some(rows(&a, 2)), None]);
    near(&unimodal, &apply(&weight, &bias, &[1.0, -2.0, 0.0]), 1e-6);
}

// ---- shapes ---------------------------------------------------------------

#[test]
fn every_fusion_takes_one_to_six_modalities_of_any_widths_and_any_subset() {
    for modalities in 1..=6 {
        for parts in parts() {
            let full = parts.fusion.get::<BilinearConfig>().is_some_and(|bilinear| bilinear.full);
            let equal = full || parts.fusion.is::<EnsembleConfig>();
            let widths: Vec<usize> = (0..modalities).map(|m| if equal { 3 } else { m + 2 }).collect();
            let fusion = build(parts.fusion.clone(), &widths);
            for present in counterpoint::modality::Present::all(modalities).subsets() {
                let z =
                    |m: usize| present.has(Modality(m)).then(|| rows(&random(2 * widths[m], "z"), widths[m]));
                let scores = fusion.scores(&(0..modalities).map(z).collect(), &|x| {
                    assert_eq!(x.dims(), [2, fusion.width()], "{parts:?}");
                    x
                });
                assert_eq!(scores.dims(), [2, fusion.width()], "{parts:?}, {present:?}");
                assert!(host(scores.inner()).iter().all(|v| v.is_finite()), "{parts:?}, {present:?}");
            }
        }
    }
}
