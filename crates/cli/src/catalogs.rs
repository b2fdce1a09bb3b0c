//! The parts that the command knows.

use counterpoint::catalog::{Catalog, Kind};
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
    /// What `data.name` can be.
    pub data: Catalog<dyn DataSet>,
}

impl Default for Catalogs {
    fn default() -> Self {
        Self { strategies: <dyn StrategySettings>::built_in(), data: <dyn DataSet>::built_in() }
    }
}

impl Catalogs {
    /// Runs `work`; what it reads on this thread, it reads by these catalogues.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.strategies.during(|| self.data.during(work))
    }
}
