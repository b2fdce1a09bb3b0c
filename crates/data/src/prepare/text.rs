//! Text: bytes or words as token ids.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::TokenizerFile;
use crate::error::DataError;

/// Ids of every way: 0 is padding.
const FIRST: usize = 1;

/// Steps from a text to token ids `[up to length]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSteps {
    /// Tokens at most; of a longer text the beginning counts.
    pub length: usize,
    /// How a text is cut into tokens.
    pub tokens: Tokens,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Tokens {
    /// A byte of UTF-8; its id is one more.
    Bytes,
    /// A word or a sign, by a list that was fitted on the training texts. Id 1 is every other one.
    Words {
        /// Whether capitals count as small letters.
        lowercase: bool,
        /// The words in the order of their bytes; the first has id 2.
        words: Vec<String>,
    },
    /// What a tokenizer says that somebody else trained; the id is one more.
    File {
        /// The tokenizer.
        tokenizer: TokenizerFile,
        /// Number of its ids.
        vocabulary: usize,
    },
}

/// Which words of the training texts get an id of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordRule {
    /// Those that occur at least so often.
    pub min_count: usize,
    /// The most frequent so many of them.
    pub most: usize,
}

/// What is counted in the training texts.
#[derive(Default)]
pub(crate) struct TextCounts {
    words: HashMap<String, usize>,
    texts: usize,
    long: usize,
    longest: usize,
}

impl TextSteps {
    /// Number of different ids, that of padding included.
    pub fn vocabulary(&self) -> usize {
        FIRST
            + match &self.tokens {
                Tokens::Bytes => 256,
                Tokens::Words { words, .. } => 1 + words.len(),
                Tokens::File { vocabulary, .. } => *vocabulary,
            }
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        if !(1..=1 << 16).contains(&self.length) {
            return Err(DataError::config(format!("`length` must be from 1 to 65536, got {}", self.length)));
        }
        match &self.tokens {
            Tokens::Words { words, .. } if !words.is_sorted_by(|a, b| a < b) => {
                Err(DataError::config("the saved preparation of text is damaged: its words are not in order"))
            }
            _ => Ok(()),
        }
    }

    /// The ids of a text.
    ///
    /// # Errors
    /// If there is nothing in it.
    pub(crate) fn arrange(&self, text: &str) -> Result<Vec<f32>, DataError> {
        let ids: Vec<f32> = match &self.tokens {
            Tokens::Bytes => {
                text.bytes().take(self.length).map(|b| (FIRST + usize::from(b)) as f32).collect()
            }
            Tokens::Words { lowercase, words } => {
                let text = folded(text, *lowercase);
                let id = |word| match words.binary_search_by(|known| known.as_str().cmp(word)) {
                    Ok(at) => (FIRST + 1 + at) as f32,
                    Err(_) => FIRST as f32,
                };
                words_of(&text).take(self.length).map(id).collect()
            }
            Tokens::File { tokenizer, .. } => {
                let ids = tokenizer.ids(text)?.into_iter().take(self.length);
                ids.map(|id| (FIRST + id) as f32).collect()
            }
        };
        match ids.is_empty() {
            true => Err(DataError::format("the text is empty; leave the cell empty if there is none")),
            false => Ok(ids),
        }
    }

    /// Takes a training text into the counts.
    ///
    /// # Errors
    /// If a tokenizer cannot read it.
    pub(crate) fn count(&self, text: &str, counts: &mut TextCounts) -> Result<(), DataError> {
        let length = match &self.tokens {
            Tokens::Bytes => text.len(),
            Tokens::File { tokenizer, .. } => tokenizer.ids(text)?.len(),
            Tokens::Words { lowercase, .. } => {
                let (text, mut length) = (folded(text, *lowercase), 0);
                for word in words_of(&text) {
                    length += 1;
                    match counts.words.get_mut(word) {
                        Some(count) => *count += 1,
                        None => drop(counts.words.insert(word.to_owned(), 1)),
                    }
                }
                length
            }
        };
        counts.texts += 1;
        counts.long += usize::from(length > self.length);
        counts.longest = counts.longest.max(length);
        Ok(())
    }

