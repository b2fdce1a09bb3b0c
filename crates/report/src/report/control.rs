//! Whether a control takes the steps of the method in question.
//!
//! Under SGD, disentangled gradient learning multiplies the gradient of encoder
//! m by alpha_m: its step `lr (alpha g + wd theta)` is that of a run whose
//! encoders have alpha times the learning rate and an alpha-th of the weight
//! decay, and whose fusion and head have what they had. Only against such a run
//! does a gain mean something else than larger steps. Under Adam alpha cancels.

use super::{
    RunSummary,
    method::is_dgl,
    overview::{Method, Overview},
    settings::{Settings, settings},
};
use crate::text::decimal;

/// How the steps of a control compare with those of the method in question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Steps {
    /// For equal gradients its encoders move exactly as far.
    Matched,
    /// They do not; what the control has instead, in words.
    Other(String),
}

/// Compares every run of the control with its partner; a run that has not
/// begun has no configuration yet and says nothing.
pub(super) fn steps(overview: &Overview<'_>, focus: &Method<'_>, control: &Method<'_>) -> Steps {
    let mut pairs = overview.pairs(focus, control);
    pairs.retain(|(ours, theirs)| !ours.config.is_empty() && !theirs.config.is_empty());
    let matched = pairs.iter().all(|(ours, theirs)| is_matched(ours, theirs));
    if matched && !pairs.is_empty() {
        return Steps::Matched;
    }
    let baseline = overview.methods.get(overview.baseline).and_then(|m| m.runs.first());
    Steps::Other(baseline.map_or_else(String::new, |baseline| difference(control.runs[0], baseline)))
}

/// The optimizer of a run for which no control can be matched, as people write it.
pub(super) fn cancels(run: &RunSummary) -> Option<&'static str> {
    match Rates::of(run).text("name") {
        Some("adam") => Some("Adam"),
        Some("adamw") => Some("AdamW"),
        _ => None,
    }
}

/// What makes a matched control of the baseline, as arguments of `train`; none
/// where the run is not a complete disentangled gradient learning under SGD.
pub(super) fn recipe(focus: &RunSummary) -> Option<String> {
    let own = Rates::of(focus);
    if !is_dgl(focus) || own.text("name") != Some("sgd") {
        return None;
    }
    let names: Vec<&str> = focus.modalities.iter().map(String::as_str).collect();
    let wanted = |name: &str| {
        let alpha = own.alpha(name).filter(|alpha| *alpha > 0.0)?;
        Some((own.factor(name) * alpha, own.decay(name) / alpha))
    };
    let all: Vec<(f64, f64)> = names.iter().map(|name| wanted(name)).collect::<Option<_>>()?;
    let (first, rest) = all.split_first()?;
    let (factor, decay) = if rest.iter().all(|other| other == first) {
        (first.0.to_string(), first.1.to_string())
    } else {
        let table = |of: fn(&(f64, f64)) -> f64| {
            let parts: Vec<String> =
                names.iter().zip(&all).map(|(name, pair)| format!("{name} = {}", of(pair))).collect();
            format!("{{ {} }}", parts.join(", "))
        };
        (table(|pair| pair.0), table(|pair| pair.1))
    };
    Some(format!(
        "--set \"optimizer.encoder_factor={factor}\" --set \"optimizer.encoder_weight_decay={decay}\""
    ))
}

/// Whether two runs answer in the same way: with the same readout or none, and without the
/// validation split or with it. Where they do not, a gap says more than how far encoders moved.
pub(super) fn answer_alike(focus: &RunSummary, control: &RunSummary) -> bool {
    let of = |run: &RunSummary| -> Settings {
        let counts = |key: &str| key.starts_with("readout.") || key == "train.with_val";
        settings(&run.config).into_iter().filter(|(key, value)| counts(key) && value != "false").collect()
    };
    of(focus) == of(control)
}

