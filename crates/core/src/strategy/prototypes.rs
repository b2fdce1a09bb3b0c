//! Prototypes of classes, and how near samples are to them.

use burn::tensor::{Tensor, TensorData};

use super::Measured;

/// The prototypes of one modality.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Prototypes {
    /// `[classes, width]`; empty before the first measurement.
    pub values: Vec<f64>,
    /// Whether a class has ever had a sample.
    pub known: Vec<bool>,
}

impl Prototypes {
    /// Blends class means in; classes without samples stay as they are.
    pub fn update(&mut self, measured: &Measured, keep: f64) {
        let Some(labels) = measured.targets.classes() else { return };
        let width = measured.width;
        let classes = labels.iter().max().map_or(0, |max| max + 1).max(self.known.len());
        self.values.resize(classes * width, 0.0);
        self.known.resize(classes, false);
        let mut sums = vec![0.0; classes * width];
        let mut counts = vec![0_usize; classes];
        for (row, &class) in measured.values.chunks_exact(width.max(1)).zip(labels) {
            counts[class] += 1;
            let sum = &mut sums[class * width..][..width];
            sum.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        for class in (0..classes).filter(|&class| counts[class] > 0) {
            let keep = if self.known[class] { keep } else { 0.0 };
            self.known[class] = true;
            let of_class = class * width..(class + 1) * width;
            for (value, sum) in self.values[of_class.clone()].iter_mut().zip(&sums[of_class]) {
                *value = (1.0 - keep) * sum / counts[class] as f64 + keep * *value;
            }
        }
    }

    /// Minus the distance of every sample to every prototype.
    ///
    /// # Shapes
    /// `[samples, width]` to `[samples, classes]`.
    pub fn similarity(&self, z: Tensor<2>) -> Tensor<2> {
        let classes = self.known.len();
        let differences = z.dims()[0] * classes * z.dims()[1];
        let device = z.device();
        let squares = if differences > MOST_DIFFERENCES { self.squares(z) } else { self.differences(z) };
        let unseen: Vec<f32> = self.known.iter().map(|&known| if known { 0.0 } else { FAR }).collect();
        squares.add_scalar(1e-12).sqrt().neg()
            + Tensor::from_data(TensorData::new(unseen, [1, classes]), &device)
    }

    /// Squared distances `[samples, classes]` by the differences, `[samples, classes, width]`.
    fn differences(&self, z: Tensor<2>) -> Tensor<2> {
        let ([samples, width], classes) = (z.dims(), self.known.len());
        let values: Vec<f32> = self.values.iter().map(|&v| v as f32).collect();
        let prototypes = TensorData::new(values, [1, classes, width]);
        let away = z.clone().reshape([samples, 1, width]) - Tensor::<3>::from_data(prototypes, &z.device());
        (away.clone() * away).sum_dim(2).reshape([samples, classes])
    }

    /// The same by `|z|^2 - 2 z p + |p|^2` around the mean prototype, where little
    /// cancels: no number for every sample, class and feature.
    fn squares(&self, z: Tensor<2>) -> Tensor<2> {
        let ([_, width], classes, device) = (z.dims(), self.known.len(), z.device());
        let mut centre = vec![0.0; width];
        for row in self.values.chunks_exact(width) {
            centre.iter_mut().zip(row).for_each(|(sum, v)| *sum += v / classes as f64);
        }
        // In single precision first, as the samples are: else all of them would be moved alike.
        let single = |v: f64| f64::from(v as f32);
        centre.iter_mut().for_each(|c| *c = single(*c));
        let away: Vec<f64> =
            self.values.iter().zip(centre.iter().cycle()).map(|(v, c)| single(*v) - c).collect();
        let lengths: Vec<f64> = away.chunks_exact(width).map(|p| p.iter().map(|v| v * v).sum()).collect();
        let tensor = |values: &[f64], shape: [usize; 2]| {
            let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
            Tensor::<2>::from_data(TensorData::new(values, shape), &device)
        };
        let z = z - tensor(&centre, [1, width]);
        let products = z.clone().matmul(tensor(&away, [classes, width]).transpose());
        let squares = (z.clone() * z).sum_dim(1) + tensor(&lengths, [1, classes]);
        (squares - products.mul_scalar(2.0)).clamp_min(0.0)
    }
}

/// Numbers of differences to prototypes that are held at a time, 64 MiB; more
/// are taken apart into products.
const MOST_DIFFERENCES: usize = 1 << 24;

/// Similarity to a class that has never been seen: infinitely far, nearly.
pub(super) const FAR: f32 = -1e9;

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use counterpoint_batch::Targets;

