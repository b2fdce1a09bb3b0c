//! The learning-rate-matched control takes DGL's steps (docs/methods.md,
//! "Alpha as a learning rate").

use counterpoint::modality::PerModality;
use counterpoint::model::{LateFusion, Model};
use counterpoint::strategy::{Dgl, Strategy, Unimodal};
use counterpoint::train::OptimizerConfig;
use counterpoint_testkit::conformance::{Named, norm, parts, same};
use counterpoint_testkit::parameters::values;

use crate::dgl::after;
use crate::fixture::*;

/// How far every parameter moves in some steps.
fn moved(
    steps: usize,
    model: &LateFusion,
    optimizer: OptimizerConfig,
    strategy: impl Strategy + 'static,
) -> Named {
    let start = values(model, &model.groups());
    let mut end = after(steps, model, optimizer, Box::new(strategy));
    for (name, value) in &mut end {
        value.iter_mut().zip(&start[name]).for_each(|(end, start)| *end -= start);
        assert!(norm(value) > 1e-3, "{name} moved at all");
    }
    end
}

fn nesterov(mut sgd: OptimizerConfig) -> OptimizerConfig {
    if let OptimizerConfig::Sgd { nesterov, .. } = &mut sgd {
        *nesterov = true;
    }
    sgd
}

/// Alpha 1 sends encoders the gradient g of their own losses, alpha a sends them a g; fusion and head
/// receive the same in both. The decay is so strong that it counts beside the gradient.
#[test]
fn for_equal_gradients_every_parameter_moves_as_far_as_under_dgl() {
    let model = smooth(2, 4, &parts()[0], 3, 3);
    let each: PerModality = PerModality::Each([("audio".to_owned(), 2.0), ("image".to_owned(), 8.0)].into());
    let one = sgd(0.05, 0.9, 0.5);
    for optimizer in [one.clone(), nesterov(one.clone())] {
        for alpha in [PerModality::from(4.0), each.clone()] {
            let matched = optimizer.rate_matched(&alpha).unwrap();
            for steps in [1, 5] {
                let theirs =
                    moved(steps, &model, optimizer.clone(), Dgl { alpha: alpha.clone(), ..dgl(1.0) });
                let ours = moved(steps, &model, matched.clone(), dgl(1.0));
                same(&theirs, &ours, 1e-6).unwrap_or_else(|e| panic!("{alpha:?}, {steps} steps: {e}"));
            }
        }
    }
    // What other controls do is seen: no division of the decay, or everything multiplied.
    let theirs = moved(1, &model, one.clone(), dgl(4.0));
    let mut undivided = one.rate_matched(&4.0.into()).unwrap();
    if let OptimizerConfig::Sgd { encoder_weight_decay, .. } = &mut undivided {
        *encoder_weight_decay = None;
    }
    assert!(same(&theirs, &moved(1, &model, undivided, dgl(1.0)), 1e-6).is_err());
    assert!(same(&theirs, &moved(1, &model, one.faster(4.0), dgl(1.0)), 1e-6).is_err());
}

/// With the same weights, the loss of a single modality sends its encoder the same gradient whether the model
/// is trained by DGL or on that modality only. After that the heads differ: only DGL's hears the fused loss.
#[test]
fn the_control_of_one_modality_alone_moves_its_encoder_as_far_as_dgl() {
    let model = smooth(2, 4, &parts()[0], 3, 3);
    let optimizer = sgd(0.05, 0.9, 0.5);
    let matched = optimizer.rate_matched(&4.0.into()).unwrap();
    let theirs = moved(1, &model, optimizer, dgl(4.0));
    let ours = after(1, &model, matched, Box::new(Unimodal { modality: A }));
    let start = values(&model, &model.groups());
    let part = |all: &Named, of: &str| -> Named {
        let wanted = all.iter().filter(|(name, _)| name.starts_with(of));
        wanted.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let ours: Named = ours
        .into_iter()
        .map(|(name, end)| {
            let way = end.iter().zip(&start[&name]).map(|(end, start)| end - start).collect();
            (name, way)
        })
        .collect();
    same(&part(&theirs, "encoder.audio."), &part(&ours, "encoder.audio."), 1e-6).unwrap();
    assert!(same(&part(&theirs, "head."), &part(&ours, "head."), 1e-6).is_err());
}

#[test]
fn no_control_is_matched_where_alpha_cancels_or_is_zero() {
    let refused = |optimizer: OptimizerConfig, alpha: f64| {
        optimizer.rate_matched(&alpha.into()).unwrap_err().to_string()
    };
    assert_eq!(refused(adam(1e-3, 1.0), 4.0), "no rate-matched control exists under Adam: alpha cancels");
    assert!(refused(sgd(0.05, 0.9, 0.0), 0.0).contains("for an alpha of 0"));
}
