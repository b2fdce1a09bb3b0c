//! Settings of models with exchanges, and what fits together.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use serde::{Deserialize, Serialize};

use super::{ExchangeConfig, Plan, Staged, widths};
use crate::Error;
use crate::layer::{BnPolicy, Init, InitScheme, Linear};
use crate::modality::Modalities;
use crate::model::encoder::{AnyStages, EncoderConfig, Stages};
use crate::model::head::HeadConfig;

/// Whose the layers of a stream behind the first exchange are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partition {
    /// The stream's: an encoder learns as a whole from what its group listens to.
    #[default]
    Streams,
    /// The fusion's: the network is cut at the first exchange.
    Cut,
}

/// Streams that exchange between the stages of their encoders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StagedConfig {
    /// Encoder of every modality that `encoders` does not name.
    pub encoder: EncoderConfig,
    /// Numbers of the stages that an exchange follows, ascending.
    pub after: Vec<usize>,
    /// Whose the layers behind the first exchange are.
    pub partition: Partition,
    /// Which running statistics the layers behind the first exchange keep.
    pub batch_norm: BnPolicy,
    /// From what the exchanges start: `pytorch` as MMTM does in its authors' code
    /// and in that of DGL, or `kaiming` as encoders and head.
    pub init: InitScheme,
    /// Whether all streams go on through the first one's stages behind the
    /// first exchange, which then belong to the fusion.
    pub shared: bool,
    /// Whether every modality gets a linear head of its own on its stream besides.
    pub solo_heads: bool,
    /// What streams tell each other.
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
            encoder: EncoderConfig::ConvNet { channels: vec![16, 32, 64, 64] },
            after: vec![2, 3, 4],
            partition: Partition::default(),
            batch_norm: BnPolicy::default(),
            init: InitScheme::PyTorch,
            shared: false,
            solo_heads: false,
            exchange: ExchangeConfig::default(),
            head: HeadConfig::Linear {},
            encoders: BTreeMap::new(),
        }
    }
}

impl StagedConfig {
    /// Builds the model for the data's modalities and the task's outputs;
    /// `solo_heads` asks for heads that a strategy needs.
    ///
    /// # Errors
    /// If parts do not fit; the message names them and their shapes.
    pub fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        solo_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<Staged<AnyStages>, Error> {
        let modalities = Modalities::new(data.iter().map(|m| m.name.as_str()))?;
        if outputs == 0 {
            return Err(Error::config("a head needs at least one output"));
        }
        let init = Init::new(seed, device);
        let encoders = data
            .iter()
            .map(|m| {
                let encoder = self.encoders.get(&m.name).unwrap_or(&self.encoder);
                encoder
                    .build_stages(m, &init.part(format_args!("encoder.{}", m.name)))
                    .map_err(|e| Error::new(e.kind(), format!("modality `{}`: {e}", m.name)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.check_after(&encoders, &modalities)?;
        let encoders = if self.shared { self.share(encoders, &modalities)? } else { encoders };
        let exchange = |&after: &usize| {
            let of = |m: usize| &encoders[if self.shared { 0 } else { m }];
            let channels: Vec<usize> = (0..data.len()).map(|m| of(m).channels(after)).collect();
            let name = format!("fusion.{}{after}", self.exchange.name());
            self.exchange.build(&channels, &init.by(self.init).part(name))
        };
        // One modality has nobody to exchange with.
        let meetings = if data.len() > 1 { self.after.as_slice() } else { &[] };
        let exchanges = meetings.iter().map(exchange).collect::<Result<_, _>>()?;
        let widths = widths(&encoders, self.shared);
        let own = |(m, &width): (&ModalitySpec, &usize)| {
            Linear::new(width, outputs, &init.part(format_args!("solo_head.{}", m.name)))
        };
        let solo_heads = if solo_heads || self.solo_heads {
            data.iter().zip(&widths).map(own).collect()
        } else {
            Vec::new()
        };
        let model = Staged {
            head: self.head.build(&widths, outputs, &init.part("head"))?,
            encoders,
            exchanges,
            solo_heads,
            plan: Plan {
                modalities,
                after: self.after.clone(),
                kind: self.exchange.name(),
                partition: self.partition,
                policy: self.batch_norm,
                shared: self.shared,
            },
        };
        init.check()?;
        Ok(model)
    }

    fn check_after(&self, encoders: &[AnyStages], names: &Modalities) -> Result<(), Error> {
        let after = &self.after;
        if after.is_empty() || after[0] == 0 || !after.is_sorted_by(|a, b| a < b) {
            return Err(Error::config(format!(
                "model.after = {after:?}: expected numbers of stages from 1 on, ascending, at least one"
            )));
        }
        let last = after[after.len() - 1];
        match names.names().iter().zip(encoders).find(|(_, encoder)| encoder.stages() < last) {
            None => Ok(()),
            Some((name, encoder)) => Err(Error::config(format!(
                "model.after = {after:?}: the encoder of `{name}` has only {} stages",
                encoder.stages()
            ))),
        }
    }

    /// Drops the stages that the first stream's stand for.
    fn share(&self, encoders: Vec<AnyStages>, names: &Modalities) -> Result<Vec<AnyStages>, Error> {
        let first = self.after[0];
        let entry = encoders[0].channels(first);
        let other = names.names().iter().zip(&encoders).find(|(_, encoder)| encoder.channels(first) != entry);
        if let Some((name, encoder)) = other {
            return Err(Error::shape(format!(
                "shared stages need streams of equal channels behind stage {first}: `{}` has {entry}, \
                 `{name}` has {}",
                names.names()[0],
                encoder.channels(first)
            )));
        }
        let keep = |(m, encoder): (usize, AnyStages)| if m == 0 { encoder } else { encoder.truncated(first) };
        Ok(encoders.into_iter().enumerate().map(keep).collect())
    }
}
