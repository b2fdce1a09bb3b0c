//! The words of one optimizer step, which strategies, models and evaluators share.
//!
//! A [`Phase`] lists the [loss terms](LossTerm) of a step. A strategy sees what
//! they gave ([`StepOutputs`]) and answers with a [`Routing`]: the weight of each
//! loss term's gradient at each parameter [`Group`]. An evaluator of
//! [`grad`](crate::grad) turns that into [`Gradients`] and a [`StepRecord`].

mod gradients;
mod group;
mod incomplete;
mod loss_term;
mod outputs;
mod phase;
mod position;
mod record;
mod routing;

pub use gradients::{Clip, Gradients};
pub use group::{Group, Groups, Parameter};
pub use incomplete::Incomplete;
pub use loss_term::LossTerm;
pub use outputs::{StepOutputs, TermOutput};
pub use phase::{Need, Phase};
pub use position::Position;
pub use record::StepRecord;
pub use routing::Routing;

pub(crate) use group::{freeze, map_parameters};
