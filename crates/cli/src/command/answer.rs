//! The prediction of one sample, by task.

use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, softmax};
use counterpoint::host::host;
use counterpoint::task::TaskKind;
use counterpoint_data::Bitmap;
use serde_json::{Map, Value, json as value};

/// A prediction for one sample.
pub enum Answer {
    /// The probability of each class.
    Class(Vec<f32>),
    /// The probability of each label.
    Labels(Vec<f32>),
    /// A number.
    Number(f32),
    /// The class of each pixel.
    Map(Bitmap),
}

impl Answer {
    /// From the scores of one sample; `map` is height and width of label maps.
    pub fn of(task: TaskKind, scores: Tensor<2>, map: Option<[usize; 2]>) -> Self {
        match task {
            TaskKind::Classification => Self::Class(host(softmax(scores, 1))),
            TaskKind::Multilabel => Self::Labels(host(sigmoid(scores))),
            TaskKind::Regression => Self::Number(host(scores)[0]),
            TaskKind::Segmentation => {
                let [height, width] = map.unwrap_or_default();
                let classes = scores.dims()[1];
                // The full size comes before the side outputs.
                let all = host(scores);
                let pixels =
                    all.chunks_exact(classes).take(height * width).map(|row| top(row) as u8).collect();
                Self::Map(Bitmap { width, height, channels: 1, pixels })
            }
        }
    }

    /// In one line.
    pub fn headline(&self, classes: &[String]) -> String {
        match self {
            Self::Class(values) => {
                let best = top(values);
                format!("{} ({:.1} %)", classes[best], values[best] * 100.0)
            }
            Self::Labels(values) => {
                let likely: Vec<&str> = applying(values, classes).collect();
                if likely.is_empty() { "no label".into() } else { likely.join(", ") }
            }
            Self::Number(number) => format!("{number}"),
            Self::Map(map) => {
                let shares = self.shares(classes);
                let largest = shares.iter().max_by(|a, b| a.1.total_cmp(&b.1));
                let largest = largest.map_or(String::new(), |(class, share)| {
                    format!(", mostly {class} ({:.1} %)", share * 100.0)
                });
                format!("{} x {} pixels{largest}", map.height, map.width)
            }
        }
    }

    /// A share for each class: its probability, or its part of the pixels if it has one.
    pub fn shares<'a>(&self, classes: &'a [String]) -> Vec<(&'a str, f32)> {
        let names = classes.iter().map(String::as_str);
        match self {
            Self::Class(values) | Self::Labels(values) => names.zip(values.iter().copied()).collect(),
            Self::Number(_) => Vec::new(),
            Self::Map(map) => {
                let share = |k: usize| {
                    let count = map.pixels.iter().filter(|&&p| usize::from(p) == k).count();
                    count as f32 / map.pixels.len().max(1) as f32
                };
                names.enumerate().map(|(k, name)| (name, share(k))).filter(|(_, s)| *s > 0.0).collect()
            }
        }
    }
}

/// Labels with a probability above one half.
fn applying<'a>(values: &[f32], classes: &'a [String]) -> impl Iterator<Item = &'a str> {
    classes.iter().zip(values).filter(|(_, p)| **p > 0.5).map(|(class, _)| class.as_str())
}

fn top(values: &[f32]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// All answers as JSON; the first is of everything that is present.
pub fn json(answers: &[(String, Answer)], classes: &[String]) -> Value {
    let each = |of: &dyn Fn(&Answer) -> Value| -> Map<String, Value> {
        answers.iter().map(|(row, answer)| (row.clone(), of(answer))).collect()
    };
    let shares = |answer: &Answer| -> Value {
        answer
            .shares(classes)
            .into_iter()
            .map(|(k, v)| (k.to_owned(), value!(v)))
            .collect::<Map<_, _>>()
            .into()
    };
    match &answers[0].1 {
        Answer::Class(values) => {
            value!({"class": classes[top(values)], "probabilities": each(&shares)})
        }
        Answer::Labels(values) => {
            let labels: Vec<&str> = applying(values, classes).collect();
            value!({"labels": labels, "probabilities": each(&shares)})
        }
        Answer::Number(number) => {
            let number_of = |answer: &Answer| match answer {
                Answer::Number(number) => value!(number),
                _ => Value::Null,
            };
            value!({"value": number, "values": each(&number_of)})
        }
        Answer::Map(map) => value!({"size": [map.height, map.width], "shares": each(&shares)}),
    }
}
