//! Error messages and exit codes.

use std::error::Error as _;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use counterpoint::{Error, ErrorKind};
use counterpoint_data::DataError;
use counterpoint_report::record::RecordError;

use crate::output;
use crate::screen;

/// How a command ended when it did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The command line does not make sense.
    Usage = 2,
    /// The configuration is impossible.
    Config = 3,
    /// The data cannot be used.
    Data = 4,
    /// Training diverged.
    Diverged = 5,
    /// Stopped from outside; can be continued.
    Interrupted = 6,
    /// A run folder or checkpoint cannot be read or written.
    Files = 7,
    /// Another process works in the folder.
    InUse = 8,
    /// Runs of a study are missing.
    Missing = 9,
    /// Our fault.
    Bug = 70,
}

impl Code {
    /// The code of a number; of an unknown one a bug.
    pub fn of(number: i32) -> Self {
        let refused = [Self::Usage, Self::Config, Self::Data];
        let ended = [Self::Diverged, Self::Interrupted, Self::Files, Self::InUse, Self::Missing];
        let all = refused.into_iter().chain(ended);
        all.into_iter().find(|code| *code as i32 == number).unwrap_or(Self::Bug)
    }
}

/// A message for the user with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    /// A failure from its parts.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The same failure with its place in front.
    pub fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// The same failure with words after it.
    pub fn and(mut self, more: &str) -> Self {
        self.message += more;
        self
    }

    /// Its code and its message.
    pub fn parts(&self) -> (Code, &str) {
        (self.code, &self.message)
    }

    /// Whether configuration or data are at fault, and not what happened since.
    pub fn refuses(&self) -> bool {
        matches!(self.code, Code::Usage | Code::Config | Code::Data)
    }

    /// A file operation that failed.
    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(Code::Files, format!("cannot {action} {}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The message and those of its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // A batch that cannot be read carries the data error that says why.
        if let Some(data) = error.source().and_then(|s| s.downcast_ref::<DataError>()) {
            return Self::new(code_of(data), chain(data));
        }
        let code = match error.kind() {
            ErrorKind::Config | ErrorKind::Shape => Code::Config,
            ErrorKind::Data => Code::Data,
            ErrorKind::Diverged => Code::Diverged,
            ErrorKind::Checkpoint | ErrorKind::Io => Code::Files,
            ErrorKind::Interrupted => Code::Interrupted,
            _ => Code::Bug,
        };
        Self::new(code, chain(&error))
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::new(code_of(&error), chain(&error))
    }
}

fn code_of(error: &DataError) -> Code {
    match error.kind() {
        counterpoint_data::ErrorKind::Config => Code::Config,
        _ => Code::Data,
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::new(Code::Files, chain(&error))
    }
}

/// Prints a failure and turns it into an exit code.
///
/// Results that standard output could not take are a failure of an otherwise
/// successful command; a reader that closed its end is none.
pub fn code(result: Result<(), Failure>) -> ExitCode {
    let lost = |fault: std::io::Error| {
        Failure::new(
            Code::Files,
            format!("cannot write the result to standard output: {fault}; everything else is complete"),
        )
    };
    match result.and_then(|()| output::fault().map_or(Ok(()), |fault| Err(lost(fault)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::say(format_args!("error: {failure}"));
            ExitCode::from(failure.code as u8)
        }
    }
}

/// Prints clap's answer: help and version on standard output, a wrong command
/// line on standard error.
pub fn answer(answer: &clap::Error) -> ExitCode {
    let written = answer.print();
    if answer.use_stderr() {
        if let Some(hint) = hint(answer) {
            output::say(hint);
        }
        return ExitCode::from(Code::Usage as u8);
    }
    output::note(written);
    code(Ok(()))
}

/// The key of the configuration that somebody meant who gave it as an option.
fn hint(answer: &clap::Error) -> Option<String> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let Some(ContextValue::String(option)) = answer.get(ContextKind::InvalidArg) else { return None };
    let key = match option.as_str() {
        "--lr" | "--learning-rate" => "optimizer.lr",
        "--momentum" => "optimizer.momentum",
        "--weight-decay" => "optimizer.weight_decay",
        "--epochs" => "train.epochs",
        "--seed" => "train.seed",
        "--batch-size" | "--batch_size" => "data.batch_size",
        "--workers" => "data.workers",
        "--alpha" => "strategy.alpha",
        "--strategy" | "--method" => "strategy.name",
        _ => return None,
    };
    (answer.kind() == ErrorKind::UnknownArgument)
        .then(|| format!("\n{option} is a key of the configuration: --set {key}=VALUE"))
}

/// Makes a panic say that it is our fault, and leave with its own code.
pub fn report_panics(leave: fn(Code)) {
    std::panic::set_hook(Box::new(move |info| {
        screen::leave();
        output::say(format_args!(
            "error: this is a bug in counterpoint, please report it with your configuration: {info}"
        ));
        leave(Code::Bug);
        std::process::exit(Code::Bug as i32);
    }));
}
