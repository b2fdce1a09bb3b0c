//! `counterpoint compare`.

use std::path::{Path, PathBuf};

use counterpoint_report::record::{Metric, State, Study};
use counterpoint_report::table::TextStyle;

use super::{print, print_json};
use crate::args::{Compare, StudyArgs};
use crate::config;
use crate::exit::{Code, Failure};
use crate::folder;
use crate::study::{self, Collected, Jobs, Options, Spec};
use crate::target;

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

/// Runs, plans or collects a study as the arguments say, and prints what it found; none if that is a plan.
///
/// # Errors
/// As the study, if runs failed in another way than by diverging, which is
/// a result, and if some are missing.
pub fn conduct(spec: &Spec, out: &Path, study_args: &StudyArgs) -> Result<Option<(Study, Metric)>, Failure> {
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
    if study_args.launcher.as_ref().is_some_and(|launcher| launcher.trim().is_empty()) {
        return Err(Failure::new(
            Code::Usage,
            "--launcher is empty: expected a command, such as \"srun -n1\"",
        ));
    }
    if let Some(file) = &study_args.plan {
        return plan(&spec, out, file).map(|()| None);
    }
    let (study, metric, missing) = if study_args.collect {
        let Collected { study, metric, missing } = study::collect(&spec, out)?;
        (study, metric, missing)
    } else {
        let stop = crate::stop::on_signal()?;
        let (jobs, launcher) = (study_args.jobs.map(usize::from), study_args.launcher.clone());
        let options = Options { jobs, memory, quiet: study_args.quiet, program: None, launcher };
        let (study, metric) = study::run(&spec, out, &options, &stop)?;
        (study, metric, Vec::new())
    };
    if study_args.json {
        print_json(&study::json(&study, out, &metric));
    } else {
        for table in study::tables(&study, out, &metric) {
            print(table.to_text(TextStyle::default()));
        }
        print(format!("A report with intervals and tests: counterpoint report {}", out.display()));
    }
    if !missing.is_empty() {
        return Err(incomplete(&missing));
    }
    let bad = |state: &State| match state {
        State::Failed { code, message } if *code != Code::Diverged as i32 => Some((*code, message.clone())),
        _ => None,
    };
    match study.runs.iter().find_map(|r| Some((&r.place, bad(&r.state)?))) {
        None => Ok(Some((study, metric))),
        Some((place, (code, message))) => Err(Failure::new(
            Code::of(code),
            format!("not every run finished; the same command tries again. First: {place}: {message}"),
        )),
    }
}

/// Writes what other machines have to do next; an empty file if that is nothing.
fn plan(spec: &Spec, out: &Path, file: &Path) -> Result<(), Failure> {
    target::check(file, true)?;
    let Jobs { lines, round } = study::jobs(spec, out)?;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    folder::write(file, &text)?;
    let (file, count) = (file.display(), lines.len());
    print(match round {
        None => format!("nothing is left to train ({file} is empty): finish the study with --collect"),
        Some((number, all)) => format!(
            "round {number} of {all}: {count} {} in {file}, one command a line; when they have ended, {}",
            if count == 1 { "run" } else { "runs" },
            if number < all { "plan again for the next round" } else { "finish the study with --collect" }
        ),
    });
    Ok(())
}

/// How many of the missing runs are named.
const NAMED: usize = 20;

fn incomplete(missing: &[(String, String)]) -> Failure {
    let count = missing.len();
    let mut message = format!(
        "{} missing, so this is not the whole study:",
        if count == 1 { "1 run is".to_owned() } else { format!("{count} runs are") }
    );
    for (words, line) in missing.iter().take(NAMED) {
        message += &format!("\n{words}\n    {line}");
    }
    if count > NAMED {
        message += &format!("\nand {} more; --plan FILE writes the commands of all", count - NAMED);
    }
    Failure::new(Code::Missing, message)
}
