//! A page of thumbnails and spectrograms that opens offline.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use counterpoint_data::doctor::{Checkup, Entry, Finding, Sketch};
use counterpoint_report::text::escape;

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#222;background:#fff}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}\
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:14px}\
figure{margin:0;padding:8px;border:1px solid #ccc;border-radius:4px}\
figure.found{border:2px solid #b00020}figure.told{border:2px solid #c77700}\
img{display:block;max-width:100%;height:auto;margin-bottom:4px;image-rendering:pixelated}\
figcaption{font-size:12px;overflow-wrap:anywhere}figure p{margin:0 0 4px;overflow-wrap:anywhere}.why{color:#b00020}.note{color:#8a5200}\
table{border-collapse:collapse}td,th{padding:2px 10px;border-bottom:1px solid #ddd;text-align:right}\
td:first-child,th:first-child{text-align:left}";

/// The page: those with findings first, then others at even distances. Of the test split only samples
/// with findings are shown.
pub fn page(checkup: &Checkup, limit: usize) -> String {
    let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &checkup.findings {
        found.entry(&finding.sample).or_default().push(finding);
    }
    let (flagged, others): (Vec<&Entry>, Vec<&Entry>) =
        checkup.entries.iter().partition(|entry| found.contains_key(entry.id.as_str()));
    let mut flagged = flagged;
    flagged.sort_by_key(|entry| !found[entry.id.as_str()].iter().any(|f| f.fault.fatal()));
    let others: Vec<&Entry> = others.into_iter().filter(|entry| entry.split != "test").collect();
    let shown = flagged.len().min(limit);
    let room = (limit - shown).min(others.len());
    let spread = (0..room).map(|i| others[i * others.len() / room]);

    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Data, looked at</title>\
         <style>{STYLE}</style></head><body>\n<h1>Data, looked at</h1>\n"
    );
    let [train, val, test] = checkup.samples;
    let _ = writeln!(
        page,
        "<p>train {train}, val {val}, test {test} samples; findings: {}, in samples: {}.</p>",
        checkup.findings.len(),
        flagged.len()
    );
    for (leak, words) in crate::leaks::words(&checkup.leaks) {
        let _ = writeln!(page, "<p class=\"{}\">{}</p>", if leak { "why" } else { "note" }, escape(&words));
    }
    if !checkup.classes.is_empty() {
        page += "<details><summary>Classes</summary><table><tr><th>class</th><th>train</th><th>val</th><th>test</th></tr>\n";
        for (class, [train, val, test]) in checkup.classes.iter().zip(&checkup.balance) {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{train}</td><td>{val}</td><td>{test}</td></tr>",
                escape(class)
            );
        }
        page += "</table></details>\n";
    }
    if shown > 0 {
        let _ =
            writeln!(page, "<h2>With findings ({shown} of {})</h2>\n<div class=\"sheet\">", flagged.len());
        flagged.iter().take(limit).for_each(|entry| page += &figure(checkup, entry, &found));
        page += "</div>\n";
    }
    let _ = writeln!(
        page,
        "<h2>Others, at even distances ({room} of {})</h2>\n<div class=\"sheet\">",
        others.len()
    );
    spread.for_each(|entry| page += &figure(checkup, entry, &found));
    page += "</div>\n</body></html>\n";
    page
}

/// One sample.
fn figure(checkup: &Checkup, entry: &Entry, found: &BTreeMap<&str, Vec<&Finding>>) -> String {
    let findings = found.get(entry.id.as_str()).map_or(&[][..], Vec::as_slice);
    let class = match findings {
        [] => "",
        some if some.iter().any(|f| f.fault.fatal()) => " class=\"found\"",
        _ => " class=\"told\"",
    };
    let mut text = format!("<figure{class}>");
    for (modality, sketch) in checkup.sketches(entry) {
        let modality = escape(modality);
        let _ = match sketch {
            Sketch::Picture(png) => {
                write!(text, "<img alt=\"{modality}\" src=\"data:image/png;base64,{}\">", base64(&png))
            }
            Sketch::Text(words) => write!(text, "<p><b>{modality}</b> {}</p>", escape(&words)),
        };
    }
    let label = entry.class.and_then(|class| checkup.classes.get(class)).map_or("", String::as_str);
    let _ = write!(text, "<figcaption><b>{}</b> {} ({})", escape(&entry.id), escape(label), entry.split);
    for finding in findings {
        let class = if finding.fault.fatal() { "why" } else { "note" };
        let _ = write!(
            text,
            "<br><span class=\"{class}\">{}: {}</span>",
            escape(&finding.modality),
            escape(&finding.fault.words())
        );
    }
    text + "</figcaption></figure>\n"
}

/// As pages carry pictures.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize] as char;
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_padded() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        cases.iter().for_each(|(text, code)| assert_eq!(base64(text.as_bytes()), *code));
    }
}
