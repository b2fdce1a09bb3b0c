//! The network and its terms.

use burn::module::Module;
use burn::tensor::Tensor;

use super::EsaNetConfig;
use super::context::Context;
use super::decoder::DecoderStage;
use super::head::PixelHead;
use crate::engine::{self, Arithmetic};
use crate::feature::{Feature, Features, Vectors};
use crate::input::Input;
use crate::layer::{BnPolicy, ConvNormRelu, ForwardContext, Init, SqueezeExcite};
use crate::modality::{Modalities, Modality};
use crate::model::encoder::{ResNet, ResNetShape, Stages};
use crate::model::{Model, Scored};
use crate::step::{Group, Groups, LossTerm};

/// Encoders that meet at five points, pyramid context and a decoder.
///
/// With `x_l^m` the maps of modality m after its stem (l = 0) and its stages
/// (l = 1..4), the fused maps are `f_l = sum over present m of SE_l^m(x_l^m)`.
/// The main encoder goes on with `f_l`, all others with their own `x_l`. So the
/// modalities first meet after the main one's stem, and whole encoders of the
/// others lie before that.
///
/// A term without the main modality does not run its stages: sending zeros
/// through them would let other modalities train them.
///
/// Scores are sample-major; of each sample the pixels of the full size first,
/// then those of the side outputs at 1/8, 1/16 and 1/32, each row-major. Sizes
/// that 32 does not divide are rounded up at every stride.
#[derive(Module, Debug)]
pub struct EsaNet {
    encoders: Vec<ResNet>,
    /// By point, then by modality.
    fusions: Vec<Vec<SqueezeExcite>>,
    /// Of `f_1`, `f_2`, `f_3`, with the decoder's widths.
    skips: Vec<ConvNormRelu>,
    context: Context,
    decoder: Vec<DecoderStage>,
    head: PixelHead,
    #[module(skip)]
    modalities: Modalities,
    #[module(skip)]
    main: Modality,
    #[module(skip)]
    policy: BnPolicy,
    /// Height and width of the input.
    size: [usize; 2],
}

impl EsaNet {
    pub(super) fn new(
        config: &EsaNetConfig,
        modalities: Modalities,
        (channels, size): (&[usize], [usize; 2]),
        main: Modality,
        classes: usize,
        init: &Init,
    ) -> Self {
        let EsaNetConfig { width, blocks, block, .. } = *config;
        let points = config.point_widths();
        let widths = config.decoder_widths();
        // Encoders start as torchvision's do (ESANet's resnet.py), the rest as its layers do by themselves.
        let rest = init.by(config.init);
        let fusion = rest.part("fusion");
        let encoder = |(m, &channels): (Modality, &usize)| {
            let init = init.part(format_args!("encoder.{}", modalities.name(m)));
            ResNet::new(channels, ResNetShape { width, stem: 7, blocks, block }, &init)
        };
        let excite = |(l, &width): (usize, &usize)| {
            let of = |m| fusion.part(format_args!("{l}.{}", modalities.name(m)));
            let one = |m| SqueezeExcite::new(width, width / config.se_reduction, &of(m));
            modalities.iter().map(one).collect()
        };
        let skip = |l: usize| {
            ConvNormRelu::new([points[l], 2 * points[l]], 1, &fusion.part(format_args!("skip.{l}")))
        };
        let stage = |i: usize| {
            let from = if i == 0 { points[4] } else { widths[i - 1] };
            let init = fusion.part(format_args!("decoder.{i}"));
            DecoderStage::new([from, widths[i]], config.decoder_blocks, &init)
        };
        Self {
            encoders: modalities.iter().zip(channels).map(encoder).collect(),
            fusions: points.iter().enumerate().map(excite).collect(),
            skips: (1..4).map(skip).collect(),
            context: Context::new(points[4], &config.bins, &fusion.part("context")),
            decoder: (0..widths.len()).map(stage).collect(),
            head: PixelHead::new(&widths, classes, &rest.part("head")),
            modalities,
            main,
            policy: config.batch_norm,
            size,
        }
    }

    /// The maps of a modality at point `l > 0` from those that its stage starts from.
    fn go_on(&self, m: Modality, l: usize, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        self.encoders[m.0].stage(l, if l == 1 { self.encoders[m.0].pool(x) } else { x }, pass)
    }