/// Whether the encoders of `control` move as those of `focus` for equal
/// gradients, and its fusion and head with the same rate and decay.
fn is_matched(focus: &RunSummary, control: &RunSummary) -> bool {
    let (ours, theirs) = (Rates::of(focus), Rates::of(control));
    let same = |key: &str| ours.0.get(key) == theirs.0.get(key);
    let schedule = ours.0.keys().chain(theirs.0.keys()).filter(|key| key.starts_with("schedule."));
    is_dgl(focus)
        && answer_alike(focus, control)
        && ours.text("name") == Some("sgd")
        && ["optimizer.name", "optimizer.momentum", "optimizer.nesterov", "train.clip"].into_iter().all(same)
        && schedule.into_iter().all(|key| same(key))
        && near(ours.number("lr").unwrap_or(f64::NAN), theirs.number("lr").unwrap_or(f64::NAN))
        && near(ours.number("weight_decay").unwrap_or(0.0), theirs.number("weight_decay").unwrap_or(0.0))
        && !control.modalities.is_empty()
        && control.modalities.iter().all(|name| {
            ours.alpha(name).is_some_and(|alpha| {
                near(theirs.factor(name), alpha * ours.factor(name))
                    && near(theirs.decay(name) * alpha, ours.decay(name))
            })
        })
}

