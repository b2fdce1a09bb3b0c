//! The words of one optimizer step, which strategies, models and evaluators share.
//!
//! A [`Phase`] lists the [loss terms](Row) of a step. A strategy sees what
//! they gave ([`Seen`]) and answers with a [`Routing`]: the weight of each
//! loss term's gradient at each parameter [`Group`]. An evaluator of
//! [`grad`](crate::grad) turns that into [`Gradients`] and a [`Ledger`].

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
pub use loss_term::Row;
pub use outputs::{RowOutput, Seen};
pub use phase::{Need, Phase};
pub use position::Moment;
pub use record::Ledger;
pub use routing::Routing;

pub(crate) use group::{deafen, map_parameters};
