//! The style of a page.

use crate::plot::{COLOURS, COLOURS_DARK, RULES};

/// The style sheet: light and dark by the reader's preference, light on paper.
pub(super) fn sheet() -> String {
    format!(
        ":root{COLOURS}@media screen and (prefers-color-scheme:dark){{:root{COLOURS_DARK}}}\
         :root{{color-scheme:light dark}}{LAYOUT}{RULES}{PRINT}"
    )
}

const LAYOUT: &str = "\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);\
font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\
.wrap{max-width:76rem;margin:0 auto;padding:1.5rem}\
h1{font-size:1.8rem;line-height:1.2;margin:.2em 0 .5em;overflow-wrap:anywhere}\
h2{font-size:1.3rem;margin:2.2em 0 .6em;padding-top:.6em;border-top:1px solid var(--rule);overflow-wrap:anywhere}\
h3{font-size:1.05rem;margin:1.6em 0 .4em;overflow-wrap:anywhere}\
p,li,figcaption,summary{max-width:46rem;overflow-wrap:anywhere}\
a{color:var(--s0)}a:focus-visible,summary:focus-visible,.scroll:focus-visible,pre:focus-visible{outline:3px solid var(--s1);outline-offset:2px}\
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem;z-index:1}\
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:0;font-size:.92rem}\
.lead{background:var(--panel);border-left:4px solid var(--s0);padding:.6rem 1.2rem;margin:1rem 0}\
.lead p,.lead ul{margin:.35rem 0}.lead li{margin:.15rem 0}.lead h2{border:0;margin:.2rem 0 .5rem;padding:0;font-size:1.05rem;color:var(--soft)}\
.lead h3{font-size:1rem;margin:1.1rem 0 .2rem}.headline{font-size:1.25rem;line-height:1.4;font-weight:600;max-width:54rem}\
.warn{border-left:4px solid var(--s1);background:var(--panel);padding:.5rem 1rem;margin:.8rem 0;max-width:48rem;overflow-wrap:anywhere}\
.warn p{margin:.2rem 0}\
.scroll{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse;font-size:.92rem}\
caption{text-align:left;font-weight:600;padding:.2rem 0 .5rem}\
caption span{display:block;position:sticky;left:0;width:fit-content;min-width:min(18rem,calc(100vw - 3rem));max-width:min(46rem,calc(100vw - 3rem));overflow-wrap:anywhere}\
th,td{padding:.32rem .8rem;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top;max-width:34rem;overflow-wrap:break-word}\
thead th{border-bottom:2px solid var(--soft);font-weight:600}tbody th{font-weight:500;min-width:9rem}\
.num{text-align:right;font-variant-numeric:tabular-nums}td.num,.ends{white-space:nowrap}.missing{color:var(--soft)}.note{color:var(--soft);font-size:.88rem;margin:.3rem 0 1rem}\
.figures{display:flex;flex-wrap:wrap;gap:1.2rem 2rem;align-items:flex-start}figure{margin:.6rem 0;max-width:100%;min-width:0}\
figcaption{font-weight:600;font-size:.95rem;margin-bottom:.3rem}\
details{margin:.8rem 0}summary{cursor:pointer;color:var(--s0)}\
pre{background:var(--panel);border:1px solid var(--rule);padding:.8rem 1rem;overflow:auto;max-height:30rem;font:13px/1.45 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}\
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}\
footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--rule);color:var(--soft);font-size:.88rem}";

const PRINT: &str = "\
@media print{nav,.skip{display:none}.wrap{max-width:none;padding:0}body{font-size:11pt}\
h2,h3{break-after:avoid}figure,tr,.warn,.scroll{break-inside:avoid}.figures{display:block}.scroll,pre{overflow:visible;max-height:none}\
pre{white-space:pre-wrap;overflow-wrap:anywhere}details::details-content{content-visibility:visible;block-size:auto}}";
