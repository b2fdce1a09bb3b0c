//! The TensorBoard file of a run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use counterpoint_report::record::{Confusion, Epoch, Start};
use counterpoint_report::tensorboard::EventFile;

/// Confusion matrices are written this often over a run, besides the end.
const PICTURES: usize = 5;

/// Writes an event file of this process into the run's `tensorboard` folder.
pub struct TensorBoardFile {
    file: EventFile<File>,
    epochs: usize,
}

impl TensorBoardFile {
    /// Begins the file of a run. What earlier files hold after `done` epochs is void.
    pub fn open(run: &Path, done: usize, start: &Start) -> io::Result<Self> {
        let folder = run.join("tensorboard");
        fs::create_dir_all(&folder)?;
        let (file, time) = create(&folder)?;
        let mut file = EventFile::new(file, time)?.described(start);
        // Without the untrained model's numbers, which are of step 0.
        if done > 0 {
            file.restart(time, done as u64 + 1)?;
        }
        Ok(Self { file, epochs: start.epochs })
    }

    /// Writes an epoch; `confusions` are those of the validation split by row.
    pub fn epoch(
        &mut self,
        epoch: &Epoch,
        confusions: impl FnOnce() -> BTreeMap<String, Confusion>,
    ) -> io::Result<()> {
        let time = now();
        self.file.epoch(time, epoch)?;
        let every = (self.epochs / PICTURES).max(1);
        if epoch.epoch == self.epochs || (epoch.epoch > 0 && epoch.epoch.is_multiple_of(every)) {
            for (row, counts) in confusions() {
                self.file.confusion(time, epoch.epoch as u64, &row, &counts)?;
            }
        }
        Ok(())
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// A new file; the next second's name if another process took this one's.
fn create(folder: &Path) -> io::Result<(File, f64)> {
    let mut time = now();
    loop {
        let path: PathBuf = folder.join(EventFile::<File>::name(time));
        match File::create_new(path) {
            Ok(file) => return Ok((file, time)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => time += 1.0,
            Err(error) => return Err(error),
        }
    }
}
