//! Two ResNet-18 with transfer modules after stages 2, 3 and 4.

use burn::tensor::Device;
use counterpoint::layer::BnPolicy;
use counterpoint::model::encoder::{EncoderConfig, ResNet18Config};
use counterpoint::model::{AnyModel, ExchangeConfig, MmtmConfig, ModelSettings, Partition, StagedConfig};
use counterpoint::step::Group;
use counterpoint::task::Task;
use counterpoint_batch::{Batch, ModalitySpec, Targets};
use serde::Deserialize;

use super::architecture::{batch, task};
use super::{Architecture, Salted, Settings};

#[derive(Deserialize)]
pub(super) struct Case {
    #[serde(flatten)]
    settings: Settings,
    classes: usize,
    base_width: usize,
    ratio: usize,
    audio: [usize; 2],
    visual: [usize; 2],
    bn_policy: String,
    partition: String,
}

pub(super) struct Mmtm(pub Case);

impl Architecture for Mmtm {
    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn modalities(&self) -> Vec<String> {
        vec!["audio".into(), "visual".into()]
    }

    fn model(&self, device: &Device) -> Result<AnyModel, String> {
        let case = &self.0;
        let config = StagedConfig {
            encoder: EncoderConfig::new(ResNet18Config {
                width: case.base_width,
                stem: 7,
                pretrained: None,
                pretrained_prefix: None,
            }),
            exchange: ExchangeConfig::new(MmtmConfig { ratio: case.ratio }),
            batch_norm: match case.bn_policy.as_str() {
                "per_subset" => BnPolicy::PerSubset,
                "shared" => BnPolicy::Shared,
                "full_only" => BnPolicy::FusedOnly,
                other => {
                    return Err(format!(
                        "case.bn_policy = `{other}`: expected per_subset, shared or full_only"
                    ));
                }
            },
            partition: match case.partition.as_str() {
                "parameter" => Partition::Streams,
                "cut" => Partition::Cut,
                other => return Err(format!("case.partition = `{other}`: expected parameter or cut")),
            },
            ..StagedConfig::default()
        };
        let ([ah, aw], [vh, vw]) = (case.audio, case.visual);
        let data = [ModalitySpec::new("audio", [1, ah, aw]), ModalitySpec::new("visual", [3, vh, vw])];
        config.build(&data, case.classes, false, 0, device).map_err(|e| e.to_string())
    }

    fn name(&self, ours: &str) -> String {
        let name = ours.replace("encoder.audio.", "audio_net.").replace("encoder.visual.", "visual_net.");
        name.replace("fusion.", "").replace("gates.0", "gate_audio").replace("gates.1", "gate_visual")
    }

    fn group(&self, name: &str, _group: Group) -> String {
        let owner = match name.split('.').next() {
            Some("audio_net") => "encoder.audio",
            Some("visual_net") => "encoder.visual",
            Some("head") => "head",
            _ => "fusion",
        };
        owner.into()
    }

    fn task(&self) -> Box<dyn Task> {
        task(false, self.0.classes)
    }

    fn batch(&self, step: &str) -> Batch {
        let (case, salted) = (&self.0, Salted(&self.0.settings.salt));
        let ([ah, aw], [vh, vw], count) = (case.audio, case.visual, case.settings.batch);
        let inputs = vec![
            salted.input(&format!("input.audio.{step}"), vec![count, 1, ah, aw], 2.0),
            salted.input(&format!("input.visual.{step}"), vec![count, 3, vh, vw], 2.0),
        ];
        let labels = salted.integers(&format!("input.label.{step}"), count, case.classes);
        batch(inputs, Targets::Classes(labels))
    }
}
