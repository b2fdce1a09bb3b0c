//! A preparation before it is fitted.

use super::{Columns, Normalise, Preparation, Steps, VectorSteps, WordRule};

/// A preparation whose fitted figures are still to be found on the training split.
#[derive(Clone, Debug)]
pub struct Draft {
    /// All that is known before.
    pub preparation: Preparation,
    /// What is to be found.
    pub fit: Fit,
}

/// What is fitted on the training split.
#[derive(Clone, Copy, Debug)]
pub enum Fit {
    /// Nothing.
    Nothing,
    /// One mean and deviation of all values.
    Scalar,
    /// The same for numbers of a file.
    Measured {
        /// The number that stands for "no measurement".
        missing: Option<u16>,
    },
    /// Mean and deviation of each column of features, and which columns are kept.
    Columns(Columns),
    /// The words of texts.
    Text(WordRule),
    /// The categories of columns.
    Categories {
        /// Those that occur at least so often.
        min_count: usize,
    },
}

impl Draft {
    /// Ready-made features, `width` numbers for each sample: standardised over the training split,
    /// constant columns left out.
    pub fn vector(modality: &str, width: usize) -> Self {
        let steps = Steps::Vector(VectorSteps::plain(None, width, None));
        let preparation = Preparation { modality: modality.to_owned(), steps, normalise: Normalise::None };
        Self { preparation, fit: Fit::Columns(Columns { drop_constant: true, standardise: true }) }
    }
}
