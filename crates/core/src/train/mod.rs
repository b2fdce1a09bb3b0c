//! The training loop and what it needs: optimizer, schedule, checkpoints,
//! evaluation. Only this module moves parameters.

mod checkpoint;
mod evaluation;
mod figures;
mod lab;
mod learner;
mod optimizer;
mod prefix;
mod pretrained;
mod reach;
mod schedule;
mod step;
mod sums;
mod trainer;
mod transfer;
mod watch;

pub use checkpoint::{Checkpoint, Progress};
pub use evaluation::{Besides, Evaluation, Kept, evaluate};
pub use learner::TrainState;
pub use optimizer::{Optimizer, OptimizerConfig};
pub use reach::check_reach;
pub use schedule::ScheduleConfig;
pub use step::try_step;
pub use trainer::{EpochReport, Observer, Outcome, StepReport, TrainConfig, Trainer};
