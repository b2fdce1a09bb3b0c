//! DGL is exact: the worked example of docs/methods.md, its two passes, finite
//! differences, and what alpha does to the optimizer.

use counterpoint::grad::PerRow;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::math::random::Random;
use counterpoint::modality::PerModality;
use counterpoint::model::{LateFusion, Model};
use counterpoint::step::{Gradients, Group, LossTerm, Routing};
use counterpoint::strategy::{Dgl, Gate, Joint, Strategy, StrategyConfig, StrategyState};
use counterpoint::task::{Classification, Regression, Task};
use counterpoint::train::{OptimizerConfig, TrainState};
use counterpoint_batch::Targets;
use counterpoint_testkit::conformance::{Named, Parts, norm, parts, same};
use counterpoint_testkit::finite_difference::{derivative, direction};
use counterpoint_testkit::parameters::values;

use crate::fixture::*;

const TASK: fn() -> Classification = || Classification::new(3);

fn random(count: usize, purpose: &str) -> Vec<f32> {
    let mut random = Random::new(5, &["inputs", purpose]);
    (0..count).map(|_| random.normal() as f32).collect()
}

/// Eight samples of four numbers for each modality.
fn random_inputs(modalities: usize) -> Inputs {
    let columns: Vec<_> = (0..modalities).map(|m| (random(32, &m.to_string()), 4)).collect();
    inputs(&columns, Targets::Classes((0..8).map(|i| i % 3).collect()))
}

fn ablation(truncate_multimodal: bool, truncate_unimodal: bool) -> Dgl {
    Dgl { alpha: 4.0.into(), truncate_multimodal, truncate_unimodal, ..Dgl::default() }
}

#[test]
fn dgl_on_f1() {
    let (model, inputs) = f1();
    let seen = step(&model, &inputs, &TASK(), &mut dgl(4.0));
    let g = &seen.gradients;
    near(&of(g, "encoder.audio.shift"), &[-3.202625, 2.605836], 1e-5);
    near(&of(g, "encoder.image.shift"), &[-0.032487, 0.601138], 1e-5);
    near(&of(g, "head.bias"), &[-0.744806, 0.659859, 0.084947], 1e-5);
    let terms = [
        [-0.744806, -1.489611, 0.744806, -0.372403],
        [0.659859, 1.319717, -0.659859, 0.329929],
        [0.084947, 0.169894, -0.084947, 0.042473],
    ];
    near(&of(g, "head.weight"), terms.as_flattened(), 1e-5);
    let losses: Vec<f32> = seen.losses.values().map(|l| *l as f32).collect();
    near(&losses, &[1.365730, 1.207952, 1.049445], 1e-5);
}

#[test]
fn the_five_rows_of_the_ablation_on_f1() {
    let (model, inputs) = f1();
    let bias_full = [-0.744806, 0.659859, 0.084947];
    let bias_all = [-6.149042, 4.398991, 1.750055];
    let at_z1 = [[-0.829752, 0.702332], [-3.202625, 2.605836], [-4.032377, 3.308168]];
    let at_z2 = [[-0.287456, -0.244983], [-0.032487, 0.601138], [-0.319943, 0.356155]];
    let mut joint = Joint {};
    let mut cases: [(&mut dyn Strategy, usize, [f64; 3]); 5] = [
        (&mut joint, 0, bias_full),
        (&mut ablation(false, false), 2, bias_all),
        (&mut ablation(true, false), 1, bias_all),
        (&mut ablation(false, true), 2, bias_full),
        (&mut ablation(true, true), 1, bias_full),
    ];
    for (strategy, encoders, bias) in &mut cases {
        let g = step(&model, &inputs, &TASK(), *strategy).gradients;
        near(&of(&g, "encoder.audio.shift"), &at_z1[*encoders], 1e-4);
        near(&of(&g, "encoder.image.shift"), &at_z2[*encoders], 1e-4);
        near(&of(&g, "head.bias"), bias, 1e-4);
    }
}

