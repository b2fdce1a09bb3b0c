//! The training loop and what it needs: optimizer, schedule, checkpoints,
//! evaluation. Only this module moves parameters.

mod checkpoint;
mod earlier;
mod evaluation;
mod gather;
mod observer;
mod optimizer;
mod prefix;
mod pretrained;
mod reach;
mod readout;
mod running;
mod schedule;
mod state;
mod stats;
mod step;
mod sums;
mod tools;
mod trainer;
mod transfer;
mod watch;

pub use checkpoint::{Checkpoint, Progress};
pub use evaluation::{Besides, Evaluation, Predictor, Reduced, evaluate};
pub use observer::{EpochReport, Observer, StepReport};
pub use optimizer::{Optimizer, OptimizerConfig};
pub use reach::check_reach;
pub use readout::{KeptRow, Readout, ReadoutReport};
pub use schedule::ScheduleConfig;
pub use state::TrainState;
pub use step::try_step;
pub use trainer::{Outcome, TrainConfig, Trainer};
