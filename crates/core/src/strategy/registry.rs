//! Every strategy: one line each.

use counterpoint_catalog::Catalog;

use super::{
    AgmConfig, Dgl, GBlendConfig, Joint, MlaConfig, MmParetoConfig, NoiseConfig, OgmConfig, PmrConfig,
    ReconBoostConfig, RelearnConfig, StrategySettings, UnimodalConfig,
};

/// The strategies of this project, in the order in which they are listed.
pub(super) fn strategies() -> Catalog<dyn StrategySettings> {
    Catalog::default()
        .with::<Joint>()
        .with::<UnimodalConfig>()
        .with::<Dgl>()
        .with::<GBlendConfig>()
        .with::<OgmConfig>()
        .with::<NoiseConfig>()
        .with::<PmrConfig>()
        .with::<AgmConfig>()
        .with::<MlaConfig>()
        .with::<MmParetoConfig>()
        .with::<RelearnConfig>()
        .with::<ReconBoostConfig>()
}