    /// The fused maps of all points, and for every modality of the term the
    /// mean of its last map.
    fn fuse(&self, features: &Features, pass: &mut ForwardContext<'_>) -> (Vec<Tensor<4>>, Vectors) {
        let mut last: Vec<Option<Tensor<4>>> = vec![None; features.len()];
        let mut points: Vec<Tensor<4>> = Vec::with_capacity(self.fusions.len());
        for (l, excite) in self.fusions.iter().enumerate() {
            let mut sum = None;
            for (m, excite) in self.modalities.iter().zip(excite) {
                let Some(feature) = &features[m.0] else { continue };
                let x = match points.last() {
                    Some(fused) if self.main == m => self.go_on(m, l, fused.clone(), pass),
                    _ => feature.part::<4>(l),
                };
                if l == ResNet::STAGES {
                    last[m.0] = Some(x.clone());
                }
                sum = Some(excite.forward(x, sum));
            }
            points.push(sum.expect("a term has a modality"));
        }
        let how = Arithmetic::chosen();
        (points, last.into_iter().map(|x| Some(engine::mean(x?, how))).collect())
    }

    /// Scores of all sizes, the full one first, then from fine to coarse.
    fn decode(&self, points: &[Tensor<4>], pass: &mut ForwardContext<'_>) -> Vec<Tensor<4>> {
        let mut x = self.context.forward(points[ResNet::STAGES].clone(), pass);
        let mut scores = Vec::new();
        for (i, stage) in self.decoder.iter().enumerate() {
            x = stage.refine(x, pass);
            scores.push(self.head.side(i, x.clone()));
            let level = self.decoder.len() - i;
            x = stage.upsample(x, self.skips[level - 1].forward(points[level].clone(), pass));
        }
        scores.push(self.head.full(x, self.size));
        scores.reverse();
        scores
    }
}

impl Model for EsaNet {
    fn modalities(&self) -> &Modalities {
        &self.modalities
    }

    fn groups(&self) -> Groups {
        let mut groups = Groups::default();
        for (m, encoder) in self.modalities.iter().zip(&self.encoders) {
            groups.add(Group::Encoder(m), &format!("encoder.{}", self.modalities.name(m)), encoder);
        }
        for (l, excite) in self.fusions.iter().enumerate() {
            for (m, excite) in self.modalities.iter().zip(excite) {
                groups.add(Group::Fusion, &format!("fusion.{l}.{}", self.modalities.name(m)), excite);
            }
        }
        for (i, skip) in self.skips.iter().enumerate() {
            groups.add(Group::Fusion, &format!("fusion.skip.{}", i + 1), skip);
        }
        self.context.group(&mut groups, Group::Fusion, "fusion.context");
        groups.add(Group::Fusion, "fusion.decoder", &self.decoder);
        self.head.group(&mut groups, Group::Head, "head");
        groups
    }

    fn encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature {
        let encoder = &self.encoders[m.0];
        let mut x = encoder.stem(input.tensor(), pass);
        let mut feature = Feature::of(x.clone());
        if self.main != m {
            for l in 1..=ResNet::STAGES {
                x = self.go_on(m, l, x, pass);
                feature = feature.with(x.clone());
            }
        }
        feature
    }

    fn join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored {
        let present = term.present(self.modalities.len());
        pass.after_fusion(present, self.modalities.all(), self.policy, |pass| {
            let (points, features) = self.fuse(features, pass);
            Scored { scores: pixels(self.decode(&points, pass)), features }
        })
    }
}

/// Score maps `[batch, classes, h, w]` of several sizes as `[batch * pixels,
/// classes]`.
fn pixels(maps: Vec<Tensor<4>>) -> Tensor<2> {
    let [batch, classes, ..] = maps[0].dims();
    let flat = |map: Tensor<4>| {
        let [.., height, width] = map.dims();
        // The kernels' maps lie so in memory.
        map.permute([0, 2, 3, 1]).reshape([batch, height * width, classes])
    };
    let all = Tensor::cat(maps.into_iter().map(flat).collect(), 1); // [batch, pixels of all sizes, classes]
    let pixels = all.dims()[1];
    all.reshape([batch * pixels, classes])
}
