//! Gates against their definition.

use crate::common::{Numbers, error, marked, of, same_bits, wide};
use counterpoint_kernels::{Kernels, Level};

struct Case {
    channels: usize,
    x: Vec<f64>,
    gates: Vec<f64>,
    more: Vec<f64>,
    dy: Vec<f64>,
}

impl Case {
    fn new([images, pixels, channels]: [usize; 3], seed: u64) -> Self {
        let mut n = Numbers(seed);
        let all = images * pixels * channels;
        Self { channels, x: n.vec(all), gates: n.vec(images * channels), more: n.vec(all), dy: n.vec(all) }
    }

    /// The gate of number `i` of the maps.
    fn gate(&self, i: usize) -> usize {
        let image = self.x.len() / (self.gates.len() / self.channels);
        i / image * self.channels + i % self.channels
    }

    /// Outputs without and with what is added, gradients of input and gates.
    fn run<S: Kernels>(&self, level: Level) -> [Vec<f64>; 4] {
        let (x, gates, more, dy) =
            (of::<S>(&self.x), of::<S>(&self.gates), of::<S>(&self.more), of::<S>(&self.dy));
        let [mut plain, mut sum, mut dx] = [(); 3].map(|()| marked::<S>(x.len()));
        let [mut of_gates, mut alone] = [(); 2].map(|()| marked::<S>(gates.len()));
        S::gate(level, self.channels, &x, &gates, None, &mut plain);
        S::gate(level, self.channels, &x, &gates, Some(&more), &mut sum);
        S::gate_gradients(level, self.channels, &x, &gates, &dy, Some(&mut dx), &mut of_gates);
        S::gate_gradients(level, self.channels, &x, &gates, &dy, None, &mut alone);
        assert!(of_gates == alone, "the same without a gradient of the input");
        [plain, sum, dx, of_gates].map(|v| wide(&v))
    }

    fn expected(&self) -> [Vec<f64>; 4] {
        let times = |v: &[f64]| (0..v.len()).map(|i| v[i] * self.gates[self.gate(i)]).collect::<Vec<_>>();
        let plain = times(&self.x);
        let sum = plain.iter().zip(&self.more).map(|(a, b)| a + b).collect();
        let mut of_gates = vec![0.0; self.gates.len()];
        (0..self.x.len()).for_each(|i| of_gates[self.gate(i)] += self.x[i] * self.dy[i]);
        [plain, sum, times(&self.dy), of_gates]
    }
}

#[test]
fn outputs_and_gradients_are_those_of_the_definition() {
    for (i, sizes) in
        [[1, 1, 1], [3, 1, 33], [2, 300, 16], [1, 700, 5], [5, 63, 70], [2, 257, 48]].into_iter().enumerate()
    {
        let case = Case::new(sizes, i as u64);
        let expected = case.expected();
        let check = |found: [Vec<f64>; 4], limit: f64, what: &str| {
            for (k, (found, expected)) in found.into_iter().zip(&expected).enumerate() {
                let found = error(found, expected);
                assert!(found < limit, "{what} {sizes:?}, result {k}: {found}");
            }
        };
        check(case.run::<f64>(Level::Portable), 1e-12, "double");
        for level in Level::available() {
            check(case.run::<f32>(level), 2e-5, level.name());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs one thread")]
fn any_number_of_threads_gives_the_same_bits() {
    let case = Case::new([2, 1500, 20], 9);
    same_bits("gate", || case.run::<f32>(Level::best()).concat().into_iter().map(|v| v as f32).collect());
}
