//! Numbers per image and channel that maps are multiplied by.

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Pixels of a task, whatever the number of threads.
const PIXELS: usize = 256;

/// The first and last pixel and the image of every task.
struct Pieces {
    pixels: usize,
    per_image: usize,
}

impl Pieces {
    /// Of maps of `len` numbers with gates for `images` images.
    fn of(len: usize, channels: usize, images: usize) -> Self {
        let pixels = len / channels.max(1) / images.max(1);
        assert_eq!(pixels * channels * images, len, "maps of {images} images of {channels} channels");
        Self { pixels, per_image: pixels.div_ceil(PIXELS) }
    }

    /// The image of a task, its first pixel among all and how many there are.
    fn of_task(&self, task: usize) -> (usize, usize, usize) {
        let (image, first) = (task / self.per_image, task % self.per_image * PIXELS);
        (image, image * self.pixels + first, PIXELS.min(self.pixels - first))
    }
}

pub(crate) fn gate<S: Real>(
    level: Level,
    channels: usize,
    x: &[S],
    gates: &[S],
    more: Option<&[S]>,
    y: &mut [S],
) {
    let images = gates.len() / channels;
    let pieces = Pieces::of(x.len(), channels, images);
    assert!(y.len() == x.len() && more.is_none_or(|m| m.len() == x.len()), "maps of one size");
    let y = Shared::new(y);
    each(images * pieces.per_image, |task| {
        let (image, first, count) = pieces.of_task(task);
        let range = first * channels..(first + count) * channels;
        // SAFETY: each task has its own pixels.
        let y = unsafe { y.part(range.start, range.len()) };
        let gates = &gates[image * channels..(image + 1) * channels];
        S::run(level, Gate { x: &x[range.clone()], gates, more: more.map(|m| &m[range]), y });
    });
}

struct Gate<'a, S> {
    x: &'a [S],
    gates: &'a [S],
    more: Option<&'a [S]>,
    y: &'a mut [S],
}

impl<S: Real> Operation<S> for Gate<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { x, gates, more, y } = self;
        let channels = gates.len();
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let gate = I::take(gates.as_ptr().add(c), left);
            for at in (c..x.len()).step_by(channels) {
                let v = I::take(x.as_ptr().add(at), left);
                let v = match more {
                    Some(more) => I::fma(v, gate, I::take(more.as_ptr().add(at), left)),
                    None => I::mul(v, gate),
                };
                I::put(y.as_mut_ptr().add(at), v, left);
            }
        }
    }
}

pub(crate) fn gate_gradients<S: Real>(
    level: Level,
    channels: usize,
    x: &[S],
    gates: &[S],
    dy: &[S],
    dx: Option<&mut [S]>,
    of_gates: &mut [S],
) {
    let images = gates.len() / channels;
    let pieces = Pieces::of(x.len(), channels, images);
    assert!(dy.len() == x.len() && of_gates.len() == gates.len(), "maps and gates of one size");
    let mut sums = vec![S::default(); images * pieces.per_image * channels];
    let (dx, shared) = (dx.map(Shared::new), Shared::new(&mut sums));
    each(images * pieces.per_image, |task| {
        let (image, first, count) = pieces.of_task(task);
        let range = first * channels..(first + count) * channels;
        // SAFETY: each task has its own pixels.
        let dx = dx.map(|dx| unsafe { dx.part(range.start, range.len()) });
        // SAFETY: each task has its own sums.
        let sums = unsafe { shared.part(task * channels, channels) };
        let gates = &gates[image * channels..(image + 1) * channels];
        S::run(level, GateGradients { x: &x[range.clone()], gates, dy: &dy[range], dx, sums });
    });
    for (image, to) in of_gates.chunks_exact_mut(channels).enumerate() {
        let own = image * pieces.per_image * channels..(image + 1) * pieces.per_image * channels;
        for (c, to) in to.iter_mut().enumerate() {
            *to = S::of(sums[own.clone()].iter().skip(c).step_by(channels).map(|v| v.wide()).sum());
        }
    }
}

struct GateGradients<'a, S> {
    x: &'a [S],
    gates: &'a [S],
    dy: &'a [S],
    dx: Option<&'a mut [S]>,
    sums: &'a mut [S],
}

impl<S: Real> Operation<S> for GateGradients<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { x, gates, dy, mut dx, sums } = self;
        let channels = gates.len();
        for c in (0..channels).step_by(I::LANES) {
            let left = channels - c;
            let gate = I::take(gates.as_ptr().add(c), left);
            let mut sum = I::zero();
            for at in (c..x.len()).step_by(channels) {
                let up = I::take(dy.as_ptr().add(at), left);
                sum = I::fma(up, I::take(x.as_ptr().add(at), left), sum);
                if let Some(dx) = &mut dx {
                    I::put(dx.as_mut_ptr().add(at), I::mul(up, gate), left);
                }
            }
            I::put(sums.as_mut_ptr().add(c), sum, left);
        }
    }
}
