//! Shapes of a sample that encoders take.

use counterpoint_batch::ModalitySpec;

use crate::Error;

/// What a sample of a modality looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// A vector, `[channels]`.
    Vector,
    /// Token ids, `[length]`.
    Tokens,
    /// A sequence of vectors, `[length, channels]`.
    Sequence,
    /// A picture or a spectrogram, `[channels, height, width]`.
    Image,
    /// A film, `[channels, frames, height, width]`.
    Frames,
}

impl InputShape {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Vector, Self::Tokens, Self::Sequence, Self::Image, Self::Frames];

    /// The shape of a modality's samples; `None` if it is none of these, or a side is 0.
    pub fn of(data: &ModalitySpec) -> Option<Self> {
        if data.shape.contains(&0) {
            return None;
        }
        match (data.vocabulary, data.shape.len()) {
            (Some(_), 1) => Some(Self::Tokens),
            (None, 1) => Some(Self::Vector),
            (None, 2) => Some(Self::Sequence),
            (None, 3) => Some(Self::Image),
            (None, 4) => Some(Self::Frames),
            _ => None,
        }
    }

    /// Refuses samples of a shape that an encoder does not take.
    ///
    /// # Errors
    /// If the shape is another one; the message names both.
    pub fn check(encoder: &str, takes: &[Self], data: &ModalitySpec) -> Result<(), Error> {
        let found = Self::of(data);
        if found.is_some_and(|found| takes.contains(&found)) {
            return Ok(());
        }
        let list: Vec<&str> = takes.iter().map(|shape| shape.words()).collect();
        let (last, others) = list.split_last().expect("an encoder takes something");
        let all =
            if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
        let hint = match found {
            Some(Self::Vector) => "; use encoder `mlp` for vectors",
            Some(Self::Tokens | Self::Sequence) => "; use encoder `sequence` for them",
            Some(Self::Image | Self::Frames) => "; use encoder `conv-net` or `resnet18` for them",
            None => "",
        };
        let found = found.map_or(String::new(), |shape| format!("{}, ", shape.words()));
        Err(Error::shape(format!(
            "encoder `{encoder}` takes {all}, but the data gives {found}{:?}{hint}",
            data.shape
        )))
    }

    fn words(self) -> &'static str {
        match self {
            Self::Vector => "vectors [channels]",
            Self::Tokens => "token ids [length]",
            Self::Sequence => "sequences [length, channels]",
            Self::Image => "images [channels, height, width]",
            Self::Frames => "frames [channels, frames, height, width]",
        }
    }
}
