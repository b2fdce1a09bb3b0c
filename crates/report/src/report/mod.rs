//! The report of one or several runs as a page.
//!
//! Runs are grouped by method; runs of one method differ in seed or fold.
//! Whatever is missing (unfinished runs, one seed, no look at the test split)
//! is said in words where its number would stand.
//!
//! ```
//! use counterpoint_report::report::{Options, RunSummary, report};
//! let page = report(&[RunSummary::named("dgl-0")], &Options::default());
//! assert!(page.summary_text().contains("none has finished"));
//! assert!(page.to_html().starts_with("<!DOCTYPE html>"));
//! ```

mod answers;
mod choices;
mod classes;
mod comparison;
mod control;
mod cost;
mod curves;
mod data;
mod differences;
mod fold;
mod folder;
mod footing;
pub mod measure;
mod method;
mod overview;
mod paired_test;
mod readout;
mod results;
mod run;
mod run_folder;
mod settings;
mod summary;
mod unimodal;
mod warnings;
mod wording;

pub use folder::{FolderError, Records, read};
pub use run::RunSummary;

use crate::{html::Page, record::Study, statistics::Resampling};
use comparison::Contests;
use overview::Overview;

/// What the report should weigh.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Title of the page.
    pub title: String,
    /// Name of the score the methods are judged by.
    pub metric: String,
    /// Method the others are compared with; by default `joint`, else the first.
    pub baseline: Option<String>,
    /// How intervals are drawn.
    pub resampling: Resampling,
    /// What studies say of the runs: leaks, and what was tried.
    pub studies: Vec<Study>,
    /// Last line of the page, e.g. program, version and date.
    pub footer: String,
}

impl Default for Options {
    /// Accuracy, 95 % intervals.
    fn default() -> Self {
        Self {
            title: "Counterpoint report".into(),
            metric: "accuracy".into(),
            baseline: None,
            resampling: Resampling { draws: 4000, ..Resampling::default() },
            studies: Vec::new(),
            footer: String::new(),
        }
    }
}

/// The report of these runs.
///
/// It takes any runs, also none. The page's tables and figures can be written
/// to files of their own ([`Page::tables`], [`Page::figures`]).
pub fn report(runs: &[RunSummary], options: &Options) -> Page {
    let overview = Overview::new(runs, options);
    let mut page = Page::new(&options.title);
    page.footer.clone_from(&options.footer);
    // Bootstraps over samples take the longest of all: once.
    let contests = Contests::of(&overview, readout::controls(&overview));
    page.summary = summary::blocks(&overview, &contests);
    page.sections = [
        results::section(&overview, &contests),
        warnings::section(&overview, &contests),
        comparison::section(&overview, &contests),
        curves::accuracy(&overview),
        curves::diagnostics(&overview),
        curves::strategies(&overview),
        readout::section(&overview, &contests.readouts),
        classes::areas(&overview),
        classes::confusions(&overview),
        classes::gains(&overview),
        choices::section(&overview),
        cost::section(&overview),
        data::section(&overview),
        differences::configuration(&overview),
        differences::surroundings(&overview),
    ]
    .into_iter()
    .flatten()
    .collect();
    page
}
