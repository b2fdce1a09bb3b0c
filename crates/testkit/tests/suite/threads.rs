//! The bits of a training step do not depend on the number of threads.

use burn::tensor::{Device, Tensor};
use counterpoint::grad::Cut;
use counterpoint::host::host;
use counterpoint::model::{LateFusionConfig, ModelConfig};
use counterpoint::peers::Alone;
use counterpoint::step::Position;
use counterpoint::strategy::{Dgl, MmParetoConfig, StrategyConfig};
use counterpoint::task::Classification;
use counterpoint::train::{TrainState, try_step};
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};
use counterpoint_testkit::fill::fill_f32;
use counterpoint_testkit::optimizer::sgd;
use counterpoint_testkit::parameters::values;

const COUNT: usize = 6;

fn modalities() -> Vec<ModalitySpec> {
    [("a", [1, 13, 11]), ("b", [3, 8, 9]), ("c", [2, 5, 16])].map(|(n, s)| ModalitySpec::new(n, s)).to_vec()
}

fn batch() -> Batch {
    let input = |spec: &ModalitySpec| {
        let shape: Vec<usize> = [COUNT].into_iter().chain(spec.shape.iter().copied()).collect();
        let values = fill_f32(&spec.name, shape.iter().product(), 1.0);
        Input { array: Array::new(shape, values).unwrap(), present: vec![true; COUNT], lengths: None }
    };
    Batch {
        ids: (0..COUNT).map(|i| i.to_string()).collect(),
        inputs: modalities().iter().map(input).collect(),
        targets: Targets::Classes((0..COUNT).map(|i| i % 3).collect()),
    }
}

/// Parameters and running statistics after three steps on `threads` threads.
fn trained(strategy: &StrategyConfig, threads: usize) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let config = ModelConfig::new(LateFusionConfig::default());
        let heads = strategy.wants_unimodal_heads();
        let model = config.build(&modalities(), 3, heads, 5, &Device::flex().autodiff()).unwrap();
        let names = counterpoint::model::Model::modalities(&model);
        let strategy = strategy.build(names).unwrap();
        let mut state = TrainState::new(model, sgd(0.05, 0.9, 1e-3), strategy);
        for batch_number in 0..3 {
            let at = Position { epoch: 0, epochs: 1, batch: batch_number, batches: 3, seed: 7 };
            let task = Classification::new(3);
            try_step(&mut state, &Cut, &task, batch(), at, &Device::flex().autodiff(), &Alone).unwrap();
        }
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        let running = state.buffers.iter().flat_map(|(_, _, running)| {
            [&running.mean, &running.variance].map(|t: &Tensor<1>| bits(host(t.clone())))
        });
        values(&state.model, &state.groups).into_values().map(bits).chain(running).collect()
    })
}

#[test]
fn a_step_has_the_same_bits_for_any_number_of_threads() {
    let dgl = Dgl { alpha: 2.0.into(), truncate_multimodal: true, truncate_unimodal: true, ..Dgl::default() };
    // Its rounds encode again, one term at a time.
    for strategy in [StrategyConfig::from(dgl), StrategyConfig::from(MmParetoConfig::default())] {
        let alone = trained(&strategy, 1);
        assert!(alone.len() > 30, "{} parameters and statistics", alone.len());
        for threads in [2, 3, 5] {
            assert!(trained(&strategy, threads) == alone, "{}: {threads} threads", strategy.name());
        }
    }
}
