//! Text that cannot become markup.

use crate::text::visible_lines;

/// The text for element content and quoted attributes of HTML, SVG and XML.
///
/// ```
/// use counterpoint_report::html::escape;
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
