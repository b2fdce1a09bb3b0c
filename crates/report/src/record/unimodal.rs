//! What unimodal scores mean.
//!
//! There are several ways to read a modality of a model that joins several,
//! and their numbers are far apart. Every one has rows of its own, and a run
//! says which of them its method rests on.

use serde::{Deserialize, Serialize};

use super::{Scores, Values};

/// A way to read a single modality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Convention {
    /// Fusion and head with that modality only; most fusions fill the others with zeros.
    ZeroFill,
    /// As the method itself reads it: by a head of its own, by prototypes, and so on.
    Native,
    /// A linear model fitted to the modality's frozen features, the same for every method.
    Probe,
}

impl Convention {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 3] = [Self::ZeroFill, Self::Native, Self::Probe];

    /// Name of the row of scores of a modality: `audio`, `native:audio`, `probe:audio`.
    pub fn row(self, modality: &str) -> String {
        format!("{}{modality}", self.prefix())
    }

    /// Name for people where no method is named.
    pub fn name(self) -> &'static str {
        match self {
            Self::ZeroFill => "zero-fill",
            Self::Native => "native",
            Self::Probe => "linear probe",
        }
    }

    /// The convention and the modality of a row.
    pub fn of_row(row: &str) -> (Self, &str) {
        let marked = [Self::Native, Self::Probe].into_iter();
        let found = marked.filter_map(|c| Some((c, row.strip_prefix(c.prefix())?))).next();
        found.unwrap_or((Self::ZeroFill, row))
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::ZeroFill => "",
            Self::Native => "native:",
            Self::Probe => "probe:",
        }
    }
}

/// How the rows of a single modality came about in a run.
///
/// ```
/// use counterpoint_report::record::{UnimodalReading, Scores};
/// let row = |accuracy| [("accuracy".to_owned(), accuracy)].into();
/// let scores: Scores =
///     [("audio", 0.354), ("native:audio", 0.540), ("image", 0.956)].map(|(k, v)| (k.to_owned(), row(v))).into();
/// let gblend = UnimodalReading { native: "own head".into(), native_trained: true, ..UnimodalReading::default() };
/// assert_eq!(gblend.values(&scores, "audio").unwrap()["accuracy"], 0.540);
/// assert_eq!((gblend.name(&scores, "audio"), gblend.name(&scores, "image")), ("own head", "zero-fill"));
/// assert_eq!(UnimodalReading::default().values(&scores, "audio").unwrap()["accuracy"], 0.354);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnimodalReading {
    /// What the plain row `audio` is: `zero-fill`, or, where nothing is filled,
    /// [`Self::SHARED_HEAD`] or [`Self::OWN_MODEL`].
    pub plain: String,
    /// What the row `native:audio` is, such as `own head`; empty if the method
    /// has no convention of its own.
    pub native: String,
    /// Whether training fits the native scores to the targets: then
    /// comparisons read them.
    pub native_trained: bool,
}

impl Default for UnimodalReading {
    /// As in runs that do not say.
    fn default() -> Self {
        Self { plain: Convention::ZeroFill.name().into(), native: String::new(), native_trained: false }
    }
}

impl UnimodalReading {
    /// The plain row where one head reads every modality by itself.
    pub const SHARED_HEAD: &str = "shared head";
    /// The plain row of a model that has no other modality.
    pub const OWN_MODEL: &str = "own model";

    /// The convention by which a modality's scores are compared with those of
    /// other runs: the method's own where it was trained and scored, else zero-fill.
    pub fn convention(&self, scores: &Scores, modality: &str) -> Convention {
        let native = self.native_trained && scores.contains_key(&Convention::Native.row(modality));
        if native { Convention::Native } else { Convention::ZeroFill }
    }

    /// Name of the row that is compared; any other row than a modality's stays what it is.
    pub fn row(&self, scores: &Scores, modality: &str) -> String {
        self.convention(scores, modality).row(modality)
    }

    /// The values of that row.
    pub fn values<'a>(&self, scores: &'a Scores, modality: &str) -> Option<&'a Values> {
        scores.get(&self.row(scores, modality))
    }

    /// Values by one convention, if the run has them. A head that reads every
    /// modality by itself is the method's own, though its row is the plain one.
    pub fn by<'a>(&self, convention: Convention, scores: &'a Scores, modality: &str) -> Option<&'a Values> {
        let filled = self.plain == Convention::ZeroFill.name();
        match convention {
            Convention::ZeroFill if !filled => None,
            Convention::Native if !filled => scores.get(modality),
            _ => scores.get(&convention.row(modality)),
        }
    }

    /// The values of the train split that belong to it: training through an own
    /// head stands in the row `aux:audio`.
    pub fn trained<'a>(&self, train: &'a Scores, modality: &str) -> Option<&'a Values> {
        let own = train.get(&format!("aux:{modality}")).filter(|_| self.native_trained);
        own.or_else(|| train.get(modality))
    }

    /// What people call the convention of that row.
    pub fn name(&self, scores: &Scores, modality: &str) -> &str {
        self.title(self.convention(scores, modality))
    }

    /// What the method's own convention is called; `None` if it has none.
    pub fn native_name(&self) -> Option<&str> {
        let filled = self.plain == Convention::ZeroFill.name();
        let name = if filled { self.native.as_str() } else { self.plain.as_str() };
        (!name.is_empty()).then_some(name)
    }

    /// What people call a convention in this run.
    pub fn title(&self, convention: Convention) -> &str {
        match convention {
            Convention::ZeroFill => &self.plain,
            Convention::Native if self.native.is_empty() => convention.name(),
            Convention::Native => &self.native,
            Convention::Probe => convention.name(),
        }
    }
}

/// One sentence on how each single modality is read, from pairs of a method and
/// what its convention is called; `None` without pairs.
///
/// ```
/// use counterpoint_report::record::conventions;
/// let said = conventions([("joint", "zero-fill"), ("gblend", "own head"), ("mmpareto", "own head")]).unwrap();
/// assert!(said.starts_with("Unimodal scores: own head for gblend, mmpareto; zero-fill for the others ("));
/// ```
pub fn conventions<'a>(methods: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (method, by) in methods {
        match groups.iter_mut().find(|(known, _)| *known == by) {
            Some((_, names)) => names.push(method),
            None => groups.push((by, vec![method])),
        }
    }
    let (filled, own): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|(by, _)| *by == Convention::ZeroFill.name());
    let whom = if own.is_empty() { "" } else { " for the others" };
    let own = own.iter().map(|(by, names)| format!("{by} for {}", names.join(", ")));
    let rest = filled
        .first()
        .map(|(by, _)| format!("{by}{whom} (the model is shown that modality, with zeros for the others)"));
    let all: Vec<String> = own.chain(rest).collect();
    (!all.is_empty()).then(|| format!("Unimodal scores: {}.", all.join("; ")))
}
