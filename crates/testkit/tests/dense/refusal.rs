//! What does not fit is refused by name, with a way out.

use burn::tensor::Device;
use counterpoint::model::encoder::{ConvNetConfig, EncoderConfig, SequenceEncoderConfig};
use counterpoint::model::sequence::{GruConfig, LinearStepsConfig, SequenceConfig};
use counterpoint::model::{
    CrossAttentionExchangeConfig, CubeMlpConfig, ExchangeConfig, ModelConfig, SeAddConfig, StagedConfig,
};
use counterpoint_batch::ModalitySpec;

fn refused(config: ModelConfig, data: &[ModalitySpec]) -> String {
    config.build(data, 3, false, 1, &Device::flex()).map(|_| ()).unwrap_err().to_string()
}

fn pictures() -> Vec<ModalitySpec> {
    vec![ModalitySpec::new("audio", [1, 8, 8]), ModalitySpec::new("image", [3, 8, 8])]
}

#[test]
fn exchanges_that_cannot_be_are_named() {
    let of = |change: &dyn Fn(&mut StagedConfig)| {
        let mut config = StagedConfig {
            encoder: EncoderConfig::new(ConvNetConfig { channels: vec![4, 6] }),
            after: vec![1],
            ..StagedConfig::default()
        };
        change(&mut config);
        refused(ModelConfig::new(config), &pictures())
    };
    let after = |after: &[usize]| of(&|c| c.after = after.to_vec());
    assert_eq!(after(&[1, 3]), "model.after = [1, 3]: the encoder of `audio` has only 2 stages");
    for wrong in [&[][..], &[0, 1], &[2, 1], &[1, 1]] {
        let message = after(wrong);
        assert!(message.contains("expected numbers of stages from 1 on, ascending"), "{message}");
    }
    let wide = EncoderConfig::new(ConvNetConfig { channels: vec![5, 6] });
    let uneven = |c: &mut StagedConfig| drop(c.encoders.insert("image".into(), wide.clone()));
    let message = of(&|c| {
        uneven(c);
        c.exchange = ExchangeConfig::new(SeAddConfig { reduction: 2 });
    });
    assert!(message.contains("`se-add`") && message.contains("[4, 5] channels"), "{message}");
    let message = of(&|c| {
        uneven(c);
        c.shared = true;
    });
    assert!(message.contains("`audio` has 4, `image` has 5"), "{message}");
    let message =
        of(&|c| c.exchange = ExchangeConfig::new(CrossAttentionExchangeConfig { heads: 3, width: 4 }));
    assert!(message.contains("cannot be split among 3 heads"), "{message}");
    let message = of(&|c| {
        let steps = GruConfig::default().into();
        c.encoder = EncoderConfig::new(SequenceEncoderConfig { steps, width: 4, dropout: 0.0 });
    });
    assert!(message.starts_with("modality `audio`:"), "{message}");
}

#[test]
fn sequences_that_do_not_fit_are_named() {
    let words = ModalitySpec::new("text", [9]).with_vocabulary(5).with_lengths();
    let of = |config: CubeMlpConfig, data: ModalitySpec| refused(ModelConfig::new(config), &[data]);
    let message = of(CubeMlpConfig { length: Some(8), ..CubeMlpConfig::default() }, words.clone());
    assert_eq!(message, "model.length = 8, but sequences of the data have up to 9 steps");
    let message = of(CubeMlpConfig { dropout: 1.0, ..CubeMlpConfig::default() }, words);
    assert!(message.contains("dropout = 1: expected a number in [0, 1)"), "{message}");
    let message = of(CubeMlpConfig::default(), ModalitySpec::new("image", [3, 8, 8]));
    assert!(
        message.contains("takes token ids [length], sequences [length, channels] or vectors"),
        "{message}"
    );
    let encoder = SequenceConfig::new(LinearStepsConfig { embedding: Some(4), norm: false });
    let message = of(CubeMlpConfig { encoder, ..CubeMlpConfig::default() }, ModalitySpec::new("audio", [7]));
    assert!(message.contains("`embedding` is for token ids"), "{message}");
    let message = of(
        CubeMlpConfig { blocks: vec![[2, 0, 4]], ..CubeMlpConfig::default() },
        ModalitySpec::new("audio", [7]),
    );
    assert!(message.contains("three positive sizes"), "{message}");
}
