//! Cross-entropy of rows of scores.

use std::ops::Range;

use crate::isa::{Isa, Level, Operation, Real};
use crate::threads::{Shared, each};

/// Rows of a task.
const ROWS: usize = 256;

fn pieces(rows: usize, piece: impl Fn(Range<usize>) + Sync + Send) {
    each(rows.div_ceil(ROWS), |i| piece(i * ROWS..rows.min((i + 1) * ROWS)));
}

fn check<S>(scores: &[S], labels: &[u32], shares: &[S]) -> usize {
    let (rows, classes) = (labels.len(), scores.len() / labels.len().max(1));
    assert!(rows * classes == scores.len() && shares.len() == rows, "scores of {rows} rows");
    assert!(labels.iter().all(|&label| (label as usize) < classes), "labels below {classes}");
    classes
}

pub(crate) fn cross_entropy<S: Real>(
    level: Level,
    scores: &[S],
    labels: &[u32],
    shares: &[S],
    logs: &mut [S],
    losses: &mut [S],
) {
    let classes = check(scores, labels, shares);
    let (logs, losses) = (Shared::new(logs), Shared::new(losses));
    pieces(labels.len(), |rows| {
        // SAFETY: each task has its own rows.
        let logs = unsafe { logs.part(rows.start, rows.len()) };
        // SAFETY: as above.
        let losses = unsafe { losses.part(rows.start, rows.len()) };
        let scores = &scores[rows.start * classes..rows.end * classes];
        let (labels, shares) = (&labels[rows.clone()], &shares[rows]);
        S::run(level, Losses { classes, scores, labels, shares, logs, losses });
    });
}

struct Losses<'a, S> {
    classes: usize,
    scores: &'a [S],
    labels: &'a [u32],
    shares: &'a [S],
    logs: &'a mut [S],
    losses: &'a mut [S],
}

impl<S: Real> Operation<S> for Losses<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { classes, scores, labels, shares, logs, losses } = self;
        let lowest = S::of(f64::NEG_INFINITY);
        for (row, scores) in scores.chunks_exact(classes).enumerate() {
            let mut largest = I::splat(lowest);
            for c in (0..classes).step_by(I::LANES) {
                largest = I::max(largest, I::take_or(scores.as_ptr().add(c), classes - c, lowest));
            }
            let largest = I::fold(largest, |a, b| if S::above(a, b) { a } else { b });
            let (mut sum, from) = (I::zero(), I::splat(largest));
            for c in (0..classes).step_by(I::LANES) {
                let v = I::take_or(scores.as_ptr().add(c), classes - c, lowest);
                sum = I::add(sum, I::exp(I::sub(v, from)));
            }
            let log = largest.wide() + I::fold(sum, S::plus).wide().ln();
            logs[row] = S::of(log);
            // A row without a share costs nothing, whatever its scores are.
            let share = shares[row].wide();
            let loss = if share == 0.0 { 0.0 } else { (log - scores[labels[row] as usize].wide()) * share };
            losses[row] = S::of(loss);
        }
    }
}

pub(crate) fn cross_entropy_gradient<S: Real>(
    level: Level,
    scores: &[S],
    labels: &[u32],
    logs: &[S],
    upstream: &[S],
    of_scores: &mut [S],
) {
    let classes = check(scores, labels, upstream);
    let of_scores = Shared::new(of_scores);
    pieces(labels.len(), |rows| {
        let range = rows.start * classes..rows.end * classes;
        // SAFETY: each task has its own rows.
        let to = unsafe { of_scores.part(range.start, range.len()) };
        let (labels, logs) = (&labels[rows.clone()], &logs[rows.clone()]);
        S::run(
            level,
            Gradient { classes, scores: &scores[range], labels, logs, upstream: &upstream[rows], to },
        );
    });
}

struct Gradient<'a, S> {
    classes: usize,
    scores: &'a [S],
    labels: &'a [u32],
    logs: &'a [S],
    upstream: &'a [S],
    to: &'a mut [S],
}

impl<S: Real> Operation<S> for Gradient<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { classes, scores, labels, logs, upstream, to } = self;
        for (row, (scores, to)) in scores.chunks_exact(classes).zip(to.chunks_exact_mut(classes)).enumerate()
        {
            if upstream[row] == S::default() {
                to.fill(S::default());
                continue;
            }
            let (up, log) = (I::splat(upstream[row]), I::splat(logs[row]));
            for c in (0..classes).step_by(I::LANES) {
                let left = classes - c;
                let share = I::exp(I::sub(I::take(scores.as_ptr().add(c), left), log));
                I::put(to.as_mut_ptr().add(c), I::mul(share, up), left);
            }
            let own = &mut to[labels[row] as usize];
            *own = S::of(own.wide() - upstream[row].wide());
        }
    }
}
