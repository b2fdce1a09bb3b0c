//! What a sequence encoder is built from.

use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Part;

use super::{SequenceEncoder, Steps};
use crate::Error;
use crate::layer::{Dropout, Embedding, Init, LayerNorm};
use crate::model::Boxed;
use crate::model::encoder::InputShape;

/// The settings of a network over the steps of a sequence.
pub trait SequenceSettings: Part {
    /// Width of the vectors of token ids; `None` is that of the encoder.
    fn embedding(&self) -> Option<usize>;

    /// Whether layer norm and ReLU follow the network.
    fn normalized(&self) -> bool;

    /// The network, from steps of this many numbers to steps of `width`.
    ///
    /// # Errors
    /// If a setting is out of range.
    fn steps(&self, sizes: [usize; 2], dropout: f64, init: &Init) -> Result<Boxed<dyn Steps>, Error>;
}

impl dyn SequenceSettings {
    /// Builds the encoder of a modality to steps of `width` numbers.
    ///
    /// # Errors
    /// If the shape of a sample is not that of a sequence or a vector, or a
    /// setting is out of range.
    pub fn encoder(
        &self,
        data: &ModalitySpec,
        width: usize,
        dropout: f64,
        init: &Init,
    ) -> Result<SequenceEncoder, Error> {
        let name = self.name();
        if width == 0 {
            return Err(Error::config(format!("encoder `{name}`: the width must be positive, got 0")));
        }
        if !(0.0..1.0).contains(&dropout) {
            return Err(Error::config(format!("dropout = {dropout}: expected a number in [0, 1)")));
        }
        InputShape::check(name, SequenceEncoder::TAKES, data)?;
        let embedding = match (data.vocabulary, self.embedding()) {
            (None, Some(_)) => {
                return Err(Error::config(format!(
                    "encoder `{name}`: `embedding` is for token ids, but the data gives numbers {:?}; leave it out",
                    data.shape
                )));
            }
            (_, Some(0)) => {
                return Err(Error::config(format!("encoder `{name}`: embedding must be positive, got 0")));
            }
            (None, None) => None,
            (Some(ids), to) => Some(Embedding::new(ids, to.unwrap_or(width), &init.part("embedding"))),
        };
        let inputs = match &embedding {
            Some(embedding) => embedding.width(),
            None => data.shape[data.shape.len() - 1],
        };
        let norm = || LayerNorm::new(width, 1e-6, &init.part("norm"));
        Ok(SequenceEncoder {
            embedding,
            steps: self.steps([inputs, width], dropout, &init.part("steps"))?,
            norm: self.normalized().then(norm),
            dropout: Dropout::new(dropout, &init.part("dropout")),
            width,
        })
    }
}