/// What a run changes of the baseline's steps, in words.
fn difference(run: &RunSummary, baseline: &RunSummary) -> String {
    let (own, base) = (Rates::of(run), Rates::of(baseline));
    let rate = |rates: &Rates, key: &str| rates.number(key).unwrap_or(f64::NAN);
    let head = rate(&own, "lr") / rate(&base, "lr");
    let times = |factor: f64| decimal(factor, if factor.fract() == 0.0 { 0 } else { 3 });
    let encoders: Vec<f64> =
        run.modalities.iter().map(|name| head * own.factor(name) / base.factor(name)).collect();
    match encoders.first() {
        Some(&factor) if encoders.iter().all(|other| near(*other, head)) && factor.is_finite() => {
            format!("every learning rate times {}, that of fusion and head too", times(head))
        }
        Some(&factor) if encoders.iter().all(|other| near(*other, factor)) && factor.is_finite() => {
            format!("the learning rate of encoders times {}", times(factor))
        }
        _ => "other learning rates".into(),
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}

/// What a run's configuration says of its steps.
struct Rates(Settings);

impl Rates {
    fn of(run: &RunSummary) -> Self {
        Self(settings(&run.config))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(&format!("optimizer.{key}")).map(String::as_str)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.text(key)?.parse().ok()
    }

    /// A number for all modalities, or that of one.
    fn each(&self, key: &str, modality: &str) -> Option<f64> {
        [format!("{key}.{modality}"), key.to_owned()].iter().find_map(|key| self.0.get(key)?.parse().ok())
    }

    fn alpha(&self, modality: &str) -> Option<f64> {
        self.each("strategy.alpha", modality)
    }

    fn factor(&self, modality: &str) -> f64 {
        self.each("optimizer.encoder_factor", modality).unwrap_or(1.0)
    }

    fn decay(&self, modality: &str) -> f64 {
        let own = self.each("optimizer.encoder_weight_decay", modality);
        own.or_else(|| self.number("weight_decay")).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(config: &str) -> RunSummary {
        RunSummary {
            config: config.into(),
            modalities: vec!["audio".into(), "image".into()],
            ..RunSummary::default()
        }
    }

    fn sgd(strategy: &str, lr: &str, more: &str) -> RunSummary {
        run(&format!(
            "[strategy]\n{strategy}\n[optimizer]\nname = \"sgd\"\nlr = {lr}\nmomentum = 0.9\nweight_decay = 0.0001\n{more}"
        ))
    }

    const DGL: &str = "name = \"dgl\"\nalpha = 4.0";
    const JOINT: &str = "name = \"joint\"";

    #[test]
    fn a_matched_control_has_alpha_times_the_encoders_rate_and_an_alphath_of_their_decay() {
        let dgl = sgd(DGL, "0.05", "encoder_factor = 1.0");
        let joint = sgd(JOINT, "0.05", "encoder_factor = 1.0");
        let of = |more: &str| is_matched(&dgl, &sgd(JOINT, "0.05", more));
        assert!(of("encoder_factor = 4.0\nencoder_weight_decay = 0.000025"));
        // The decay is not divided; another factor; everything multiplied; the baseline itself.
        assert!(!of("encoder_factor = 4.0"));
        assert!(!of("encoder_factor = 2.0\nencoder_weight_decay = 0.000025"));
        assert!(!of("encoder_factor = 1.0"));
        let all = sgd(JOINT, "0.2", "encoder_factor = 1.0");
        assert!(!is_matched(&dgl, &all));
        assert_eq!(difference(&all, &joint), "every learning rate times 4, that of fusion and head too");
        let undivided = sgd(JOINT, "0.05", "encoder_factor = 4.0");
        assert_eq!(difference(&undivided, &joint), "the learning rate of encoders times 4");
        assert_eq!(
            recipe(&dgl).as_deref(),
            Some("--set \"optimizer.encoder_factor=4\" --set \"optimizer.encoder_weight_decay=0.000025\"")
        );
    }

    #[test]
    fn a_control_with_a_readout_is_one_of_a_method_with_a_readout() {
        let control = |more: &str| {
            sgd(JOINT, "0.05", &format!("encoder_factor = 4.0\nencoder_weight_decay = 0.000025\n{more}"))
        };
        let readout = "[readout]\nname = \"cone\"\nridge = 0.001";
        let [plain, kept] = ["", readout].map(|more| sgd(DGL, "0.05", more));
        assert!(is_matched(&plain, &control("[train]\nwith_val = false")));
        assert!(is_matched(&kept, &control(readout)));
        for (focus, more) in [(&plain, readout), (&plain, "[train]\nwith_val = true"), (&kept, "")] {
            assert!(!is_matched(focus, &control(more)) && !answer_alike(focus, &control(more)), "{more}");
        }
    }

    #[test]
    fn alpha_may_differ_between_modalities() {
        let dgl = sgd("name = \"dgl\"", "0.05", "[strategy.alpha]\naudio = 2.0\nimage = 4.0");
        let control = |image: &str| {
            let own = format!(
                "[optimizer.encoder_factor]\naudio = 2.0\nimage = {image}\n[optimizer.encoder_weight_decay]\naudio = \
                 0.00005\nimage = 0.000025"
            );
            sgd(JOINT, "0.05", &own)
        };
        assert!(is_matched(&dgl, &control("4.0")));
        assert!(!is_matched(&dgl, &control("2.0")));
        assert!(recipe(&dgl).unwrap().contains("encoder_factor={ audio = 2, image = 4 }"));
    }

    #[test]
    fn nothing_is_matched_under_adam_or_with_an_ablation() {
        let adam = |strategy: &str, more: &str| {
            run(&format!(
                "[strategy]\n{strategy}\n[optimizer]\nname = \"adam\"\nlr = 0.001\nweight_decay = 0.0\n{more}"
            ))
        };
        let (dgl, joint) = (adam(DGL, ""), adam(JOINT, "encoder_factor = 4.0"));
        assert!(!is_matched(&dgl, &joint));
        assert_eq!((cancels(&dgl), recipe(&dgl)), (Some("Adam"), None));
        let ablation = sgd(&format!("{DGL}\ntruncate_multimodal = false"), "0.05", "");
        assert!(!is_matched(
            &ablation,
            &sgd(JOINT, "0.05", "encoder_factor = 4.0\nencoder_weight_decay = 0.000025")
        ));
        assert_eq!((cancels(&ablation), recipe(&ablation)), (None, None));
    }
}
