//! Which running statistics layers after a meeting move and read, by policy
//! (docs/methods.md, "Running statistics after a fusion").

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::host::host;
use counterpoint::layer::{BatchNorm, BnPolicy, BufferKey, Buffers, ForwardContext, Init};
use counterpoint::modality::{Modality, Present};

use crate::fixture::near;

fn all() -> Present {
    Present::all(2)
}

fn only(m: usize) -> Present {
    Present::only(Modality(m))
}

/// Two values with the given mean, as a batch of two.
fn around(mean: f32) -> Tensor<4> {
    Tensor::from_data(TensorData::new(vec![mean - 1.0, mean + 1.0], [2, 1, 1, 1]), &Device::flex())
}

/// One step: the fused row sees mean 10, each single modality 20 and 30; the
/// fused row comes a second time, as it does when rows share work.
fn step(norm: &BatchNorm, policy: BnPolicy, buffers: &mut Buffers) {
    let mut pass = ForwardContext::train(buffers);
    for (row, mean) in [(all(), 10.0), (only(0), 20.0), (only(1), 30.0), (all(), 10.0)] {
        pass.after_fusion(row, all(), policy, |pass| norm.forward(around(mean), pass));
    }
}

/// The running mean that the row reads in evaluation: a batch of zeros comes
/// out as minus mean over deviation, so the mean is read from two batches.
fn read(norm: &BatchNorm, row: Present, policy: BnPolicy, buffers: &Buffers) -> f64 {
    let mut pass = ForwardContext::eval(buffers);
    let at = |x: f32, pass: &mut ForwardContext<'_>| {
        let y = pass.after_fusion(row, all(), policy, |pass| norm.forward(around(x), pass));
        f64::from(host(y).iter().sum::<f32>()) / 2.0
    };
    let (zero, one) = (at(0.0, &mut pass), at(1.0, &mut pass));
    -zero / (one - zero)
}

#[test]
fn every_policy_moves_its_buffers_once_a_row() {
    let norm = BatchNorm::new(1, &Init::new(0, &Device::flex()));
    for (policy, [fused, first, second]) in [
        // 0.1 of what the row itself saw.
        (BnPolicy::PerSubset, [1.0, 2.0, 3.0]),
        // ((0.1 * 10) * 0.9 + 0.1 * 20) * 0.9 + 0.1 * 30, the same for all.
        (BnPolicy::Shared, [5.61, 5.61, 5.61]),
        (BnPolicy::FusedOnly, [1.0, 1.0, 1.0]),
    ] {
        let mut buffers = Buffers::default();
        step(&norm, policy, &mut buffers);
        for (row, mean) in [(all(), fused), (only(0), first), (only(1), second)] {
            let is = read(&norm, row, policy, &buffers);
            assert!((is - mean).abs() < 1e-4, "{policy:?} {row:?}: {is}, expected {mean}");
        }
    }
}

#[test]
fn a_set_that_never_trained_reads_the_statistics_of_all() {
    let norm = BatchNorm::new(1, &Init::new(0, &Device::flex()));
    let mut buffers = Buffers::default();
    ForwardContext::train(&mut buffers)
        .after_fusion(all(), all(), BnPolicy::PerSubset, |pass| norm.forward(around(10.0), pass));
    assert!((read(&norm, only(1), BnPolicy::PerSubset, &buffers) - 1.0).abs() < 1e-4);
    // Once it has trained it reads its own.
    ForwardContext::train(&mut buffers)
        .after_fusion(only(1), all(), BnPolicy::PerSubset, |pass| norm.forward(around(30.0), pass));
    assert!((read(&norm, only(1), BnPolicy::PerSubset, &buffers) - 3.0).abs() < 1e-4);
}

#[test]
fn behind_ends_where_it_began() {
    let norm = BatchNorm::new(1, &Init::new(0, &Device::flex()));
    let mut buffers = Buffers::default();
    let mut pass = ForwardContext::train(&mut buffers);
    pass.after_fusion(only(0), all(), BnPolicy::FusedOnly, |pass| norm.forward(around(20.0), pass));
    norm.forward(around(10.0), &mut pass);
    // Neither the subset nor its stillness is left over.
    let mean = host(buffers.get(norm.weight.id, BufferKey::Single).expect("moved").mean.clone());
    near(&mean, &[1.0], 1e-5);
    assert!(buffers.get(norm.weight.id, BufferKey::Subset(all())).is_none());
}
