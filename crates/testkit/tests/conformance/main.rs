//! What every strategy must be able to do with every model and task that it takes: one named test for
//! each, so that a failure says which. `cargo test --test conformance -- dgl` runs those of DGL.

mod agreement;
mod ranks;
mod run;
mod symmetry;
mod task;

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;

use counterpoint::model::ModelConfig;
use counterpoint_testkit::conformance::told_model;
use libtest_mimic::{Arguments, Failed, FormatSetting, Trial};

/// A property that one subject must have.
fn trial<S: fmt::Display + Send + 'static>(
    property: &str,
    subject: S,
    check: impl FnOnce(&S) -> Result<(), String> + Send + 'static,
) -> Trial {
    Trial::test(format!("{property}: {subject}"), move || check(&subject).map_err(Failed::from))
}

/// Tests that go by their own names.
macro_rules! named {
    ($($test:ident),* $(,)?) => {
        vec![$(Trial::test(stringify!($test), || {
            $test();
            Ok(())
        })),*]
    };
}
use named;

/// A model as a subject.
struct Told(ModelConfig);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told_model(&self.0))
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Among thousands of lines that say `ok` nobody sees the one that does not.
    arguments.format = arguments.format.or(Some(FormatSetting::Terse));
    let trials = [agreement::trials(), ranks::trials(), run::trials(), symmetry::trials(), task::trials()];
    let trials: Vec<Trial> = trials.into_iter().flatten().collect();
    let names: BTreeSet<&str> = trials.iter().map(Trial::name).collect();
    assert_eq!(names.len(), trials.len(), "two tests have one name");
    libtest_mimic::run(&arguments, trials).exit_code()
}
