//! Colours and type of the figures.

/// Series colours before they repeat; each has a dash of its own.
pub(super) const SERIES: usize = 8;

/// Stroke dashes, so that series differ without colour.
pub(super) const DASHES: [&str; SERIES] = ["", "7 3", "2 3", "9 3 2 3", "5 2 1 2 1 2", "12 4", "1 2", "4 4"];

/// The variables, shared by figures and pages. Series colours have a contrast
/// of at least 4.5 to the paper, light or dark.
pub(crate) const COLOURS: &str = "\
{--paper:#fff;--ink:#1c2128;--soft:#57606a;--rule:#d5dbe1;--panel:#f5f7f9;\
--s0:#0a5cc2;--s1:#b04a06;--s2:#10713e;--s3:#7a3bb5;--s4:#bd1f39;--s5:#08707e;--s6:#6d5f00;--s7:#5b6470}";

/// As [`COLOURS`], on dark paper.
pub(crate) const COLOURS_DARK: &str = "\
{--paper:#14181d;--ink:#e4e8ec;--soft:#a2acb6;--rule:#363d46;--panel:#1c2127;\
--s0:#6cb0ff;--s1:#ffa657;--s2:#5fd38a;--s3:#c79bff;--s4:#ff8f8f;--s5:#56d4dd;--s6:#e0c740;--s7:#aab4c0}";

/// Rules of a figure. They hang on `.cp`, so a page with many figures needs
/// them once.
pub(crate) const RULES: &str = "\
.cp{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;max-width:100%;height:auto}\
.cp text{fill:var(--ink)}.cp .soft{fill:var(--soft)}.cp .tiny{font-size:10px}.cp .head{font-weight:600;font-size:13px}\
.cp .inv{fill:var(--paper)}.cp .num{font-variant-numeric:tabular-nums}\
.cp .grid{stroke:var(--rule);fill:none}.cp .axis{stroke:var(--soft);fill:none}\
.cp .mark{stroke:var(--soft);stroke-dasharray:3 3;fill:none}\
.cp .curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:butt}\
.cp .band{stroke:none;fill-opacity:.16}.cp .whisker{stroke-width:1.6;fill:none}.cp .bar{fill-opacity:.55}\
.cp .c0{--c:var(--s0)}.cp .c1{--c:var(--s1)}.cp .c2{--c:var(--s2)}.cp .c3{--c:var(--s3)}\
.cp .c4{--c:var(--s4)}.cp .c5{--c:var(--s5)}.cp .c6{--c:var(--s6)}.cp .c7{--c:var(--s7)}\
.cp .line{stroke:var(--c)}.cp .fill{fill:var(--c)}";
