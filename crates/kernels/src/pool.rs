//! The largest number of each window.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Windows over maps `[images, height, width, channels]`. Pairs are `[down, across]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Images of the batch.
    pub images: usize,
    /// Height and width of an input image.
    pub size: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// Size of a window; at most 255 pixels.
    pub window: [usize; 2],
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Pixels that windows reach beyond the image, on each side.
    pub padding: [usize; 2],
}

impl PoolShape {
    /// Height and width of an output image.
    pub fn out_size(&self) -> [usize; 2] {
        [0, 1].map(|i| {
            let size = self.size[i] + 2 * self.padding[i];
            size.checked_sub(self.window[i]).map_or(0, |d| d / self.stride[i] + 1)
        })
    }

    /// Numbers of the input.
    pub fn input_len(&self) -> usize {
        self.images * self.size[0] * self.size[1] * self.channels
    }

    /// Numbers of the output.
    pub fn output_len(&self) -> usize {
        let [height, width] = self.out_size();
        self.images * height * width * self.channels
    }

    /// First number of a pixel of a window, if it lies in the image.
    #[inline(always)]
    fn at(&self, image: usize, [i, j]: [usize; 2], tap: usize) -> Option<usize> {
        let row = (i * self.stride[0] + tap / self.window[1]).wrapping_sub(self.padding[0]);
        let column = (j * self.stride[1] + tap % self.window[1]).wrapping_sub(self.padding[1]);
        (row < self.size[0] && column < self.size[1])
            .then(|| ((image * self.size[0] + row) * self.size[1] + column) * self.channels)
    }
}

pub(crate) fn max_pool<S: Real>(level: Level, shape: &PoolShape, x: &[S], y: &mut [S], winners: &mut [u8]) {
    let [height, width] = shape.out_size();
    let line = width * shape.channels;
    let (y, winners) = (Shared::new(y), Shared::new(winners));
    each(shape.images * height, |task| {
        // SAFETY: each task has its own line of an image.
        let (y, winners) = unsafe { (y.part(task * line, line), winners.part(task * line, line)) };
        S::run(level, Line { shape, image: task / height, i: task % height, x, y, winners });
    });
}

struct Line<'a, S> {
    shape: &'a PoolShape,
    image: usize,
    i: usize,
    x: &'a [S],
    y: &'a mut [S],
    winners: &'a mut [u8],
}

impl<S: Real> Operation<S> for Line<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { shape, image, i, x, y, winners } = self;
        let channels = shape.channels;
        let lowest = S::of(f64::NEG_INFINITY);
        for (j, (y, winners)) in
            y.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels)).enumerate()
        {
            y.fill(lowest);
            winners.fill(0);
            for tap in 0..shape.window[0] * shape.window[1] {
                let Some(at) = shape.at(image, [i, j], tap) else { continue };
                for ((x, y), winner) in x[at..at + channels].iter().zip(&mut *y).zip(&mut *winners) {
                    let wins = S::above(*x, *y);
                    *y = if wins { *x } else { *y };
                    *winner = if wins { tap as u8 } else { *winner };
                }
            }
        }
    }
}

pub(crate) fn max_pool_gradient<S: Real>(
    level: Level,
    shape: &PoolShape,
    dy: &[S],
    winners: &[u8],
    dx: &mut [S],
) {
    let image = shape.size[0] * shape.size[1] * shape.channels;
    let dx = Shared::new(dx);
    each(shape.images, |n| {
        // SAFETY: each task has its own image.
        let dx = unsafe { dx.part(n * image, image) };
        S::run(level, ImageGradient { shape, image: n, dy, winners, dx });
    });
}

struct ImageGradient<'a, S> {
    shape: &'a PoolShape,
    image: usize,
    dy: &'a [S],
    winners: &'a [u8],
    dx: &'a mut [S],
}

impl<S: Real> Operation<S> for ImageGradient<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { shape, image, dy, winners, dx } = self;
        let [height, width] = shape.out_size();
        let channels = shape.channels;
        dx.fill(S::default());
        for place in 0..height * width {
            let from = (image * height * width + place) * channels;
            let (dy, winners) = (&dy[from..from + channels], &winners[from..from + channels]);
            for tap in 0..shape.window[0] * shape.window[1] {
                let Some(at) = shape.at(0, [place / width, place % width], tap) else { continue };
                for ((dx, dy), winner) in dx[at..at + channels].iter_mut().zip(dy).zip(winners) {
                    let more = if usize::from(*winner) == tap { *dy } else { S::default() };
                    *dx = S::plus(*dx, more);
                }
            }
        }
    }
}

pub(crate) fn mean<S: Real>(level: Level, pixels: usize, channels: usize, x: &[S], means: &mut [S]) {
    let means = Shared::new(means);
    let image = pixels * channels;
    each(x.len() / image.max(1), |n| {
        // SAFETY: each task has its own image.
        let to = unsafe { means.part(n * channels, channels) };
        S::run(level, Mean { x: &x[n * image..(n + 1) * image], to });
    });
}

struct Mean<'a, S> {
    x: &'a [S],
    to: &'a mut [S],
}

impl<S: Real> Operation<S> for Mean<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let channels = self.to.len();
        let share = I::splat(S::of(channels as f64 / self.x.len() as f64));
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let mut sum = I::zero();
            for at in (c..self.x.len()).step_by(channels) {
                sum = I::add(sum, I::take(self.x.as_ptr().add(at), left));
            }
            I::put(self.to.as_mut_ptr().add(c), I::mul(sum, share), left);
        }
    }
}

pub(crate) fn mean_gradient<S: Real>(
    level: Level,
    pixels: usize,
    channels: usize,
    upstream: &[S],
    dx: &mut [S],
) {
    let dx = Shared::new(dx);
    let image = pixels * channels;
    each(upstream.len() / channels.max(1), |n| {
        // SAFETY: each task has its own image.
        let dx = unsafe { dx.part(n * image, image) };
        S::run(level, MeanGradient { upstream: &upstream[n * channels..(n + 1) * channels], dx });
    });
}

struct MeanGradient<'a, S> {
    upstream: &'a [S],
    dx: &'a mut [S],
}

impl<S: Real> Operation<S> for MeanGradient<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let (channels, len) = (self.upstream.len(), self.dx.len());
        let share = I::splat(S::of(channels as f64 / len as f64));
        for at in (0..len).step_by(channels) {
            for c in (0..channels).step_by(I::LANES) {
                let left = channels - c;
                let v = I::mul(I::take(self.upstream.as_ptr().add(c), left), share);
                I::put(self.dx.as_mut_ptr().add(at + c), v, left);
            }
        }
    }
}
