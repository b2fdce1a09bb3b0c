//! Attention among the modalities.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, joined, positive, sum_of};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear, attend};
use crate::model::Boxed;

/// Attention among the modalities, one token each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CrossAttentionConfig {
    /// Heads of the attention; their number divides the width.
    #[schemars(range(min = 1))]
    pub heads: usize,
    /// Width of the tokens; that of the widest encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub width: Option<usize>,
}

impl Default for CrossAttentionConfig {
    fn default() -> Self {
        Self { heads: 4, width: None }
    }
}

impl Settings for CrossAttentionConfig {
    const NAME: &'static str = "cross-attention";
    const SUMMARY: &'static str = "attention among one token per modality; absent tokens are left out";
}

impl FusionSettings for CrossAttentionConfig {
    fn build(&self, widths: &[usize], _: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        let heads = positive(Self::NAME, "heads", self.heads)?;
        Ok(Boxed::new(CrossAttention::new(widths, heads, joined(Self::NAME, self.width, widths)?, init)?))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: true }
    }
}

/// One token for each present modality, `t_m = P_m z_m + c_m`; every token
/// asks all of them (scaled dot-product attention with several heads, Vaswani
/// et al. 2017), `mean_m (t_m + O attend(t_m))` is the joined vector.
///
/// An absent modality has no token: it is left out of the sequence, not sent
/// as zeros, which would still draw attention. A single modality therefore
/// attends to itself with weight 1 and passes on `t + O V t`.
///
/// Queries and keys have no bias: the softmax cancels that of the keys, which
/// would never learn. A model of one modality has no queries and keys at all,
/// for the same reason. Symmetric in the modalities but for their projections;
/// the constant `c_m` marks which modality a token is.
#[derive(Module, Debug)]
pub struct CrossAttention {
    projections: Vec<Linear>,
    /// Queries and keys; none with one modality.
    queries: Option<Linear>,
    keys: Option<Linear>,
    values: Linear,
    output: Linear,
    heads: usize,
}

impl CrossAttention {
    /// For features of the given widths, as tokens of `width` numbers.
    ///
    /// # Errors
    /// If the number of heads does not divide the width.
    pub fn new(widths: &[usize], heads: usize, width: usize, init: &Init) -> Result<Self, Error> {
        if !width.is_multiple_of(heads) {
            return Err(Error::shape(format!(
                "fusion `cross-attention`: tokens of width {width} cannot be split among {heads} heads; \
                 choose a number of heads that divides the width"
            )));
        }
        let project = |(i, &from)| Linear::new(from, width, &init.part(format_args!("projections.{i}")));
        let ask =
            |name: &str| (widths.len() > 1).then(|| Linear::without_bias(width, width, &init.part(name)));
        Ok(Self {
            projections: widths.iter().enumerate().map(project).collect(),
            queries: ask("queries"),
            keys: ask("keys"),
            values: Linear::without_bias(width, width, &init.part("values")),
            output: Linear::new(width, width, &init.part("output")),
            heads,
        })
    }

    /// What every token gathers, `[batch * tokens, width]`.
    fn attend(&self, tokens: &Tensor<2>, count: usize) -> Tensor<2> {
        let values = self.values.forward(tokens.clone());
        let (Some(queries), Some(keys), 2..) = (&self.queries, &self.keys, count) else {
            return values; // a token that is alone attends to itself
        };
        let [rows, width] = tokens.dims();
        let split = |x: Tensor<2>| x.reshape([rows / count, count, width]);
        let asked = [queries.forward(tokens.clone()), keys.forward(tokens.clone()), values].map(split);
        attend(asked, self.heads, None, self.output.arithmetic()).reshape([rows, width])
    }
}

impl Fusion for CrossAttention {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let there = self.projections.iter().zip(features).filter_map(|(p, z)| Some(p.forward(z.clone()?)));
        let tokens: Vec<Tensor<2>> = there.collect();
        let (count, [batch, width]) = (tokens.len(), tokens[0].dims());
        let residual = sum_of(tokens.clone()).div_scalar(count as f64);
        let rows = Tensor::<2>::stack::<3>(tokens, 1).reshape([batch * count, width]);
        // The output layer is affine, so it may read the mean.
        let gathered =
            self.attend(&rows, count).reshape([batch, count, width]).mean_dim(1).reshape([batch, width]);
        head(residual + self.output.forward(gathered))
    }

    fn width(&self) -> usize {
        self.output.outputs()
    }
}
