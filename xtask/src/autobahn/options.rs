//! The words after `cargo xtask autobahn`.

/// The sections that concern us; 8 and 11 do not exist.
const SECTIONS: [&str; 9] = [
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*",
];

/// Limits and performance: most of the time of a run.
const SLOW: &str = "9.*";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Patterns of cases, such as `9.*` or `6.4.1`.
    pub(crate) cases: Vec<String>,
    /// A server that runs already, instead of the example.
    pub(crate) url: Option<String>,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let (mut quick, mut cases, mut url) = (false, None, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => quick = true,
                "--cases" => {
                    let list = words.next().ok_or("--cases wants a list such as 1.*,2.*")?;
                    let list: Vec<_> = list.split(',').map(|case| case.trim().to_owned()).collect();
                    if !list.iter().all(|case| is_pattern(case)) {
                        return Err(format!("`{}` is no list of cases", list.join(",")));
                    }
                    cases = Some(list);
                }
                "--url" => url = Some(words.next().ok_or("--url wants an address")?.clone()),
                _ => return Err(format!("autobahn does not know `{word}`")),
            }
        }
        let all = || SECTIONS.iter().map(|&section| section.to_owned()).collect();
        let mut cases: Vec<String> = cases.unwrap_or_else(all);
        if quick {
            cases.retain(|case| case != SLOW);
        }
        Ok(Self { cases, url })
    }
}

/// Digits, dots and stars, beginning with a digit.
fn is_pattern(case: &str) -> bool {
    case.starts_with(|first: char| first.is_ascii_digit())
        && case
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        Options::parse(
            &text
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn all_sections_unless_told() {
        assert_eq!(parse("").unwrap().cases, SECTIONS);
        let quick = parse("--quick").unwrap().cases;
        assert!(quick.contains(&"10.*".to_owned()) && !quick.contains(&"9.*".to_owned()));
    }

    #[test]
    fn named_cases_and_server() {
        let options = parse("--cases 1.*,6.4.1 --url ws://127.0.0.1:9001").unwrap();
        assert_eq!(options.cases, ["1.*", "6.4.1"]);
        assert_eq!(options.url.as_deref(), Some("ws://127.0.0.1:9001"));
    }

    #[test]
    fn refuses_nonsense() {
        for words in ["--cases", "--cases all", "--cases 1.*,", "--url", "quick"] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
