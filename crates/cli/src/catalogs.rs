//! The parts that the command knows.

use counterpoint::catalog::{Catalog, Kind};
use counterpoint::model::encoder::EncoderSettings;
use counterpoint::model::fusion::FusionSettings;
use counterpoint::model::head::HeadSettings;
use counterpoint::model::sequence::SequenceSettings;
use counterpoint::model::{ExchangeSettings, ModelSettings};
use counterpoint::strategy::StrategySettings;
use counterpoint_data::set::DataSet;

/// The parts that a configuration can name, by kind. The default is what comes
/// with this project; a program of its own adds to it:
///
/// ```
/// use counterpoint::Error;
/// use counterpoint::catalog::Settings;
/// use counterpoint::modality::Modalities;
/// use counterpoint::strategy::{Joint, Strategy, StrategySettings};
/// use counterpoint_cli::Catalogs;
///
/// /// Joint training by another name.
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// struct Together {}
///
/// impl Settings for Together {
///     const NAME: &'static str = "together";
///     const SUMMARY: &'static str = "joint training by another name";
/// }
///
/// impl StrategySettings for Together {
///     fn build(&self, _: &Modalities) -> Result<Box<dyn Strategy>, Error> {
///         Ok(Box::new(Joint {}))
///     }
/// }
///
/// let mut catalogs = Catalogs::default();
/// catalogs.strategies = catalogs.strategies.with::<Together>();
/// // counterpoint_cli::main(catalogs) now trains, compares, explains and lists it.
/// ```
#[derive(Clone)]
pub struct Catalogs {
    /// What `strategy.name` can be.
    pub strategies: Catalog<dyn StrategySettings>,
    /// What `model.name` can be.
    pub models: Catalog<dyn ModelSettings>,
    /// What the `name` of an encoder can be.
    pub encoders: Catalog<dyn EncoderSettings>,
    /// What `model.fusion.name` can be.
    pub fusions: Catalog<dyn FusionSettings>,
    /// What `model.head.name` can be.
    pub heads: Catalog<dyn HeadSettings>,
    /// What `model.exchange.name` can be.
    pub exchanges: Catalog<dyn ExchangeSettings>,
    /// What the `name` of a network over the steps of a sequence can be.
    pub sequences: Catalog<dyn SequenceSettings>,
    /// What `data.name` can be.
    pub data: Catalog<dyn DataSet>,
}

impl Default for Catalogs {
    fn default() -> Self {
        Self {
            strategies: Kind::built_in(),
            data: Kind::built_in(),
            models: Kind::built_in(),
            encoders: Kind::built_in(),
            fusions: Kind::built_in(),
            heads: Kind::built_in(),
            exchanges: Kind::built_in(),
            sequences: Kind::built_in(),
        }
    }
}

impl Catalogs {
    /// Runs `work`; what it reads on this thread, it reads by these catalogues.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let work = || self.exchanges.during(|| self.sequences.during(work));
        let work = || self.encoders.during(|| self.fusions.during(|| self.heads.during(work)));
        self.strategies.during(|| self.models.during(|| self.data.during(work)))
    }
}
