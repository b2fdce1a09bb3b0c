//! The report, from sound runs and from hostile ones. Run with
//! `COUNTERPOINT_PICTURES=folder` to get the pages and look at them.

mod fold;
mod page;
mod runs;
mod verdict;
