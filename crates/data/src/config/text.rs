//! Keys of a text modality.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::prepare::{Draft, Fit, Normalise, Preparation, Steps, TextSteps, TokenizerFile, Tokens, WordRule};

/// What a token of a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TokenName {
    /// A word or a sign; the list of words is made of the training texts.
    #[default]
    Words,
    /// A byte of UTF-8, so that no list is needed.
    Bytes,
    /// What a `tokenizer.json` of Hugging Face says, which `file` names; for a program that was built
    /// with the feature `tokenizers`.
    File,
}

/// Keys of a text modality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextConfig {
    /// What a text is cut into.
    pub tokens: TokenName,
    /// The `tokenizer.json` of tokens = "file", relative to the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Number of tokens that are shown at most; of a longer text the beginning.
    #[schemars(range(min = 1, max = 65536))]
    pub length: usize,
    /// Whether cells name text files instead of holding the text.
    pub files: bool,
    /// Whether capitals count as small letters, by default yes (`words` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowercase: Option<bool>,
    /// How often a word must occur in the training texts to have a token of its own, by default 2
    /// (`words` only). All others share one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub min_count: Option<usize>,
    /// Number of words with a token of their own at most, the most frequent ones; by default 20000
    /// (`words` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub most: Option<usize>,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            tokens: TokenName::default(),
            file: None,
            length: 128,
            files: false,
            lowercase: None,
            min_count: None,
            most: None,
        }
    }
}

impl TextConfig {
    /// How the modality is prepared; the path of a tokenizer starts in `base`.
    ///
    /// # Errors
    /// If a key is out of range, or does nothing with these tokens.
    pub fn draft(&self, modality: &str, base: &Path) -> Result<Draft, DataError> {
        self.steps(modality, base).map_err(|e| e.at(format_args!("modality `{modality}`")))
    }

    fn steps(&self, modality: &str, base: &Path) -> Result<Draft, DataError> {
        let given = [
            ("lowercase", self.lowercase.is_some()),
            ("min_count", self.min_count.is_some()),
            ("most", self.most.is_some()),
        ];
        if self.file.is_some() && self.tokens != TokenName::File {
            return Err(DataError::config("`file` applies to tokens = \"file\" only"));
        }
        let tokens = match (self.tokens, given.iter().find(|(_, given)| *given)) {
            (TokenName::Bytes | TokenName::File, Some((key, _))) => {
                return Err(DataError::config(format!("`{key}` applies to tokens = \"words\" only")));
            }
            (TokenName::Bytes, None) => Tokens::Bytes,
            (TokenName::File, None) => {
                let file = self.file.as_ref().ok_or_else(|| {
                    DataError::config("tokens = \"file\" needs `file`, the tokenizer.json of a tokenizer")
                })?;
                let tokenizer = TokenizerFile::read(&base.join(file))?;
                let vocabulary = tokenizer.vocabulary()?;
                Tokens::File { tokenizer, vocabulary }
            }
            (TokenName::Words, _) => {
                Tokens::Words { lowercase: self.lowercase.unwrap_or(true), words: Vec::new() }
            }
        };
        let rule = WordRule { min_count: self.min_count.unwrap_or(2), most: self.most.unwrap_or(20_000) };
        for (key, value, most) in [("min_count", rule.min_count, usize::MAX), ("most", rule.most, 1_000_000)]
        {
            if value == 0 || value > most {
                return Err(DataError::config(format!("`{key}` must be from 1 to {most}, got {value}")));
            }
        }
        let steps = Steps::Text(TextSteps { length: self.length, tokens });
        let preparation = Preparation { modality: modality.to_owned(), steps, normalise: Normalise::None };
        preparation.check()?;
        Ok(Draft { preparation, fit: Fit::Text(rule) })
    }
}