    use crate::host::host;
    use crate::math::probability::log_softmax;
    use crate::math::random::Random;

    #[test]
    fn similarity_by_hand() {
        let prototypes = Prototypes { values: vec![3.0, 4.0, 0.0, 1.0], known: vec![true; 2] };
        let sim = host(prototypes.similarity(Tensor::zeros([1, 2], &Device::flex())));
        assert!((sim[0] + 5.0).abs() < 1e-6 && (sim[1] + 1.0).abs() < 1e-6, "{sim:?}");
        let q: Vec<f64> =
            log_softmax(&[f64::from(sim[0]), f64::from(sim[1])]).iter().map(|v| v.exp()).collect();
        assert!((q[0] - 0.017986).abs() < 1e-6 && (q[1] - 0.982014).abs() < 1e-6);
    }

    #[test]
    fn prototypes_after_two_epochs_keep_an_empty_class() {
        let measured = |values: Vec<f32>, labels: Vec<usize>| Measured {
            width: 1,
            values,
            targets: Targets::Classes(labels),
        };
        let mut prototypes = Prototypes::default();
        prototypes.update(&measured(vec![1.0, 3.0, 8.0], vec![0, 0, 2]), 0.0);
        assert_eq!(prototypes.known, [true, false, true]);
        prototypes.update(&measured(vec![4.0], vec![0]), 0.2);
        assert!((prototypes.values[0] - (0.8 * 4.0 + 0.2 * 2.0)).abs() < 1e-12);
        assert_eq!(prototypes.values[2], 8.0);
        let unseen = host(prototypes.similarity(Tensor::zeros([1, 1], &Device::flex())))[1];
        assert!(unseen < -1e8);
    }

    #[test]
    fn products_give_the_distances_and_slopes_of_differences() {
        let (samples, classes, width) = (6, 40, 5);
        let mut random = Random::new(2, &["prototypes"]);
        // Far from 0, where |z|^2 - 2 z p + |p|^2 by itself would lose what is between them.
        let values: Vec<f64> = (0..classes * width).map(|_| 1000.0 + random.normal()).collect();
        let z: Vec<f32> = (0..samples * width).map(|_| 1000.0 + random.normal() as f32).collect();
        let prototypes = Prototypes { values, known: vec![true; classes] };
        let run = |of: &dyn Fn(Tensor<2>) -> Tensor<2>| {
            let data = TensorData::new(z.clone(), [samples, width]);
            let z = Tensor::<2>::from_data(data, &Device::flex().autodiff()).require_grad();
            let squares = of(z.clone());
            let slopes = squares.clone().sqrt().sum().backward();
            (host(squares.inner()), host(z.grad(&slopes).unwrap()))
        };
        let (wanted, found) = (run(&|z| prototypes.differences(z)), run(&|z| prototypes.squares(z)));
        let apart =
            |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(apart(&wanted.0, &found.0) < 1e-4, "{}", apart(&wanted.0, &found.0));
        assert!(apart(&wanted.1, &found.1) < 1e-3, "{}", apart(&wanted.1, &found.1));
        let shifted = |z: Tensor<2>| prototypes.squares(z.add_scalar(0.01));
        assert!(apart(&wanted.0, &run(&shifted).0) > 1e-3, "another point has other distances");
    }

    #[test]
    fn many_classes_are_measured_by_products_even_on_a_prototype() {
        let (samples, classes, width) = (16, 10_000, 128);
        assert!(samples * classes * width > MOST_DIFFERENCES);
        let values: Vec<f64> = (0..classes * width).map(|i| f64::from(i as u32 % 97)).collect();
        let first: Vec<f32> = values[..samples * width].iter().map(|&v| v as f32).collect();
        let prototypes = Prototypes { values, known: vec![true; classes] };
        let data = TensorData::new(first, [samples, width]);
        let z = Tensor::<2>::from_data(data, &Device::flex().autodiff()).require_grad();
        let similarity = prototypes.similarity(z.clone());
        let slopes = host(z.grad(&similarity.clone().sum().backward()).unwrap());
        assert!(slopes.iter().all(|slope| slope.is_finite()));
        let similarity = host(similarity.inner());
        for sample in 0..samples {
            let row = &similarity[sample * classes..][..classes];
            assert!(row.iter().all(|&other| other <= row[sample] + 0.05), "{sample}: {}", row[sample]);
        }
    }
}
