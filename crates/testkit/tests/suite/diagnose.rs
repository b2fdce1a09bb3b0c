//! Suppression factors and gradients at the features (docs/methods.md, "Metrics of
//! modality contribution"), and what evaluators say about boundaries.

use counterpoint::diagnose::{Suppression, factors, mean_norm_at_features};
use counterpoint::step::LossTerm;
use counterpoint::task::Classification;

use crate::fixture::*;

fn logits(weight: &[f32; 6], z: [f32; 2]) -> Vec<f64> {
    (0..3).map(|k| f64::from(weight[2 * k] * z[0]) + f64::from(weight[2 * k + 1] * z[1])).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|v| v.exp()).sum();
    logits.iter().map(|v| v.exp() / sum).collect()
}

fn own() -> Vec<f64> {
    logits(&W1, Z1).iter().zip(BIAS).map(|(l, b)| l + f64::from(b)).collect()
}

#[test]
fn the_fused_probability_is_the_own_one_over_the_mean_factor() {
    let others = logits(&W2, Z2);
    let s = factors(&[&others], &[0], 3);
    for (is, should) in s.iter().zip([1.0, 1.284025, 1.0]) {
        assert!((is - should).abs() < 1e-6, "{s:?}");
    }
    let pi = softmax(&own());
    let mean = Suppression::of(&own(), &[&others], &[0]).effective;
    assert!((mean - 1.170906).abs() < 1e-6);
    assert!((pi[0] / mean - 0.255194).abs() < 1e-6);
    // The identity, not only its numbers: the fused softmax says the same.
    let fused: Vec<f64> = own().iter().zip(&others).map(|(a, b)| a + b).collect();
    assert!((pi[0] / mean - softmax(&fused)[0]).abs() < 1e-12);
    // s > 1 here: the multimodal error is the larger one.
    assert!(1.0 - softmax(&fused)[0] > 1.0 - pi[0]);
}

#[test]
fn all_factors_below_one_and_yet_a_larger_gradient() {
    // K = 3, W1 terms (0,0), (1,0), (-1,0), z1 = 0, y = 0; the other modality gives s = (1, 0.99, 0.01).
    let others: [f64; 3] = [0.0, 0.99_f64.ln(), 0.01_f64.ln()];
    let terms = [[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]];
    let norm = |logits: &[f64]| {
        let p = softmax(logits);
        let at = |d: usize| (0..3).map(|k| (p[k] - f64::from(u8::from(k == 0))) * terms[k][d]).sum::<f64>();
        (at(0).powi(2) + at(1).powi(2)).sqrt()
    };
    assert!(factors(&[&others], &[0], 3)[1..].iter().all(|s| *s < 1.0));
    assert!(norm(&[0.0; 3]).abs() < 1e-12);
    assert!((norm(&others) - 0.49).abs() < 1e-12);
    assert!(
        (1.0 - softmax(&[0.0; 3])[0] - 0.667).abs() < 1e-3 && (1.0 - softmax(&others)[0] - 0.5).abs() < 1e-12
    );

    // The same through the library's parts: gradients that arrive at z1.
    let weight = vec![0.0, 0.0, 0.0, 1.0, 0.0, others[1] as f32, -1.0, 0.0, others[2] as f32];
    let model = shifted(&[2, 1], weight, vec![0.0; 3]);
    let inputs =
        inputs(&[(vec![0.0, 0.0], 2), (vec![1.0], 1)], counterpoint_batch::Targets::Classes(vec![0]));
    let norms = step(&model, &inputs, &Classification::new(3), &mut dgl(1.0)).record.boundary_norms;
    assert!(norms[&(LossTerm::Unimodal(A), A)] < 1e-7);
    assert!((norms[&(LossTerm::Fused, A)] - 0.49).abs() < 1e-6);
}

#[test]
fn summary_of_f1() {
    let others = logits(&W2, Z2);
    let seen = Suppression::of(&own(), &[&others], &[0]);
    assert!((seen.effective - 1.170906).abs() < 1e-6);
    assert!((seen.mean - 1.142013).abs() < 1e-6);
    assert!((seen.median - 1.142013).abs() < 1e-6, "two wrong classes: their middle");
    assert_eq!(seen.above_one, 0.5);
}

#[test]
fn several_other_modalities_multiply() {
    let (b, c) = ([0.3, -0.1, 0.2], [0.5, 0.7, -0.4]);
    let [of_b, of_c, of_both] =
        [factors(&[&b], &[2], 3), factors(&[&c], &[2], 3), factors(&[&b, &c], &[2], 3)];
    for k in 0..3 {
        assert!((of_b[k] * of_c[k] - of_both[k]).abs() < 1e-12);
    }
    // Without any other modality nothing is suppressed.
    assert_eq!(Suppression::of(&[1.0, 2.0], &[], &[1]).effective, 1.0);
}

#[test]
fn measure_iv_is_the_mean_over_samples_of_their_own_norms() {
    // Two samples, gradients of the mean loss (0.3, 0.4) and (0, 1): their own are twice that.
    assert!((mean_norm_at_features(&[0.3, 0.4, 0.0, 1.0], 2) - f64::midpoint(1.0, 2.0)).abs() < 1e-6);
    // With one sample it is what the record says of the boundary.
    let (model, inputs) = f1();
    let norms = step(&model, &inputs, &Classification::new(3), &mut dgl(4.0)).record.boundary_norms;
    let by_hand = mean_norm_at_features(&[-0.800656, 0.651459], 1);
    assert!((norms[&(LossTerm::Unimodal(A), A)] - by_hand).abs() < 1e-5);
}
