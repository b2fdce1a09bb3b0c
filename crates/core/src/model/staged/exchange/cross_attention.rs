//! Attention among the streams.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exchange, ExchangeSettings, Streams, positive};
use crate::Error;
use crate::layer::{Init, Linear, SelfAttention};
use crate::model::Boxed;

/// Attention among one token per stream. See [`CrossAttentionExchange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CrossAttentionExchangeConfig {
    /// Heads of the attention; their number divides the width.
    #[schemars(range(min = 1))]
    pub heads: usize,
    /// Width of a token.
    #[schemars(range(min = 1))]
    pub width: usize,
}

impl Default for CrossAttentionExchangeConfig {
    fn default() -> Self {
        Self { heads: 4, width: 64 }
    }
}

impl Settings for CrossAttentionExchangeConfig {
    const NAME: &'static str = "cross-attention";
    const SUMMARY: &'static str =
        "one token per stream; every stream adds what its token gathers from all of them";
}

impl ExchangeSettings for CrossAttentionExchangeConfig {
    fn build(&self, channels: &[usize], init: &Init) -> Result<Boxed<dyn Exchange>, Error> {
        positive(Self::NAME, "heads", self.heads)?;
        positive(Self::NAME, "width", self.width)?;
        Ok(Boxed::new(CrossAttentionExchange::new(channels, self.heads, self.width, init)?))
    }
}

/// One token for each stream that is there, `t_m = P_m mean x_m + c_m`; tokens
/// attend to each other, and a stream adds what its token gathered to its
/// channels, `x_m + O_m attend(t)_m`.
///
/// An absent stream has no token: zeros would still draw attention. A stream
/// alone attends to itself.
#[derive(Module, Debug)]
pub struct CrossAttentionExchange {
    tokens: Vec<Linear>,
    attention: SelfAttention,
    outputs: Vec<Linear>,
}

impl CrossAttentionExchange {
    /// For streams of the given channels, as tokens of `width` numbers.
    ///
    /// # Errors
    /// If the number of heads does not divide the width.
    pub fn new(channels: &[usize], heads: usize, width: usize, init: &Init) -> Result<Self, Error> {
        if !width.is_multiple_of(heads) {
            return Err(Error::shape(format!(
                "exchange `cross-attention`: tokens of width {width} cannot be split among {heads} heads; \
                 choose a number of heads that divides the width"
            )));
        }
        let part = |name: &str, m: usize| init.part(format_args!("{name}.{m}"));
        let token = |(m, &from): (usize, &usize)| Linear::new(from, width, &part("tokens", m));
        let output = |(m, &to): (usize, &usize)| Linear::without_bias(width, to, &part("outputs", m));
        Ok(Self {
            tokens: channels.iter().enumerate().map(token).collect(),
            attention: SelfAttention::new(width, heads, &init.part("attention")),
            outputs: channels.iter().enumerate().map(output).collect(),
        })
    }
}

impl Exchange for CrossAttentionExchange {
    fn forward(&self, streams: Streams) -> Streams {
        let there = streams.iter().zip(&self.tokens);
        let tokens: Vec<Tensor<2>> =
            there.filter_map(|(stream, token)| Some(token.forward(stream.as_ref()?.mean()))).collect();
        let gathered = self.attention.forward(Tensor::stack::<3>(tokens, 1), None); // [samples, tokens, width]
        let [samples, _, width] = gathered.dims();
        let mut place = 0;
        let told = streams.into_iter().zip(&self.outputs).map(|(stream, output)| {
            let stream = stream?;
            let own = gathered.clone().narrow(1, place, 1).reshape([samples, width]);
            place += 1;
            Some(stream.with(output.forward(own), |maps, more| maps + more))
        });
        told.collect()
    }
}
