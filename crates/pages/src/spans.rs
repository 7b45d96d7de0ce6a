use minijinja::{HtmlEscape, Value};

/// Text whose parts between backticks become `<code>`: everything is escaped first, so the only
/// markup that comes out is ours. A backtick without a partner stays as it is.
pub(crate) fn code_spans(text: &str) -> Value {
    let mut html = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, inside, after)) = next_span(rest) {
        html.push_str(&escaped(before));
        html.push_str("<code>");
        html.push_str(&escaped(inside));
        html.push_str("</code>");
        rest = after;
    }
    html.push_str(&escaped(rest));
    Value::from_safe_string(html)
}

fn next_span(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (inside, after) = rest.split_once('`')?;
    Some((before, inside, after))
}

fn escaped(text: &str) -> String {
    HtmlEscape(text).to_string()
}

/// A path or a name that may go on in the next line after each of its parts.
pub(crate) fn breakable(text: &str) -> Value {
    let mut html = String::with_capacity(text.len() + 32);
    for part in text.split_inclusive(['/', '_']) {
        html.push_str(&escaped(part));
        if part.ends_with(['/', '_']) {
            html.push_str("<wbr>");
        }
    }
    Value::from_safe_string(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_breaks_after_its_parts() {
        assert_eq!(breakable("A_B<c>").to_string(), "A_<wbr>B&lt;c&gt;");
        assert_eq!(breakable("/x").to_string(), "&#x2f;<wbr>x");
    }

    #[test]
    fn only_backticks_become_markup() {
        for (text, html) in [
            ("set `a` to `b`", "set <code>a</code> to <code>b</code>"),
            ("one ` alone", "one ` alone"),
            ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
            ("`a`` <x>", "<code>a</code>` &lt;x&gt;"),
            ("", ""),
        ] {
            assert_eq!(code_spans(text).to_string(), html, "{text}");
        }
    }
}
