//! Names and numbers made fit to show.
//!
//! Names come from configurations and data sets, so they may hold anything:
//! escape sequences that repaint a terminal, marks that reverse the reading
//! direction, ten thousand letters. Every output passes them through here
//! before its own escaping.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text with what steers a screen replaced: line breaks and tabs become
/// spaces, other control and direction marks become U+FFFD.
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            c if steers(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// As [`visible`], for text of many lines: line breaks and tabs stay.
pub fn visible_lines(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| if steers(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || matches!(u32::from(c), 0xfffe | 0xffff)
}

/// The text for element content and quoted attributes of HTML, SVG and XML.
///
/// ```
/// use counterpoint_report::text::escape;
/// assert_eq!(escape("<b onclick='x'>&\u{0}"), "&lt;b onclick=&#39;x&#39;&gt;&amp;\u{fffd}");
/// ```
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible_lines(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Columns the text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The visible text, cut to at most `columns` with `…` at the end when it is longer.
///
/// ```
/// use counterpoint_report::text::shorten;
/// assert_eq!(shorten("spectrogram", 5), "spec…");
/// assert_eq!(shorten("日本語", 5), "日本…"); // two columns each
/// ```
pub fn shorten(text: &str, columns: usize) -> String {
    let text = visible(text);
    if width(&text) <= columns {
        return text;
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        short.push(c);
    }
    short + "…"
}

/// The visible text in lines of at most `columns`, broken at spaces where it
/// can be; what `most` lines do not hold is cut.
///
/// ```
/// use counterpoint_report::text::wrapped;
/// assert_eq!(wrapped("joint, every rate times 4", 12, 3), ["joint, every", "rate times 4"]);
/// assert_eq!(wrapped("spectrograms", 5, 2), ["spect", "rogr…"]);
/// ```
pub fn wrapped(text: &str, columns: usize, most: usize) -> Vec<String> {
    let text = visible(text);
    let mut rest = text.trim();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        if lines.len() + 1 >= most || width(rest) <= columns {
            lines.push(shorten(rest, columns));
            break;
        }
        let (mut end, mut used, mut space) = (0, 0, None);
        for (at, c) in rest.char_indices() {
            used += c.width().unwrap_or(0);
            if c == ' ' {
                space = Some(at);
            }
            if used > columns {
                break;
            }
            end = at + c.len_utf8();
        }
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let cut = space.unwrap_or(end).max(first);
        lines.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    lines
}

/// The row of the fused scores without a readout, where the row `fused` is of the readout.
pub const PLAIN: &str = "plain:fused";

/// The title of a row of scores: `fused`, which the files call it, is the fused output.
///
/// ```
/// use counterpoint_report::text::row_title;
/// assert_eq!([row_title("fused"), row_title("audio")], ["fused", "audio"]);
/// ```
pub fn row_title(row: &str) -> String {
    match row {
        "fused" => "fused".into(),
        PLAIN => "fused, without the readout".into(),
        other => shorten(other, 40),
    }
}

/// A number with a fixed count of decimals, without the `-0.0` that rounding
/// makes, and with an exponent where digits would fill the page.
///
/// ```
/// use counterpoint_report::text::decimal;
/// assert_eq!(decimal(-0.04, 1), "0.0");
/// assert_eq!(decimal(1e300, 1), "1.0e300");
/// assert_eq!(decimal(f64::NAN, 1), "NaN");
/// ```
pub fn decimal(value: f64, decimals: usize) -> String {
    if value.is_finite() && value.abs() >= 1e9 {
        return format!("{value:.decimals$e}");
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        _ => text,
    }
}

/// The text with every path of a machine cut down to its last part.
///
/// Reports are passed on, and where a folder lies is nobody's business.
///
/// ```
/// use counterpoint_report::text::without_paths;
/// assert_eq!(without_paths("root = \"/home/me/my clips/a.csv\" # 1/2"), "root = \"…/a.csv\" # 1/2");
/// assert_eq!(without_paths("cannot read C:\\data\\x.wav: gone"), "cannot read …/x.wav: gone");
/// ```
pub fn without_paths(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let free = before.is_none_or(|b: char| b.is_whitespace() || "\"'`(=,:[<".contains(b));
        let rooted = rest.starts_with('/')
            && rest[1..].starts_with(|c: char| c.is_alphanumeric() || "._~".contains(c));
        let drive = c.is_ascii_alphabetic()
            && (rest[1..].starts_with(":\\") || rest[1..].starts_with(":/"))
            && !rest[1..].starts_with("://");
        if free && (rooted || drive) {
            // In quotes a path may hold spaces.
            let quote = before.filter(|b| "\"'`".contains(*b)).filter(|q| rest.contains(*q));
            let ends = |c: char| match quote {
                Some(quote) => c == quote,
                None => c.is_whitespace() || "\"'`),;]>".contains(c),
            };
            let path = rest.split(ends).next().unwrap_or(rest);
            let bare = path.trim_end_matches([':', '.', '/', '\\']);
            let last = bare.rsplit(['/', '\\']).next().unwrap_or(bare);
            short.push_str("…/");
            short.push_str(last);
            rest = &rest[bare.len()..];
            before = last.chars().last();
        } else {
            short.push(c);
            rest = &rest[c.len_utf8()..];
            before = Some(c);
        }
    }
    short
}

/// The first `most` names and how many more there are.
///
/// ```
/// use counterpoint_report::text::listed;
/// assert_eq!(listed(&["audio", "image", "text"], 2), "audio, image and 1 more");
/// ```
pub fn listed(names: &[&str], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| shorten(name, 80)).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A number of things: `1 run`, `3 runs`.
pub fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
