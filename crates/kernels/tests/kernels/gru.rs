//! Recurrent units against the plain formulas and their differences.

use counterpoint_kernels::gru::{GruPass, GruShape, SAVED};
use counterpoint_kernels::{Kernels, Level};

use crate::common::{Numbers, narrow};

struct Case {
    shape: GruShape,
    entering: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    upstream: Vec<f64>,
}

/// Some numbers of a case.
type Part = fn(&mut Case) -> &mut Vec<f64>;

impl Case {
    fn new(numbers: &mut Numbers, [samples, steps, width]: [usize; 3]) -> Self {
        let shape = GruShape { samples, steps, width };
        Self {
            shape,
            entering: numbers.vec(3 * shape.len()),
            weight: numbers.vec(3 * width * width),
            bias: numbers.vec(3 * width),
            upstream: numbers.vec(shape.len()),
        }
    }

    /// The states by the formulas, one number after the other.
    fn plain(&self) -> Vec<f64> {
        let GruShape { samples, steps, width } = self.shape;
        let s = |v: f64| 1.0 / (1.0 + (-v).exp());
        let mut states = vec![0.0; self.shape.len()];
        for sample in 0..samples {
            let mut h = vec![0.0; width];
            for step in 0..steps {
                let at = sample * steps + step;
                let e = |part: usize, c: usize| self.entering[(at * 3 + part) * width + c];
                let q = |part: usize, c: usize| -> f64 {
                    let row = &self.weight[(part * width + c) * width..][..width];
                    self.bias[part * width + c] + row.iter().zip(&h).map(|(w, h)| w * h).sum::<f64>()
                };
                let next = |c: usize| {
                    let (r, z) = (s(e(0, c) + q(0, c)), s(e(1, c) + q(1, c)));
                    let n = (e(2, c) + r * q(2, c)).tanh();
                    (1.0 - z) * n + z * h[c]
                };
                let next: Vec<f64> = (0..width).map(next).collect();
                states[at * width..][..width].copy_from_slice(&next);
                h = next;
            }
        }
        states
    }

    /// The states weighed by the upstream gradient.
    fn loss(&self) -> f64 {
        self.plain().iter().zip(&self.upstream).map(|(h, up)| h * up).sum()
    }

    /// States, then gradients of what enters, weights and bias, by the kernels.
    fn run<S: Kernels>(&self, level: Level) -> [Vec<f64>; 4] {
        let of = |values: &[f64]| values.iter().map(|&v| S::of(v)).collect::<Vec<S>>();
        let marked = |len: usize| vec![S::of(f64::NAN); len];
        let (shape, len) = (&self.shape, self.shape.len());
        let (entering, weight, upstream) = (of(&self.entering), of(&self.weight), of(&self.upstream));
        let (mut states, mut saved) = (marked(len), marked(SAVED * len));
        S::gru(level, shape, &entering, &weight, &of(&self.bias), &mut states, &mut saved);
        let (mut of_entering, mut of_recurrent) = (marked(3 * len), marked(3 * len));
        let pass = GruPass { states: &states, saved: &saved, upstream: &upstream };
        S::gru_gradient(level, shape, pass, &weight, &mut of_entering, &mut of_recurrent);
        let mut of_weight = marked(weight.len());
        S::gru_weight_gradient(level, shape, &states, &of_recurrent, &mut of_weight);
        let of_bias = S::bias_gradient(level, 3 * shape.width, &of_recurrent);
        [states, of_entering, of_weight, of_bias].map(|all| all.into_iter().map(S::wide).collect())
    }
}

fn close(found: &[f64], expected: &[f64], bound: f64, what: &str) {
    let size = (expected.iter().map(|v| v * v).sum::<f64>() / expected.len() as f64).sqrt().max(1e-3);
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < bound * size, "{what}: {found} instead of {expected}");
    }
}

#[test]
fn double_precision_is_the_plain_formula_and_its_differences() {
    let numbers = &mut Numbers(41);
    for sizes in [[1, 1, 1], [2, 3, 5], [3, 4, 2], [19, 2, 9]] {
        let mut case = Case::new(numbers, sizes);
        let [states, of_entering, of_weight, of_bias] = case.run::<f64>(Level::Portable);
        close(&states, &case.plain(), 1e-12, &format!("{sizes:?}, states"));
        let parts: [(&str, Part, Vec<f64>); 3] = [
            ("entering", |case| &mut case.entering, of_entering),
            ("weight", |case| &mut case.weight, of_weight),
            ("bias", |case| &mut case.bias, of_bias),
        ];
        for (name, part, found) in parts {
            let few = if cfg!(miri) { 3 } else { 40 };
            for at in (0..found.len()).step_by(found.len().div_ceil(few)) {
                let middle = part(&mut case)[at];
                let mut at_offset = |offset: f64| {
                    part(&mut case)[at] = middle + offset;
                    case.loss()
                };
                let difference = (at_offset(1e-5) - at_offset(-1e-5)) / 2e-5;
                part(&mut case)[at] = middle;
                let found = found[at];
                assert!((found - difference).abs() < 1e-7, "{sizes:?}, {name} {at}: {found}, {difference}");
            }
        }
    }
}

#[test]
fn single_precision_is_close_on_every_instruction_set() {
    let numbers = &mut Numbers(43);
    for sizes in [[1, 1, 1], [5, 7, 16], [17, 3, 33], [33, 5, 70]] {
        let case = Case::new(numbers, sizes);
        let expected = case.run::<f64>(Level::Portable);
        for level in Level::available() {
            for (part, (found, expected)) in case.run::<f32>(level).iter().zip(&expected).enumerate() {
                close(found, expected, 2e-5, &format!("{sizes:?}, {level:?}, part {part}"));
            }
        }
    }
}

#[test]
fn gates_that_are_wide_open_or_shut_are_finite_and_what_is_no_number_stays() {
    let shape = GruShape { samples: 1, steps: 1, width: 6 };
    let entering = [[1e30, -1e30, 200.0, -200.0, 0.0, f64::NAN]; 3].concat();
    let (weight, bias) = (vec![0.0; 3 * 36], vec![0.0; 18]);
    for level in Level::available() {
        let (mut states, mut saved) = (vec![0.0_f32; 6], vec![0.0; 24]);
        f32::gru(
            level,
            &shape,
            &narrow(&entering),
            &narrow(&weight),
            &narrow(&bias),
            &mut states,
            &mut saved,
        );
        assert_eq!(states[..4], [0.0, -1.0, 0.0, -1.0], "{level:?}");
        assert!(states[4] == 0.0 && states[5].is_nan(), "{level:?}: {states:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs one thread")]
fn any_number_of_threads_gives_the_same_bits() {
    let case = Case::new(&mut Numbers(47), [50, 6, 20]);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| case.run::<f32>(Level::best()))
    };
    let alone = run(1);
    assert!([2, 3, 7].into_iter().all(|threads| run(threads) == alone));
}