    /// Chooses the words; returns what users should know.
    ///
    /// # Errors
    /// If no word is left.
    pub(crate) fn fit(&mut self, rule: WordRule, counts: TextCounts) -> Result<Option<String>, DataError> {
        let TextCounts { words: counted, texts, long, longest } = counts;
        if let Tokens::Words { words, .. } = &mut self.tokens {
            let mut kept: Vec<(usize, String)> = (counted.into_iter())
                .filter(|(_, count)| *count >= rule.min_count)
                .map(|(word, count)| (count, word))
                .collect();
            // The most frequent first; equally frequent ones in the order of their letters.
            kept.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            kept.truncate(rule.most);
            *words = kept.into_iter().map(|(_, word)| word).collect();
            words.sort_unstable();
            if words.is_empty() {
                return Err(DataError::config(format!(
                    "no word occurs {} times in the {texts} training texts; lower `min_count`",
                    rule.min_count
                )));
            }
        }
        let what = match self.tokens {
            Tokens::Bytes => "bytes",
            Tokens::Words { .. } => "words",
            Tokens::File { .. } => "tokens",
        };
        Ok((long > 0).then(|| {
            format!(
                "{long} of {texts} training texts have more than {} {what} (the longest {longest}); what comes \
                 after is left out (`length`)",
                self.length
            )
        }))
    }
}

/// A text as its words are compared.
fn folded(text: &str, lowercase: bool) -> std::borrow::Cow<'_, str> {
    if lowercase { text.to_lowercase().into() } else { text.into() }
}

/// Runs of letters and digits, apostrophes inside included (`don't`), and every other visible sign by itself.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let mut end = first.len_utf8();
        if first.is_alphanumeric() {
            let mut signs = rest.char_indices().peekable();
            while let Some((at, sign)) = signs.next() {
                let inside =
                    matches!(sign, '\'' | '\u{2019}') && signs.peek().is_some_and(|n| n.1.is_alphanumeric());
                if !sign.is_alphanumeric() && !inside {
                    break;
                }
                end = at + sign.len_utf8();
            }
        }
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        words_of(text).collect()
    }

    #[test]
    fn words_and_signs_are_cut_apart() {
        assert_eq!(
            words(" I don't know: 3.5 \u{20ac}!  "),
            ["I", "don't", "know", ":", "3", ".", "5", "\u{20ac}", "!"]
        );
        assert_eq!(words("'so' a' Zo\u{e9}\u{2019}s"), ["'", "so", "'", "a", "'", "Zo\u{e9}\u{2019}s"]);
        assert_eq!(words("\u{65e5}\u{672c}\n\t"), ["\u{65e5}\u{672c}"]);
        assert!(words(" \n").is_empty());
    }

    #[test]
    fn frequent_words_have_ids_and_all_others_one() {
        let tokens = Tokens::Words { lowercase: true, words: Vec::new() };
        let mut steps = TextSteps { length: 4, tokens };
        let fit = |steps: &mut TextSteps, rule: WordRule| {
            let mut counts = TextCounts::default();
            ["The cat", "the dog", "a cat sat on the mat"]
                .iter()
                .for_each(|t| steps.count(t, &mut counts).unwrap());
            steps.fit(rule, counts)
        };
        let note = fit(&mut steps, WordRule { min_count: 2, most: 9 }).unwrap().unwrap();
        assert!(note.starts_with("1 of 3 training texts have more than 4 words (the longest 6)"), "{note}");
        // cat, the; beside padding and unknown.
        assert_eq!(steps.vocabulary(), 4);
        assert_eq!(steps.arrange("THE cat saw the dog").unwrap(), [3.0, 2.0, 1.0, 3.0]);
        assert!(steps.arrange(" ").unwrap_err().to_string().contains("the text is empty"));
        fit(&mut steps, WordRule { min_count: 1, most: 1 }).unwrap();
        assert_eq!(steps.arrange("the cat").unwrap(), [2.0, 1.0]);
        let message = fit(&mut steps, WordRule { min_count: 7, most: 9 }).unwrap_err().to_string();
        assert!(message.contains("no word occurs 7 times in the 3 training texts"), "{message}");
    }

    #[test]
    fn bytes_need_no_list() {
        let steps = TextSteps { length: 3, tokens: Tokens::Bytes };
        assert_eq!(steps.vocabulary(), 257);
        assert_eq!(steps.arrange("\u{e9}ab").unwrap(), [196.0, 170.0, 98.0]);
    }

    #[test]
    fn damaged_lists_are_refused() {
        let list = |words: &[&str]| {
            let words = words.iter().map(|&word| word.to_owned()).collect();
            TextSteps { length: 1, tokens: Tokens::Words { lowercase: false, words } }.check()
        };
        assert!(list(&["a", "b"]).is_ok());
        assert!(list(&["b", "a"]).is_err() && list(&["a", "a"]).is_err());
        assert!(TextSteps { length: 0, tokens: Tokens::Bytes }.check().is_err());
    }
}
