//! Writing an event file.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    event::{Scalar, What, encode},
    heat,
    record::frame,
};
use crate::{
    record::{Confusion, Epoch, Start},
    text::visible,
};

/// An event file that TensorBoard reads.
///
/// TensorBoard finds files by name: create one named [`EventFile::name`] per
/// process in a folder of the run. Every call writes whole records, so a kill
/// between calls leaves a readable file.
///
/// ```
/// use counterpoint_report::tensorboard::EventFile;
/// let mut bytes = Vec::new();
/// let mut file = EventFile::new(&mut bytes, 1_700_000_000.0)?;
/// file.scalars(1_700_000_060.0, 1, &[("val/accuracy/fused".into(), 0.5)])?;
/// assert_eq!(EventFile::<Vec<u8>>::name(1_700_000_000.0), "events.out.tfevents.1700000000.counterpoint");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EventFile<W> {
    out: W,
    /// What numbers mean, by group of tags and name.
    about: BTreeMap<(&'static str, String), String>,
}

impl<W: Write> EventFile<W> {
    /// Begins a file.
    ///
    /// Times are seconds since 1970.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(out: W, wall_time: f64) -> io::Result<Self> {
        let mut file = Self { out, about: BTreeMap::new() };
        file.write(wall_time, 0, &What::Version)?;
        Ok(file)
    }

    /// The file name TensorBoard looks for. Files of one run are read in the
    /// order of their names, which is the order of their times.
    pub fn name(wall_time: f64) -> String {
        format!("events.out.tfevents.{:010.0}.counterpoint", wall_time.max(0.0))
    }

    /// Takes over what the start of a run says of its numbers: TensorBoard shows
    /// it beside their curves.
    #[must_use]
    pub fn described(mut self, start: &Start) -> Self {
        let metrics = start
            .metrics
            .iter()
            .flat_map(|metric| ["train", "val"].map(|group| ((group, metric.name.clone()), metric.about())));
        let legend = start.legend.iter().map(|(name, what)| (("strategy", name.clone()), what.clone()));
        self.about.extend(metrics.chain(legend));
        self
    }

    /// Says that a resumed run starts again at `step`: what an earlier file
    /// holds for this step and later is void.
    ///
    /// # Errors
    /// When writing fails.
    pub fn restart(&mut self, wall_time: f64, step: u64) -> io::Result<()> {
        self.write(wall_time, step, &What::Restart)
    }

    /// Writes values at a step. TensorBoard stores 32-bit numbers; NaN stays NaN.
    ///
    /// # Errors
    /// When writing fails.
    pub fn scalars(&mut self, wall_time: f64, step: u64, scalars: &[(String, f64)]) -> io::Result<()> {
        let plain =
            |(tag, value): &(String, f64)| Scalar { tag: tag.clone(), value: *value, about: String::new() };
        self.values(wall_time, step, &scalars.iter().map(plain).collect::<Vec<_>>())
    }

    /// Writes the confusion matrix of a row as a small picture; nothing where
    /// there are too many classes to see one.
    ///
    /// # Errors
    /// When writing fails.
    pub fn confusion(&mut self, wall_time: f64, step: u64, row: &str, counts: &Confusion) -> io::Result<()> {
        if !(1..=heat::MOST_CLASSES).contains(&counts.classes()) {
            return Ok(());
        }
        let png = heat::png(counts).map_err(io::Error::other)?;
        self.write(wall_time, step, &What::Image(&visible(&format!("confusion/{row}")), &png))
    }

    /// Writes all numbers of an epoch.
    ///
    /// # Errors
    /// When writing fails.
    pub fn epoch(&mut self, wall_time: f64, epoch: &Epoch) -> io::Result<()> {
        self.values(wall_time, epoch.epoch as u64, &numbers(epoch, &self.about))
    }

    /// Gives the writer back.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn values(&mut self, wall_time: f64, step: u64, scalars: &[Scalar]) -> io::Result<()> {
        if scalars.is_empty() { Ok(()) } else { self.write(wall_time, step, &What::Scalars(scalars)) }
    }

    fn write(&mut self, wall_time: f64, step: u64, what: &What<'_>) -> io::Result<()> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.out.write_all(&frame(&encode(wall_time, step, what)))?;
        self.out.flush()
    }
}

/// Every number of an epoch by tag: what it measures first, so that TensorBoard
/// shows the rows of one measure side by side.
fn numbers(epoch: &Epoch, about: &BTreeMap<(&'static str, String), String>) -> Vec<Scalar> {
    let plain = |tag: &str, value: f64| Scalar { tag: visible(tag), value, about: String::new() };
    let mut numbers = vec![plain("learning_rate", epoch.learning_rate), plain("seconds", epoch.seconds)];
    for (group, scores) in [
        ("train", &epoch.train),
        ("val", &epoch.val),
        ("inside", &epoch.diagnostics),
        ("strategy", &epoch.strategy),
    ] {
        let values = scores.iter().flat_map(|(row, values)| values.iter().map(move |value| (row, value)));
        numbers.extend(values.map(|(row, (name, value))| Scalar {
            about: about.get(&(group, name.clone())).map_or_else(String::new, |what| visible(what)),
            ..plain(&format!("{group}/{name}/{row}"), *value)
        }));
    }
    numbers.extend(epoch.losses.iter().map(|(row, value)| plain(&format!("loss/{row}"), *value)));
    numbers.extend(epoch.grad_norm.map(|value| plain("grad_norm", value)));
    numbers.extend(epoch.clipped_share.map(|value| plain("clipped_share", value)));
    numbers
}
