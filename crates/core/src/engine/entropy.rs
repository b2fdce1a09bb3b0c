//! Cross-entropy of many rows.

use std::sync::Arc;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use burn_flex::FlexTensor;
use counterpoint_kernels::{Kernels, Level, unwritten};

use super::extension::{Operator, Results, run};
use super::flex::{numbers, plain, vector};
use super::{Arithmetic, applies};

/// `-log softmax(scores)[label] * share` of every row of `scores`, `[rows, classes]`;
/// zero where the share is.
///
/// # Panics
/// If there are not as many labels and shares as rows, or a label is not a class.
pub fn cross_entropy(scores: Tensor<2>, labels: Vec<u32>, shares: Vec<f32>, how: Arithmetic) -> Tensor<1> {
    if applies(&scores, how).is_none() {
        let (rows, device) = (labels.len(), scores.device());
        let labels: Vec<i64> = labels.into_iter().map(i64::from).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [rows, 1]), &device);
        let shares = Tensor::<1>::from_data(TensorData::new(shares, [rows]), &device);
        return (log_softmax(scores, 1).gather(1, labels).reshape([rows]) * shares).neg();
    }
    let operator = CrossEntropy { labels: labels.into(), shares: shares.into() };
    Tensor::from_dispatch(run(operator, [scores.into_dispatch()]).swap_remove(0))
}

struct CrossEntropy {
    labels: Arc<[u32]>,
    shares: Arc<[f32]>,
}

/// What the gradient needs.
#[derive(Clone, Debug)]
struct Saved {
    scores: FlexTensor,
    labels: Arc<[u32]>,
    shares: Arc<[f32]>,
    logs: Arc<[f32]>,
}

impl Operator<1> for CrossEntropy {
    type Saved = Saved;

    fn run(self, [scores]: [FlexTensor; 1]) -> Results<Saved> {
        let Self { labels, shares } = self;
        let (scores, rows) = (scores.to_contiguous(), labels.len());
        let [mut logs, mut losses] = [(); 2].map(|()| unwritten(rows));
        f32::cross_entropy(Level::best(), numbers(&scores), &labels, &shares, &mut logs, &mut losses);
        let saved = Saved { scores, labels, shares, logs: logs.into() };
        Results::of((plain(losses, [rows]), saved))
    }

    fn gradients(saved: Saved, upstream: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let Saved { scores, labels, shares, logs } = saved;
        let mut upstream = vector(upstream);
        upstream.iter_mut().zip(&*shares).for_each(|(up, share)| *up *= share);
        let values = numbers(&scores);
        let mut found = unwritten(values.len());
        f32::cross_entropy_gradient(Level::best(), values, &labels, &logs, &upstream, &mut found);
        let (rows, classes) = (labels.len(), values.len() / labels.len());
        [Some(plain(found, [rows, classes]))]
    }
}