/// `alpha_m dL_m/dz_m` at each encoder; untruncated, the head hears
/// `(p - e_y) + sum_m alpha_m (pi_m - e_y)`.
#[test]
fn each_modality_may_have_its_own_alpha() {
    let (model, inputs) = f1();
    let each = || PerModality::Each([("audio".to_owned(), 2.0), ("image".to_owned(), 8.0)].into());
    let own = Dgl { alpha: each(), truncate_multimodal: true, truncate_unimodal: true, ..Dgl::default() };
    let g = step(&model, &inputs, &TASK(), &mut own.clone()).gradients;
    near(&of(&g, "encoder.audio.shift"), &[-1.601312, 1.302918], 1e-5);
    near(&of(&g, "encoder.image.shift"), &[-0.064972, 1.202278], 1e-5);
    near(&of(&g, "head.bias"), &[-0.744806, 0.659859, 0.084947], 1e-5);
    let g = step(&model, &inputs, &TASK(), &mut Dgl { truncate_unimodal: false, ..own }).gradients;
    near(&of(&g, "head.bias"), &[-7.346134, 4.527758, 2.818378], 1e-4);
}

/// The two passes of Algorithm 1: all unimodal losses train everything, what
/// they left on fusion and head is discarded, the multimodal loss adds its own.
fn two_passes(model: &LateFusion, inputs: &Inputs, alpha: f64) -> Named {
    let names = model.modalities().clone();
    let encoders: Vec<Group> = names.iter().map(Group::Encoder).collect();
    let (mut first, mut second) = (Routing::default(), Routing::default());
    for group in [Group::Fusion, Group::Head] {
        second.set(LossTerm::Fused, group, 1.0);
        for m in names.iter() {
            first.set(LossTerm::Unimodal(m), group, alpha);
        }
    }
    for m in names.iter() {
        for group in &encoders {
            first.set(LossTerm::Unimodal(m), *group, alpha);
        }
    }
    let mut result = step_by(&PerRow, model, inputs, &TASK(), &mut Fixed(first)).gradients;
    result.retain(|name, _| name.starts_with("encoder."));
    result.extend(step_by(&PerRow, model, inputs, &TASK(), &mut Fixed(second)).gradients);
    result
}

#[test]
fn one_backward_equals_two_passes() {
    for modalities in 2..=3 {
        let inputs = random_inputs(modalities);
        for parts in parts() {
            let model = smooth(modalities, 4, &parts, 3, 1);
            let combined = step(&model, &inputs, &TASK(), &mut dgl(4.0)).gradients;
            let apart = two_passes(&model, &inputs, 4.0);
            same(&combined, &apart, 1e-6).unwrap_or_else(|e| panic!("{parts:?}: {e}"));
            // Negative control: another alpha is seen.
            assert!(same(&combined, &two_passes(&model, &inputs, 4.01), 1e-6).is_err());
        }
    }
}

#[test]
fn alpha_leaves_fusion_and_head_bit_identical() {
    let inputs = random_inputs(3);
    for parts in parts() {
        let model = smooth(3, 4, &parts, 3, 1);
        let of = |alpha| -> (Named, Named) {
            let all = step(&model, &inputs, &TASK(), &mut dgl(alpha)).gradients;
            all.into_iter().partition(|(name, _)| !name.starts_with("encoder."))
        };
        let ((phi, encoders), (phi_other, encoders_other)) = (of(1.0), of(3.7));
        assert!(!phi.is_empty());
        let bits = |named: &Named| named.values().flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&phi), bits(&phi_other), "{parts:?}");
        assert_ne!(encoders, encoders_other);
    }
}

/// Compares gradients with central differences, each parameter along a random direction.
fn check_differences(model: &LateFusion, inputs: &Inputs, task: &dyn Task, metric: &str, parts: &Parts) {
    const ALPHA: f64 = 4.0;
    let names = model.modalities().clone();
    let groups = model.groups();
    let gradients = step(model, inputs, task, &mut dgl(ALPHA)).gradients;
    for (i, p) in groups.parameters().iter().enumerate() {
        let gradient = of(&gradients, &p.name);
        let along = direction(gradient.len(), i as u64);
        let objective = |model: &LateFusion| match p.group {
            Group::Encoder(_) => {
                ALPHA
                    * names
                        .iter()
                        .map(|m| loss(model, LossTerm::Unimodal(m), inputs, task, metric))
                        .sum::<f64>()
            }
            _ => loss(model, LossTerm::Fused, inputs, task, metric),
        };
        let measured = derivative(model, &groups, &p.name, &along, 4e-3, objective);
        let claimed: f64 = gradient.iter().zip(&along).map(|(g, d)| f64::from(*g) * d).sum();
        let scale = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        assert!(
            (claimed - measured).abs() <= 1e-3 * scale,
            "{parts:?} `{}`: claimed {claimed}, measured {measured}, norm {scale}",
            p.name
        );
    }
}

