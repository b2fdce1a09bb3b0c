//! Settings of `prepare`.

use std::path::PathBuf;

use clap::ValueEnum;

/// Settings of `prepare`.
#[derive(clap::Args, Debug)]
pub struct Prepare {
    /// How the recordings are laid out: generic, crema-d, kinetics-sounds, vggsound, ave, ucf101; or a data set
    /// of arrays: mosi, mosei, nyuv2.
    #[arg(value_name = "LAYOUT", required_unless_present = "layouts")]
    pub name: Option<String>,
    /// Folder of the raw recordings, or of the arrays (or their one file); it is only read.
    #[arg(long, value_name = "DIR", required_unless_present = "layouts")]
    pub from: Option<PathBuf>,
    /// Folder of the data set; the same command continues one that was stopped.
    #[arg(long, value_name = "DIR", required_unless_present = "layouts")]
    pub to: Option<PathBuf>,
    /// Describe the layouts, or the one that is named, and do nothing else.
    #[arg(long)]
    pub layouts: bool,
    /// Say what would be done, and do nothing else.
    #[arg(long)]
    pub dry_run: bool,
    /// Clips worked on at a time [default: as many as there are processors].
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Frames of every clip: the middles of N equal parts [default: one per second].
    #[arg(long, value_name = "N", conflicts_with = "fps")]
    pub frames: Option<usize>,
    /// Frames per second: the middle of each interval.
    #[arg(long, value_name = "F")]
    pub fps: Option<f64>,
    /// Store frames as PNG; JPEG (ffmpeg's quality 2) takes a fifth to a tenth of the space.
    #[arg(long)]
    pub png: bool,
    /// Scale larger pictures down to fit; their aspect stays [default: as they are].
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<[u32; 2]>,
    /// Samples per second of the sound [default: 16000].
    #[arg(long, value_name = "HZ")]
    pub rate: Option<u32>,
    /// Which clips are for training, validation and test [default: published, else by-group, else random].
    #[arg(long, value_enum)]
    pub split: Option<Split>,
    /// Share of the validation among all clips but the test's, where none is published.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub val: f64,
    /// Share of the test among all clips, where none is published.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub test: f64,
    /// Seed of what is random in the split.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Leave clips out that lack sound or picture; otherwise their cell is empty.
    #[arg(long)]
    pub complete: bool,
    /// Use clips that end before their header says.
    #[arg(long)]
    pub keep_damaged: bool,
    /// kinetics-sounds, vggsound: cut a clip that is absent from its whole recording VIDEO.mp4.
    #[arg(long)]
    pub uncut: bool,
    /// mosi, mosei: steps in time at most; of longer sequences the middles of as many equal parts are kept
    /// [default: 500].
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// nyuv2: the number in label pictures that means no label, 0 or 255 [default: what their content shows].
    #[arg(long, value_name = "N")]
    pub void: Option<u8>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
    /// No progress on stderr.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How clips are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// As published; what is missing is carved from the published training part.
    Published,
    /// At random, whole groups (speakers, scenes) in one split.
    ByGroup,
    /// At random, every class with its share; groups may be in two splits.
    Random,
}

/// `WIDTHxHEIGHT`.
fn size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    sides.ok_or_else(|| format!("`{text}` is not WIDTHxHEIGHT, as 320x240"))
}
