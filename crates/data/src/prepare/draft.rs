//! A preparation before it is fitted.

use super::{Columns, Preparation};

/// A preparation whose fitted figures are still to be found on the training split.
pub(crate) struct Draft {
    pub preparation: Preparation,
    pub fit: Fit,
}

/// What is to be fitted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fit {
    Nothing,
    /// One mean and deviation of all values.
    Scalar,
    /// The same for numbers of a file, of which one may stand for "no measurement".
    Measured {
        missing: Option<u16>,
    },
    Columns(Columns),
}
