//! Exchanges between the stages of streams.

mod cross_attention;
mod mmtm;
mod se_add;

use counterpoint_catalog::{Chosen, Part};

use crate::Error;
use crate::layer::Init;
use crate::model::encoder::Stream;
use crate::model::parts::{boxed, parts};
use crate::model::{Boxed, Erased};

parts! {
    ExchangeSettings, "exchange":
    mmtm::MmtmConfig,
    se_add::SeAddConfig,
    cross_attention::CrossAttentionExchangeConfig,
}

/// The exchange that a configuration names, with its settings.
pub type ExchangeConfig = Chosen<dyn ExchangeSettings>;

/// The streams of the modalities at one depth; `None` where a modality is
/// absent from the term.
pub type Streams = Vec<Option<Stream>>;

/// One meeting of all streams. An exchange is a [`Module`](burn::module::Module), too.
pub trait Exchange: Erased {
    /// What every stream goes on with. An absent stream counts as zeros and
    /// stays absent.
    fn forward(&self, streams: Streams) -> Streams;
}

boxed!(Exchange);

/// The settings of an exchange.
pub trait ExchangeSettings: Part {
    /// Builds one exchange between streams of the given channels.
    ///
    /// # Errors
    /// If a setting is out of range, or the channels do not fit.
    fn build(&self, channels: &[usize], init: &Init) -> Result<Boxed<dyn Exchange>, Error>;
}

fn positive(exchange: &str, key: &str, value: usize) -> Result<(), Error> {
    match value {
        0 => Err(Error::config(format!("exchange `{exchange}`: {key} must be positive, got 0"))),
        _ => Ok(()),
    }
}