#[test]
fn gradients_equal_finite_differences() {
    for modalities in 2..=3 {
        let inputs = random_inputs(modalities);
        for parts in parts() {
            let model = smooth(modalities, 4, &parts, 3, 2);
            check_differences(&model, &inputs, &TASK(), "cross_entropy", &parts);
        }
    }
}

#[test]
fn an_open_gate_is_dgl_without_truncation_and_a_closed_one_joint_training() {
    let concat = &parts()[0];
    let model = smooth(2, 4, concat, 3, 3);
    let after = |strategy| after(3, &model, sgd(0.05, 0.9, 0.01), strategy);
    let gated = |credit: [f64; 2]| {
        let dgl = StrategyConfig::from(Dgl { gate: Some(Gate::Credit), ..Dgl::default() });
        let mut strategy = dgl.build(model.modalities()).unwrap();
        strategy.restore(&StrategyState::default().with("credit", [2], credit.to_vec())).unwrap();
        after(strategy)
    };
    assert!(gated([1.0, 1.0]) == after(Box::new(ablation(false, true))), "to the bit");
    assert!(gated([0.0, 0.0]) == after(Box::new(Joint {})), "to the bit");
    // The gate of one modality is none of the other's business.
    let half = gated([0.0, 1.0]);
    let (joint, dgl) = (gated([0.0, 0.0]), gated([1.0, 1.0]));
    let name = "encoder.audio.layer.weight";
    assert!(
        half[name] != dgl[name] && half["encoder.image.layer.weight"] != joint["encoder.image.layer.weight"]
    );
}

/// Parameters after some steps on one batch.
pub fn after(
    steps: usize,
    model: &LateFusion,
    optimizer: OptimizerConfig,
    strategy: Box<dyn Strategy>,
) -> Named {
    let inputs = random_inputs(model.modalities().len());
    let mut state = TrainState::new(model.clone(), optimizer, strategy);
    for _ in 0..steps {
        let TrainState { model, groups, strategy, .. } = &mut state;
        let gradients = mixed(model, groups, &inputs, &TASK(), strategy.as_mut());
        state.model = state.optimizer.step(state.model.clone(), gradients, &state.groups, 1.0);
    }
    values(&state.model, &state.groups)
}

/// Only the unimodal losses, and only to the encoders: fusion and head stay.
fn encoders_only(alpha: f64) -> Box<dyn Strategy> {
    Box::new(Fixed(Routing::default().with(LossTerm::Unimodal(A), Group::Encoder(A), alpha).with(
        LossTerm::Unimodal(B),
        Group::Encoder(B),
        alpha,
    )))
}

#[test]
fn alpha_is_a_learning_rate_of_the_encoders_under_sgd() {
    let concat = &parts()[0];
    let model = smooth(2, 4, concat, 3, 3);
    let (lr, decay) = (0.05, 0.02);
    let with_alpha = after(5, &model, sgd(lr, 0.9, decay), encoders_only(4.0));
    let with_rate = after(5, &model, sgd(4.0 * lr, 0.9, decay / 4.0), encoders_only(1.0));
    same(&with_alpha, &with_rate, 1e-6).unwrap();
    // Negative control: the decay has to be divided too.
    let undivided = after(5, &model, sgd(4.0 * lr, 0.9, decay), encoders_only(1.0));
    assert!(same(&with_alpha, &undivided, 1e-6).is_err());
}

