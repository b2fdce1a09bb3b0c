use counterpoint_batch::Targets;

use super::*;
use crate::math::random::Random;
use crate::task::{Classification, Multilabel, Regression, RegressionLoss};

fn measured(width: usize, values: Vec<f32>, targets: Targets) -> Measured {
    Measured { width, values, targets }
}

/// Three classes at the corners of a triangle among `width` numbers, or nothing but noise.
fn classes(count: usize, width: usize, apart: f64, key: &str) -> Measured {
    let mut random = Random::new(7, &[key]);
    let labels: Vec<usize> = (0..count).map(|i| i % 3).collect();
    let values = labels.iter().flat_map(|&class| {
        let place = |j: usize| if j == class { apart } else { 0.0 };
        (0..width).map(|j| (place(j) + random.normal()) as f32).collect::<Vec<_>>()
    });
    measured(width, values.collect(), Targets::Classes(labels.clone()))
}

fn accuracy(probe: &Probe, of: &Measured) -> f64 {
    Classification::new(3).evaluate(&probe.scores(&of.values), &of.targets)[0]
}

#[test]
fn features_that_hold_the_class_are_read_and_noise_is_not() {
    let task = Classification::new(3);
    let fit = |apart: f64| {
        let (train, validation) = (classes(300, 8, apart, "train"), classes(150, 8, apart, "validation"));
        accuracy(&Probe::fit(&train, &validation, &task).unwrap(), &classes(900, 8, apart, "test"))
    };
    assert!(fit(8.0) > 0.99);
    // AugmentKeys is 1/3; its standard error on 900 samples is 0.0157.
    let noise = fit(0.0);
    assert!((noise - 1.0 / 3.0).abs() < 4.0 * 0.0157, "{noise}");
}

#[test]
fn the_penalty_is_chosen_on_validation() {
    let task = Regression::new(RegressionLoss::Squared);
    // Nearly as many numbers as samples, of which one matters: a weak penalty learns the others by heart.
    let draw = |count: usize, key: &str| {
        let mut random = Random::new(5, &[key]);
        let values: Vec<f32> = (0..count * 25).map(|_| random.normal() as f32).collect();
        let targets = values.chunks(25).map(|x| x[0] + random.normal() as f32).collect();
        measured(25, values, Targets::Values(targets))
    };
    let (train, validation) = (draw(30, "train"), draw(300, "validation"));
    let chosen = Probe::fit(&train, &validation, &task).unwrap();
    let flattered = Probe::fit(&train, &train, &task).unwrap();
    assert_eq!(flattered.penalty, 1e-5, "its own samples ask for the weakest");
    assert!(chosen.penalty >= 0.1, "{}", chosen.penalty);
    let r2 = |probe: &Probe| task.evaluate(&probe.scores(&validation.values), &validation.targets)[0];
    assert!(r2(&chosen) > r2(&flattered) + 0.2, "{} {}", r2(&chosen), r2(&flattered));
}

#[test]
fn the_solution_of_two_classes_by_hand() {
    // At x = +-1 with W = (-w, w): log(1 + e^(-2w)) + penalty w^2 is least where sigmoid(-2w) = penalty w.
    let train = measured(1, vec![-1.0, 1.0], Targets::Classes(vec![0, 1]));
    let probe = Probe::fit(&train, &train, &Classification::new(2)).unwrap();
    let w = probe.weights[2];
    assert!((probe.weights[0] + w).abs() < 1e-5);
    assert!((1.0 / (1.0 + (2.0 * w).exp()) - probe.penalty * w).abs() < 2e-6, "{w}");
}

#[test]
fn ridge_by_hand_in_the_units_of_the_target() {
    // Standardised x and y are -1 and 1, so the slope is 1 / (1 + penalty).
    let train = measured(1, vec![10.0, 14.0], Targets::Values(vec![3.0, 7.0]));
    let probe = Probe::fit(&train, &train, &Regression::new(RegressionLoss::Squared)).unwrap();
    assert_eq!(probe.penalty, 1e-5);
    let slope = 1.0 / (1.0 + 1e-5);
    let found = probe.scores(&[10.0, 14.0, 16.0]);
    for (found, z) in found.iter().zip([-1.0, 1.0, 2.0]) {
        assert!((f64::from(*found) - (5.0 + 2.0 * slope * z)).abs() < 1e-4, "{found}");
    }
}

#[test]
fn every_label_has_a_probe_of_its_own() {
    let flags = |values: &[[f32; 2]]| values.iter().flat_map(|v| [v[0] > 0.0, v[1] > v[0]]).collect();
    let mut random = Random::new(3, &["labels"]);
    let points: Vec<[f32; 2]> = (0..200).map(|_| [random.normal() as f32, random.normal() as f32]).collect();
    let targets = Targets::Labels { width: 2, flags: flags(&points) };
    let all = measured(2, points.concat(), targets);
    let task = Multilabel::new(2);
    let probe = Probe::fit(&all, &all, &task).unwrap();
    assert!(task.evaluate(&probe.scores(&all.values), &all.targets)[0] > 0.99);
}

#[test]
fn constant_features_are_left_out_and_scale_does_not_matter() {
    let task = Classification::new(3);
    let change = |of: &Measured| {
        let values =
            of.values.chunks(3).flat_map(|x| [1e6, 1000.0 * x[0] + 5.0, x[1], 1e-4 * x[2]]).collect();
        measured(4, values, of.targets.clone())
    };
    let (train, validation) = (classes(90, 3, 3.0, "train"), classes(60, 3, 3.0, "validation"));
    let plain = Probe::fit(&train, &validation, &task).unwrap();
    let changed = Probe::fit(&change(&train), &change(&validation), &task).unwrap();
    assert_eq!(plain.penalty, changed.penalty);
    let (a, b) = (plain.scores(&validation.values), changed.scores(&change(&validation).values));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?} {b:?}");
    assert!(changed.weights.chunks(5).all(|w| w[0] == 0.0));
    // The same bits whenever it is asked.
    assert_eq!(plain, Probe::fit(&train, &validation, &task).unwrap());
}

#[test]
fn of_many_samples_the_same_is_kept_as_of_few() {
    let (train, validation) = (classes(90, 3, 3.0, "train"), classes(60, 3, 3.0, "validation"));
    let task = Classification::new(3);
    let probe = Probe::fit(&train, &validation, &task).unwrap();
    let many = classes(Probe::HELD / 3 + 500, 3, 3.0, "many");
    assert_eq!(probe.reduce(&many.values, &many.targets, &task), probe.scores(&many.values));
}
