//! Settings of late fusion, and what fits together.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LateFusion;
use crate::Error;
use crate::layer::Init;
use crate::model::branches::{Branches, of_modality};
use crate::model::encoder::{ConvNetConfig, EncoderConfig};
use crate::model::fusion::{ConcatConfig, FusionConfig, Output};
use crate::model::head::{HeadConfig, LinearHeadConfig};
use crate::model::{AnyModel, ModelSettings, NetworkFacts};

/// Encoders that run to their end, then one fusion and one head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LateFusionConfig {
    /// Encoder of every modality that `encoders` does not name.
    pub encoder: EncoderConfig,
    /// How features are joined. A model of one modality has none but one that makes
    /// the scores itself: it is that encoder and the head.
    pub fusion: FusionConfig,
    /// What reads the joined features.
    pub head: HeadConfig,
    /// Whether every modality gets a linear head of its own besides. Strategies that
    /// need one get it unasked.
    pub unimodal_heads: bool,
    /// Encoders by modality.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub encoders: BTreeMap<String, EncoderConfig>,
}

impl Default for LateFusionConfig {
    fn default() -> Self {
        Self {
            encoder: ConvNetConfig::default().into(),
            fusion: ConcatConfig {}.into(),
            head: LinearHeadConfig {}.into(),
            unimodal_heads: false,
            encoders: BTreeMap::new(),
        }
    }
}

impl LateFusionConfig {
    /// Refuses a head that the fusion leaves nothing to, or not what it needs.
    fn check(&self) -> Result<(), Error> {
        let (output, head) = (self.fusion.facts().output, self.head.facts());
        let (fusion, named) = (self.fusion.name(), self.head.name());
        if head.tells_apart && output != Output::SideBySide {
            return Err(Error::config(format!(
                "head `{named}` reads every modality's features by themselves, \
                 which fusion `{fusion}` does not pass on; use fusion `concat`"
            )));
        }
        if output == Output::Scores && !head.linear {
            return Err(Error::config(format!(
                "fusion `{fusion}` makes the scores itself, so head `{named}` would never be used; \
                 leave the head out"
            )));
        }
        Ok(())
    }

    /// The fusion of a model with this many modalities.
    ///
    /// Where there is one, nothing is to be fused, and no fusion may put layers
    /// between its encoder and the head: a single modality is the reference that
    /// all fusions have in common (docs/methods.md, "Unimodal training"). A fusion that makes the scores itself stays;
    /// of one modality it is a linear layer.
    fn among(&self, modalities: usize) -> FusionConfig {
        match self.fusion.facts().output {
            Output::SideBySide | Output::Joined | Output::Each if modalities == 1 => ConcatConfig {}.into(),
            _ => self.fusion.clone(),
        }
    }
}

impl Settings for LateFusionConfig {
    const NAME: &'static str = "late-fusion";
    const EARLIER: &'static [(&'static str, &'static str)] = &[("solo_heads", "unimodal_heads")];
    const SUMMARY: &'static str =
        "one encoder per modality, which run to their end; then one fusion and one head";
}

impl ModelSettings for LateFusionConfig {
    fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        unimodal_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<AnyModel, Error> {
        self.check()?;
        let init = Init::new(seed, device);
        let branches = Branches::build(data, &init, |m, init| {
            of_modality(m, &self.encoders, &self.encoder).encoder(m, init)
        })?;
        let widths: Vec<usize> = branches.encoders.iter().map(|encoder| encoder.width()).collect();
        let branches =
            branches.with_unimodal_heads(unimodal_heads || self.unimodal_heads, &widths, outputs, &init)?;
        let choice = self.among(data.len());
        let fusion = choice.build(&widths, outputs, &init.part("fusion")).map_err(|e| {
            let given = data.iter().zip(&widths).map(|(m, width)| format!("{} {width}", m.name));
            Error::new(e.kind(), format!("{e} (widths: {})", given.collect::<Vec<_>>().join(", ")))
        })?;
        let parts = match choice.facts().output {
            Output::SideBySide => widths,
            Output::Joined | Output::Scores | Output::Each => vec![fusion.width()],
        };
        let head = match choice.facts().output {
            Output::Scores => None,
            Output::SideBySide | Output::Joined | Output::Each => {
                Some(self.head.build(&parts, outputs, &init.part("head"))?)
            }
        };
        init.check()?;
        Ok(AnyModel::new(LateFusion { branches, fusion, head }))
    }

    fn facts(&self) -> NetworkFacts {
        let (fusion, head) = (self.fusion.facts(), self.head.facts());
        let each = fusion.output == Output::Each;
        let reads_vector = matches!(fusion.output, Output::SideBySide | Output::Joined);
        NetworkFacts {
            per_pixel: false,
            additive: fusion.additive && (head.additive || !reads_vector),
            reads_each_by_itself: each,
            shared_linear_head: each && head.linear,
        }
    }

    fn mentions(&self) -> Vec<&str> {
        self.encoders.keys().map(String::as_str).collect()
    }

    fn pretrained(&self, modality: &str) -> Option<(&Path, Option<&str>)> {
        self.encoders.get(modality).unwrap_or(&self.encoder).pretrained()
    }
}
