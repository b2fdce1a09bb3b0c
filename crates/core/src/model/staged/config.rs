//! Settings of models with exchanges, and what fits together.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExchangeConfig, MmtmConfig, Plan, Staged, widths};
use crate::Error;
use crate::layer::{BnPolicy, Init, InitScheme};
use crate::model::branches::{Branches, of_modality};
use crate::model::encoder::{ConvNetConfig, EncoderConfig, Stages};
use crate::model::head::{HeadConfig, LinearHeadConfig};
use crate::model::{AnyModel, Boxed, ModelSettings, NetworkFacts};

/// Which group owns the layers of a stream after the first exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// The stream's: an encoder learns as a whole from what its group receives to.
    #[default]
    Streams,
    /// The fusion's: the network is cut at the first exchange.
    Cut,
}

/// Streams that exchange between the stages of their encoders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StagedConfig {
    /// Encoder of every modality that `encoders` does not name; one that has stages.
    pub encoder: EncoderConfig,
    /// Numbers of the stages that an exchange follows, ascending.
    pub after: Vec<usize>,
    /// Which group owns the layers after the first exchange.
    pub partition: Partition,
    /// Which running statistics the layers after the first exchange keep.
    pub batch_norm: BnPolicy,
    /// From what the exchanges start: `pytorch` as MMTM does in its authors' code
    /// and in that of DGL, or `kaiming` as encoders and head.
    pub init: InitScheme,
    /// Whether all streams go on through the first one's stages after the
    /// first exchange, which then belong to the fusion.
    pub shared: bool,
    /// Whether every modality gets a linear head of its own on its stream besides.
    pub unimodal_heads: bool,
    /// What streams exchange.
    pub exchange: ExchangeConfig,
    /// What reads the concatenated streams.
    pub head: HeadConfig,
    /// Encoders by modality.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub encoders: BTreeMap<String, EncoderConfig>,
}

impl Default for StagedConfig {
    fn default() -> Self {
        Self {
            encoder: ConvNetConfig::default().into(),
            after: vec![2, 3, 4],
            partition: Partition::default(),
            batch_norm: BnPolicy::default(),
            init: InitScheme::PyTorch,
            shared: false,
            unimodal_heads: false,
            exchange: MmtmConfig::default().into(),
            head: LinearHeadConfig {}.into(),
            encoders: BTreeMap::new(),
        }
    }
}

impl StagedConfig {
    fn check_after(&self, branches: &Branches<Boxed<dyn Stages>>) -> Result<(), Error> {
        let after = &self.after;
        if after.is_empty() || after[0] == 0 || !after.is_sorted_by(|a, b| a < b) {
            return Err(Error::config(format!(
                "model.after = {after:?}: expected numbers of stages from 1 on, ascending, at least one"
            )));
        }
        let last = after[after.len() - 1];
        match branches.named().find(|(_, encoder)| encoder.stages() < last) {
            None => Ok(()),
            Some((name, encoder)) => Err(Error::config(format!(
                "model.after = {after:?}: the encoder of `{name}` has only {} stages",
                encoder.stages()
            ))),
        }
    }

    /// Drops the stages that the first stream's stand for.
    fn share(&self, branches: &mut Branches<Boxed<dyn Stages>>) -> Result<(), Error> {
        let first = self.after[0];
        let entry = branches.encoders[0].channels(first);
        if let Some((name, encoder)) = branches.named().find(|(_, encoder)| encoder.channels(first) != entry)
        {
            return Err(Error::shape(format!(
                "shared stages need streams of equal channels after stage {first}: `{}` has {entry}, `{name}` has {}",
                branches.modalities().names()[0],
                encoder.channels(first)
            )));
        }
        branches.encoders.iter_mut().skip(1).for_each(|encoder| encoder.truncate(first));
        Ok(())
    }
}

impl Settings for StagedConfig {
    const NAME: &'static str = "staged";
    const EARLIER: &'static [(&'static str, &'static str)] = &[("solo_heads", "unimodal_heads")];
    const SUMMARY: &'static str =
        "encoders that exchange between their stages (dense fusion, e.g. MMTM-ResNet-18); one head";
}

impl ModelSettings for StagedConfig {
    fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        unimodal_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<AnyModel, Error> {
        let init = Init::new(seed, device);
        let mut branches = Branches::build(data, &init, |m, init| {
            of_modality(m, &self.encoders, &self.encoder).stages(m, init)
        })?;
        self.check_after(&branches)?;
        if self.shared {
            self.share(&mut branches)?;
        }
        let encoders = &branches.encoders;
        let exchange = |&after: &usize| {
            let of = |m: usize| &encoders[if self.shared { 0 } else { m }];
            let channels: Vec<usize> = (0..data.len()).map(|m| of(m).channels(after)).collect();
            let name = format!("fusion.{}{after}", self.exchange.name());
            self.exchange.build(&channels, &init.by(self.init).part(name))
        };
        // One modality has nobody to exchange with.
        let meetings = if data.len() > 1 { self.after.as_slice() } else { &[] };
        let exchanges = meetings.iter().map(exchange).collect::<Result<_, _>>()?;
        let widths = widths(encoders, self.shared);
        let model = Staged {
            branches: branches.with_unimodal_heads(
                unimodal_heads || self.unimodal_heads,
                &widths,
                outputs,
                &init,
            )?,
            head: self.head.build(&widths, outputs, &init.part("head"))?,
            exchanges,
            plan: Plan {
                after: self.after.clone(),
                kind: self.exchange.name(),
                partition: self.partition,
                policy: self.batch_norm,
                shared: self.shared,
            },
        };
        init.check()?;
        Ok(AnyModel::new(model))
    }

    fn facts(&self) -> NetworkFacts {
        NetworkFacts::DENSE_FUSION
    }

    fn mentions(&self) -> Vec<&str> {
        self.encoders.keys().map(String::as_str).collect()
    }

    fn pretrained(&self, modality: &str) -> Option<(&Path, Option<&str>)> {
        self.encoders.get(modality).unwrap_or(&self.encoder).pretrained()
    }
}
