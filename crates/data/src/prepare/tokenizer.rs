//! A tokenizer that somebody else trained, as Hugging Face stores it (`tokenizer.json`).

use std::path::Path;
#[cfg(feature = "tokenizers")]
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::decode::document;
use crate::error::DataError;

/// The content of a `tokenizer.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenizerFile {
    json: String,
    #[cfg(feature = "tokenizers")]
    #[serde(skip)]
    opened: Arc<OnceLock<tokenizers::Tokenizer>>,
}

impl PartialEq for TokenizerFile {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for TokenizerFile {}

impl TokenizerFile {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is absent or no tokenizer, or this program was built without them.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let file = Self {
            json: document(path)?,
            #[cfg(feature = "tokenizers")]
            opened: Arc::default(),
        };
        file.vocabulary().map_err(|e| e.at(format_args!("`{}`", path.display())))?;
        Ok(file)
    }

    /// Number of its ids: one more than the largest.
    ///
    /// # Errors
    /// If it is no tokenizer, or this program was built without them.
    #[cfg(feature = "tokenizers")]
    pub(crate) fn vocabulary(&self) -> Result<usize, DataError> {
        let most = self.open()?.get_vocab(true).into_values().max();
        most.map(|id| id as usize + 1).ok_or_else(|| DataError::format("the tokenizer has no token"))
    }

    /// The ids of a text, with the special tokens that it puts around one.
    ///
    /// # Errors
    /// If the tokenizer cannot read the text.
    #[cfg(feature = "tokenizers")]
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<usize>, DataError> {
        let failed = |cause| DataError::format("the tokenizer cannot read the text").because(cause);
        let encoded = self.open()?.encode_fast(text, true).map_err(failed)?;
        Ok(encoded.get_ids().iter().map(|&id| id as usize).collect())
    }

    #[cfg(feature = "tokenizers")]
    fn open(&self) -> Result<&tokenizers::Tokenizer, DataError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let failed =
            |cause| DataError::format("is no tokenizer.json of the library `tokenizers`").because(cause);
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(&self.json).map_err(failed)?;
        // Lengths are `length`'s, and padding that of batches.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(failed)?;
        Ok(self.opened.get_or_init(|| tokenizer))
    }

    #[cfg(not(feature = "tokenizers"))]
    pub(crate) fn vocabulary(&self) -> Result<usize, DataError> {
        Err(without())
    }

    #[cfg(not(feature = "tokenizers"))]
    pub(crate) fn ids(&self, _: &str) -> Result<Vec<usize>, DataError> {
        Err(without())
    }
}

#[cfg(not(feature = "tokenizers"))]
fn without() -> DataError {
    DataError::config(
        "this program was built without the feature `tokenizers`, which reads a tokenizer.json; build it with \
         `cargo install --path crates/cli --features tokenizers`, or set `tokens` to words or bytes",
    )
}
