//! Products of every feature of one modality with every feature of another.

use burn::module::Module;
use burn::tensor::Tensor;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fusion, FusionFacts, FusionSettings, Output, Read, joined, positive, sum_of};
use crate::Error;
use crate::feature::Vectors;
use crate::layer::{Init, Linear};
use crate::model::Boxed;

/// Outer products of pairs of modalities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BilinearConfig {
    /// Width that features are projected to before they are multiplied.
    #[schemars(range(min = 1))]
    pub dims: usize,
    /// Multiplies the features themselves, which need one width; `dims` plays no part.
    pub full: bool,
    /// Width of the joined vector; that of the widest encoder if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub width: Option<usize>,
}

impl Default for BilinearConfig {
    fn default() -> Self {
        Self { dims: 64, full: false, width: None }
    }
}

impl Settings for BilinearConfig {
    const NAME: &'static str = "bilinear";
    const SUMMARY: &'static str =
        "outer product of projected features, or of whole ones; a single modality is multiplied with itself";
}

impl FusionSettings for BilinearConfig {
    fn build(&self, widths: &[usize], _: usize, init: &Init) -> Result<Boxed<dyn Fusion>, Error> {
        let dims = if self.full { None } else { Some(positive(Self::NAME, "dims", self.dims)?) };
        Ok(Boxed::new(Bilinear::new(widths, dims, joined(Self::NAME, self.width, widths)?, init)?))
    }

    fn facts(&self) -> FusionFacts {
        FusionFacts { output: Output::Joined, additive: false, symmetric: false }
    }
}

/// `W vec(mean over pairs m < n of u_m u_n^T) + b` with `u_m = P_m z_m + c_m`,
/// over the pairs of present modalities; `u_m = z_m` if full.
///
/// The full product of two modalities is what the DGL code calls "film"; with
/// its 512 features `W` alone has 134 million entries, so projecting first is
/// the default. All pairs share `W`, whatever the number of modalities.
///
/// A single modality is multiplied with itself, `u u^T`, through the same
/// layer, as in the DGL code: a zero-filled partner would make the product 0.
///
/// Limits: the full product needs modalities of equal width, else the product
/// with itself would not fit the layer.
#[derive(Module, Debug)]
pub struct Bilinear {
    projections: Vec<Linear>,
    layer: Linear,
}

impl Bilinear {
    /// For features of the given widths, projected to `dims` if given.
    ///
    /// # Errors
    /// If nothing is projected and the widths differ.
    pub fn new(widths: &[usize], dims: Option<usize>, width: usize, init: &Init) -> Result<Self, Error> {
        let (projections, dims) = match dims {
            Some(dims) => {
                let layer = |(i, &from)| Linear::new(from, dims, &init.part(format_args!("projections.{i}")));
                (widths.iter().enumerate().map(layer).collect(), dims)
            }
            None if widths.iter().any(|w| *w != widths[0]) => {
                return Err(Error::shape(format!(
                    "fusion `bilinear` with full = true needs encoders of equal width, got {widths:?}; \
                     give them one width or leave full out"
                )));
            }
            None => (Vec::new(), widths[0]),
        };
        Ok(Self { projections, layer: Linear::new(dims * dims, width, &init.part("layer")) })
    }

    fn projected(&self, features: &Vectors) -> Vec<Tensor<2>> {
        let project = |(m, z): (usize, &Option<Tensor<2>>)| {
            let z = z.clone()?;
            Some(match self.projections.get(m) {
                Some(layer) => layer.forward(z),
                None => z,
            })
        };
        features.iter().enumerate().filter_map(project).collect()
    }
}

impl Fusion for Bilinear {
    fn scores(&self, features: &Vectors, head: &Read<'_>) -> Tensor<2> {
        let there = self.projected(features);
        let mut products = Vec::new();
        for (i, u) in there.iter().enumerate() {
            products.extend(there[i + 1..].iter().map(|v| outer(u, v)));
        }
        if products.is_empty() {
            products.push(outer(&there[0], &there[0]));
        }
        let count = products.len() as f64;
        head(self.layer.forward(sum_of(products).div_scalar(count)))
    }

    fn width(&self) -> usize {
        self.layer.outputs()
    }
}

/// `[batch, a]` and `[batch, b]` to `[batch, a * b]`.
fn outer(u: &Tensor<2>, v: &Tensor<2>) -> Tensor<2> {
    let ([batch, a], [_, b]) = (u.dims(), v.dims());
    (u.clone().reshape([batch, a, 1]) * v.clone().reshape([batch, 1, b])).reshape([batch, a * b])
}
