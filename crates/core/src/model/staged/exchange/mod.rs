//! Exchanges: what streams tell each other between their stages.

mod cross_attention;
mod mmtm;
mod se_add;

pub use cross_attention::CrossAttentionExchange;
pub use mmtm::Mmtm;
pub use se_add::SeAdd;

use burn::module::{Module, ModuleDisplay};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::layer::Init;
use crate::model::encoder::Stream;

/// The streams of the modalities at one depth; `None` where a modality is
/// absent from the row.
pub type Streams = Vec<Option<Stream>>;

/// One meeting of all streams.
pub trait Exchange: Module + ModuleDisplay {
    /// What every stream goes on with. An absent stream counts as zeros and
    /// stays absent.
    fn forward(&self, streams: Streams) -> Streams;
}

/// Settings of the exchanges; which ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ExchangeConfig {
    /// See [`Mmtm`].
    Mmtm {
        /// The joint vector has `2 / ratio` times as many numbers as all streams channels.
        #[serde(default = "ratio")]
        ratio: usize,
    },
    /// See [`SeAdd`].
    SeAdd {
        /// The gates have so many times fewer hidden units than channels.
        #[serde(default = "reduction")]
        reduction: usize,
    },
    /// See [`CrossAttentionExchange`].
    CrossAttention {
        /// Heads of the attention.
        #[serde(default = "heads")]
        heads: usize,
        /// Width of a token.
        #[serde(default = "width")]
        width: usize,
    },
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self::Mmtm { ratio: ratio() }
    }
}

fn ratio() -> usize {
    4
}

fn reduction() -> usize {
    16
}

fn heads() -> usize {
    4
}

fn width() -> usize {
    64
}

impl ExchangeConfig {
    /// Names of all exchanges with a line on each.
    pub const CATALOG: &'static [(&'static str, &'static str)] = &[
        ("mmtm", "every stream's channels are gated by a look at all streams (MMTM)"),
        (
            "se-add",
            "every stream adds what squeeze-and-excitation lets through of the others; equal channels",
        ),
        ("cross-attention", "one token a stream; every stream adds what its token gathers from all of them"),
    ];

    /// The name in the configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mmtm { .. } => "mmtm",
            Self::SeAdd { .. } => "se-add",
            Self::CrossAttention { .. } => "cross-attention",
        }
    }

    /// Builds one exchange between streams of the given channels.
    ///
    /// # Errors
    /// If a setting is out of range, or the channels do not fit.
    pub fn build(&self, channels: &[usize], init: &Init) -> Result<AnyExchange, Error> {
        let positive = |key: &str, value: usize| match value {
            0 => Err(Error::config(format!("exchange `{}`: {key} must be positive, got 0", self.name()))),
            _ => Ok(()),
        };
        Ok(match *self {
            Self::Mmtm { ratio } => {
                positive("ratio", ratio)?;
                AnyExchange::Mmtm(Mmtm::new(channels, ratio, init))
            }
            Self::SeAdd { reduction } => {
                positive("reduction", reduction)?;
                AnyExchange::SeAdd(SeAdd::new(channels, reduction, init)?)
            }
            Self::CrossAttention { heads, width } => {
                positive("heads", heads)?;
                positive("width", width)?;
                AnyExchange::CrossAttention(CrossAttentionExchange::new(channels, heads, width, init)?)
            }
        })
    }
}

/// The exchanges that a configuration can name.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few per model")]
pub enum AnyExchange {
    /// See [`Mmtm`].
    Mmtm(Mmtm),
    /// See [`SeAdd`].
    SeAdd(SeAdd),
    /// See [`CrossAttentionExchange`].
    CrossAttention(CrossAttentionExchange),
}

impl Exchange for AnyExchange {
    fn forward(&self, streams: Streams) -> Streams {
        match self {
            Self::Mmtm(e) => e.forward(streams),
            Self::SeAdd(e) => e.forward(streams),
            Self::CrossAttention(e) => e.forward(streams),
        }
    }
}