#[test]
fn a_clip_at_half_the_norm_halves_everything() {
    let (model, inputs) = f1();
    let groups = model.groups();
    let mut gradients = mixed(&model, &groups, &inputs, &TASK(), &mut dgl(4.0));
    gradients.scale(80.0 / gradients.norm(|_| true));
    let values = |g: &Gradients| -> Vec<Vec<f32>> {
        (0..groups.parameters().len()).map(|i| host(g.get(i).unwrap().clone())).collect()
    };
    let before = values(&gradients);
    let clip = gradients.clip(40.0);
    assert!((clip.norm - 80.0).abs() < 1e-4 && (clip.factor - 0.5).abs() < 1e-6, "{clip:?}");
    assert_eq!(before.len(), 4, "two encoders, weight and bias of the head");
    for (before, after) in before.iter().zip(values(&gradients)) {
        let half: Vec<f64> = before.iter().map(|v| f64::from(*v) / 2.0).collect();
        near(&after, &half, 1e-5);
    }
    let again = gradients.clip(41.0);
    assert_eq!(again.factor, 1.0);
}

#[test]
fn adam_cancels_alpha_but_not_the_encoder_factor() {
    let model = smooth(2, 4, &parts()[0], 3, 3);
    let start = values(&model, &model.groups());
    let name = "encoder.audio.layer.weight";
    let moved = |encoder_factor, alpha| {
        let end = after(1, &model, adam(1e-2, encoder_factor), Box::new(dgl(alpha)));
        end[name].iter().zip(&start[name]).map(|(a, b)| a - b).collect::<Vec<f32>>()
    };
    let (once, loud, fast) = (moved(1.0, 1.0), moved(1.0, 4.0), moved(4.0, 1.0));
    let wide = |v: &[f32], f: f64| v.iter().map(|x| f64::from(*x) * f).collect::<Vec<_>>();
    near(&loud, &wide(&once, 1.0), 1e-5);
    near(&fast, &wide(&once, 4.0), 1e-5);
    assert!(norm(&once) > 1e-3, "it moved at all");
}

#[test]
fn modalities_are_separate() {
    let model = smooth(3, 4, &parts()[0], 3, 4);
    let of = |factor: f32| {
        let column = |m: usize| {
            let f = if m == 2 { factor } else { 1.0 };
            (random(32, &m.to_string()).into_iter().map(|v| v * f).collect(), 4)
        };
        let columns: Vec<_> = (0..3).map(column).collect();
        let inputs = inputs(&columns, Targets::Classes((0..8).map(|i| i % 3).collect()));
        step(&model, &inputs, &TASK(), &mut dgl(4.0)).gradients
    };
    let (plain, scaled) = (of(1.0), of(2.5));
    for name in ["encoder.audio.layer.weight", "encoder.image.layer.weight", "encoder.image.layer.bias"] {
        assert_eq!(plain[name], scaled[name]);
    }
    assert_ne!(plain["head.bias"], scaled["head.bias"]);
    assert_ne!(plain["encoder.text.layer.weight"], scaled["encoder.text.layer.weight"]);
}

#[test]
fn regression_on_f1_by_hand() {
    // The first term of F1's weights and target 2: full 0.6, alone 1.1 and -0.4.
    let model = shifted(&[2, 2], vec![1.0, 0.0, 0.5, 0.0], vec![0.1]);
    let inputs = inputs(&[(Z1.to_vec(), 2), (Z2.to_vec(), 2)], Targets::Values(vec![2.0]));
    let g = step(&model, &inputs, &Regression::default(), &mut dgl(4.0)).gradients;
    // 2 * residual * weight, residuals -1.4, -0.9 and -2.4.
    near(&of(&g, "head.bias"), &[-2.8], 1e-5);
    near(&of(&g, "head.weight"), &[-2.8, -5.6, 2.8, -1.4], 1e-5);
    near(&of(&g, "encoder.audio.shift"), &[-7.2, 0.0], 1e-5);
    near(&of(&g, "encoder.image.shift"), &[-9.6, 0.0], 1e-5);
}

#[test]
fn regression_equals_finite_differences() {
    let columns: Vec<_> = (0..2).map(|m| (random(32, &m.to_string()), 4)).collect();
    let inputs = inputs(&columns, Targets::Values(random(8, "targets")));
    for parts in parts().into_iter().take(2) {
        let model = smooth(2, 4, &parts, 1, 2);
        check_differences(&model, &inputs, &Regression::default(), "mse", &parts);
    }
}
