//! Where dense models start: encoders as torchvision's, the rest as PyTorch's layers do.

use burn::tensor::Device;
use counterpoint::layer::InitScheme;
use counterpoint::model::encoder::{ConvNetConfig, EncoderConfig};
use counterpoint::model::esanet::EsaNetConfig;
use counterpoint::model::{Model, ModelConfig, StagedConfig};
use counterpoint::step::Group;
use counterpoint_batch::ModalitySpec;
use counterpoint_testkit::parameters::values;

/// Each parameter with its group, its name and its largest size in units of `1 / sqrt(fan-in)`.
fn sizes(model: &ModelConfig, data: &[ModalitySpec]) -> Vec<(Group, String, f64)> {
    let model = model.build(data, 3, false, 5, &Device::flex()).unwrap();
    let groups = model.groups();
    let all = values(&model, &groups);
    let fan_in = |name: &str| {
        let weight = name.replace(".bias", ".weight");
        let weight = groups.parameters().iter().find(|p| p.name == weight).unwrap();
        weight.shape[1..].iter().product::<usize>() as f64
    };
    let size = |p: &counterpoint::step::Parameter| {
        let most = all[&p.name].iter().fold(0.0, |most: f64, v| most.max(f64::from(v.abs())));
        (p.group, p.name.clone(), most * fan_in(&p.name).sqrt())
    };
    groups.parameters().iter().map(size).collect()
}

/// Batch norms start at 1 and 0, upsamplings as bilinear with a bias of 0.
fn is_drawn(name: &str) -> bool {
    !name.contains("bn") && !name.contains("upsample")
}

#[test]
fn esanet_starts_as_its_code_does() {
    let data = [ModalitySpec::new("rgb", [3, 32, 32]), ModalitySpec::new("depth", [1, 32, 32])];
    let of = |init: InitScheme| {
        let config = EsaNetConfig {
            width: 8,
            blocks: [1, 1, 1, 1],
            decoder_blocks: 1,
            se_reduction: 4,
            init,
            ..EsaNetConfig::default()
        };
        sizes(&ModelConfig::new(config), &data)
    };
    assert_eq!(EsaNetConfig::default().init, InitScheme::PyTorch);
    let [pytorch, kaiming] = [InitScheme::PyTorch, InitScheme::Kaiming].map(of);
    let mut drawn = 0;
    for ((group, name, uniform), (_, _, normal)) in pytorch.iter().zip(&kaiming) {
        if matches!(group, Group::Encoder(_)) || !is_drawn(name) {
            assert_eq!(uniform, normal, "{name}");
            continue;
        }
        drawn += 1;
        // The largest of three numbers, as of a bias, may be small.
        let least = if name.ends_with(".bias") { 0.01 } else { 0.3 };
        assert!((least..=1.0).contains(uniform), "{name}: {uniform}");
        match name.ends_with(".bias") {
            true => assert_eq!(*normal, 0.0, "{name}"),
            false => assert_ne!(uniform, normal, "{name}"),
        }
    }
    // 5 points x 2 modalities x 2 layers with bias, 3 skips, 2 bins and their junction, per decoder
    // stage a convolution, a block of 4 with bias and a side output with bias, and the last layer's two.
    assert_eq!(drawn, 5 * 2 * 2 * 2 + 3 + 3 + 3 * (1 + 4 * 2 + 2) + 2);
}

#[test]
fn mmtm_starts_as_pytorchs_linear_layers_and_the_streams_and_the_head_do_not() {
    let data = [ModalitySpec::new("audio", [1, 16, 16]), ModalitySpec::new("image", [3, 16, 16])];
    let of = |init: InitScheme| {
        let config = StagedConfig {
            encoder: EncoderConfig::new(ConvNetConfig { channels: vec![4, 8] }),
            after: vec![1, 2],
            init,
            ..StagedConfig::default()
        };
        sizes(&ModelConfig::new(config), &data)
    };
    assert_eq!(StagedConfig::default().init, InitScheme::PyTorch);
    let [pytorch, kaiming] = [InitScheme::PyTorch, InitScheme::Kaiming].map(of);
    let mut drawn = 0;
    for ((group, name, uniform), (_, _, normal)) in pytorch.iter().zip(&kaiming) {
        if *group != Group::Fusion {
            assert_eq!(uniform, normal, "{name}");
            continue;
        }
        drawn += 1;
        assert!((0.3..=1.0).contains(uniform), "{name}: {uniform}");
        assert!(!name.ends_with(".bias") || *normal == 0.0, "{name}");
    }
    assert_eq!(drawn, 2 * 3 * 2, "two exchanges of a squeeze and two gates, each with its bias");
}
