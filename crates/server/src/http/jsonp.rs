//! Polling by script tags: answers are calls of a function, posts are forms.

use super::query::decode;

/// Most pairs of a form that are looked at, as in Node.
const MAX_PAIRS: usize = 1_000;

/// The callback that a request names by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jsonp {
    /// Digits only.
    index: String,
}

impl Jsonp {
    /// Of the query's `j`. Only its digits count, so that nobody writes scripts into an answer.
    pub(crate) fn new(j: &str) -> Self {
        Self {
            index: j.chars().filter(char::is_ascii_digit).collect(),
        }
    }

    /// The script that hands `body` to the callback.
    pub(crate) fn wrap(&self, body: &str) -> String {
        // JSON lets these two stand as they are; older JavaScript takes them for ends of lines.
        let json = serde_json::Value::from(body)
            .to_string()
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
        format!("___eio[{}]({json});", self.index)
    }

    /// The packets in a posted form: its field `d`.
    ///
    /// `None` when there is no such field, or more than one: Node reads nothing then, and answers `ok`.
    pub(crate) fn unwrap(body: &str) -> Option<String> {
        let mut found = None;
        for pair in body.split('&').take(MAX_PAIRS) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if decode(name) == "d" && found.replace(value).is_some() {
                return None;
            }
        }
        Some(unescape(&decode(found?)))
    }
}

/// Browsers turn newlines of a form into CRLF, so clients write `\n` for a newline and `\\n` for the
/// two characters.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\n") {
        let before = &rest[..at];
        if let Some(before) = before.strip_suffix('\\') {
            out.push_str(before);
            out.push_str("\\n");
        } else {
            out.push_str(before);
            out.push('\n');
        }
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_are_calls() {
        assert_eq!(
            Jsonp::new("3").wrap(r#"0{"sid":"a"}"#),
            r#"___eio[3]("0{\"sid\":\"a\"}");"#
        );
        assert_eq!(
            Jsonp::new("0").wrap("4a\u{2028}b\u{2029}\u{1e}4\n\u{1}</script>é"),
            "___eio[0](\"4a\\u2028b\\u2029\\u001e4\\n\\u0001</script>é\");"
        );
    }

    #[test]
    fn only_digits_reach_the_answer() {
        assert_eq!(Jsonp::new("1];alert(2)//").wrap("6"), r#"___eio[12]("6");"#);
        assert_eq!(Jsonp::new("").wrap("6"), r#"___eio[]("6");"#);
    }

    #[test]
    fn posts_are_forms() {
        let read = |body: &str| Jsonp::unwrap(body);
        assert_eq!(read("d=40").as_deref(), Some("40"));
        assert_eq!(read("x=1&d=4a%20b+c").as_deref(), Some("4a b c"));
        assert_eq!(read("d=").as_deref(), Some(""));
        assert_eq!(read("40"), None);
        assert_eq!(read("d=1&d=2"), None);
        assert_eq!(read(""), None);
    }

    /// Checked against the two regular expressions of `engine.io`.
    #[test]
    fn newlines() {
        assert_eq!(unescape(r"a\nb"), "a\nb");
        assert_eq!(unescape(r"a\\nb"), r"a\nb");
        assert_eq!(unescape(r"\n\\n\n"), "\n\\n\n");
        assert_eq!(unescape(r"a\tb\"), r"a\tb\");
        assert_eq!(unescape(r"a\\\nb"), r"a\\nb");
    }

    proptest! {
        #[test]
        fn what_a_client_escapes_comes_back(text in "[a-z\n=&+% ]{0,40}") {
            let escaped = text.replace("\\n", "\\\\n").replace('\n', "\\n");
            let form = percent_encoding::utf8_percent_encode(
                &escaped, percent_encoding::NON_ALPHANUMERIC);
            prop_assert_eq!(Jsonp::unwrap(&format!("d={form}")), Some(text));
        }

        #[test]
        fn any_body_is_read(body in ".{0,100}") {
            let _ = Jsonp::unwrap(&body);
        }
    }
}
