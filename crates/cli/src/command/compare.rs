//! `counterpoint compare`.

use std::path::{Path, PathBuf};

use counterpoint_report::record::{Metric, State, Study};
use counterpoint_report::table::TextStyle;

use super::{print, print_json};
use crate::args::{Compare, StudyArgs};
use crate::config;
use crate::exit::{Code, Failure};
use crate::study::{self, Options, Spec};

/// Runs or continues the study of a file.
pub fn run(args: &Compare) -> Result<(), Failure> {
    let spec = study::load(&args.spec, &args.set)?;
    let out = args.out.clone().unwrap_or_else(|| default_out("", &args.spec));
    if args.dry_run {
        print(study::plan(&spec, &out)?);
        return Ok(());
    }
    conduct(&spec, &out, &args.study_args).map(drop)
}

/// `studies/NAME` for a file of that name.
pub fn default_out(prefix: &str, file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    Path::new("studies").join(format!("{prefix}{stem}"))
}

/// Runs a study and prints what it found.
///
/// # Errors
/// As the study, and if runs failed in another way than by diverging, which is
/// a result.
pub fn conduct(spec: &Spec, out: &Path, study_args: &StudyArgs) -> Result<(Study, Metric), Failure> {
    let mut spec = spec.clone();
    if let Some(device) = &study_args.computing.device {
        config::apply(&mut spec.config, &format!("train.device={device}"))?;
    }
    let memory = match study_args.memory_gb {
        Some(gb) if !(gb.is_finite() && gb > 0.0) => {
            return Err(Failure::new(Code::Usage, format!("--memory-gb {gb}: expected a number above 0")));
        }
        gb => gb.map(|gb| (gb * 1e9) as u64),
    };
    let stop = crate::stop::on_signal()?;
    let jobs = study_args.jobs.map(usize::from);
    let options = Options { jobs, memory, quiet: study_args.quiet, program: None };
    let (study, metric) = study::run(&spec, out, &options, &stop)?;
    if study_args.json {
        print_json(&study::json(&study, out, &metric));
    } else {
        for table in study::tables(&study, out, &metric) {
            print(table.to_text(TextStyle::default()));
        }
        print(format!("A report with intervals and tests: counterpoint report {}", out.display()));
    }
    let bad = |state: &State| match state {
        State::Failed { code, message } if *code != Code::Diverged as i32 => Some((*code, message.clone())),
        _ => None,
    };
    match study.runs.iter().find_map(|r| Some((&r.place, bad(&r.state)?))) {
        None => Ok((study, metric)),
        Some((place, (code, message))) => Err(Failure::new(
            Code::of(code),
            format!("not every run finished; the same command tries again. First: {place}: {message}"),
        )),
    }
}
