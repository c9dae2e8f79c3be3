//! The names of tests, read from source text.
//!
//! Not a parser: it follows attributes line by line, which is what rustfmt's layout allows, and
//! needs nothing compiled.

use std::fs;
use std::path::Path;

use super::table::RowId;

/// A test that claims a row by its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) row: RowId,
    pub(crate) name: String,
    /// File and line.
    pub(crate) place: String,
    pub(crate) ignored: bool,
}

/// Adds the tests in the files under `root/place`, in order of their paths.
pub(crate) fn tests_under(root: &Path, place: &Path, tests: &mut Vec<Test>) {
    let Ok(entries) = fs::read_dir(root.join(place)) else {
        return;
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    names.sort();
    for name in names {
        let path = place.join(&name);
        if root.join(&path).is_dir() {
            if name != "node_modules" && name != "target" {
                tests_under(root, &path, tests);
            }
            continue;
        }
        let names_in = match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => rust_tests,
            Some("mjs" | "js") => node_tests,
            _ => continue,
        };
        let Ok(text) = fs::read_to_string(root.join(&path)) else {
            continue;
        };
        for found in names_in(&text) {
            if let Some(row) = RowId::of_test(found.name) {
                tests.push(Test {
                    row,
                    name: found.name.to_owned(),
                    place: format!("{}:{}", path.display(), found.line),
                    ignored: found.ignored,
                });
            }
        }
    }
}

/// A function that a test runner would run.
#[derive(Debug, PartialEq, Eq)]
struct Found<'a> {
    name: &'a str,
    line: usize,
    ignored: bool,
}

/// Functions under `#[test]`, `#[tokio::test(…)]` and other attributes whose path ends in `test`.
fn rust_tests(text: &str) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let (mut marked, mut ignored) = (false, false);
    // Open brackets of an attribute that goes on over several lines.
    let mut open = 0;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if open == 0 {
            if line.is_empty() || line.starts_with("//") {
                continue;
            }
            if let Some(attribute) = line.strip_prefix("#[") {
                marked |= is_test(attribute);
                ignored |= path_of(attribute) == "ignore";
            } else {
                if marked && let Some(name) = function_name(line) {
                    found.push(Found {
                        name,
                        line: index + 1,
                        ignored,
                    });
                }
                (marked, ignored) = (false, false);
                continue;
            }
        }
        let count = |bracket| line.matches(bracket).count();
        open = (open + count('[')).saturating_sub(count(']'));
    }
    found
}

fn is_test(attribute: &str) -> bool {
    path_of(attribute).rsplit("::").next() == Some("test")
}

/// `tokio::test(start_paused = true)]` → `tokio::test`.
fn path_of(attribute: &str) -> &str {
    let end = attribute.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    &attribute[..end.unwrap_or(attribute.len())]
}

/// `async fn c1_sends() {` → `c1_sends`.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let modifiers = ["pub", "async", "const", "unsafe"];
    if !before
        .split_whitespace()
        .all(|word| modifiers.contains(&word))
    {
        return None;
    }
    let name = path_of(after);
    (!name.is_empty()).then_some(name)
}

/// `test('c1_…', …)` and `it("c1_…", …)` of Node's test runner.
fn node_tests(text: &str) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        for call in ["test(", "it(", "test.skip(", "it.skip("] {
            let Some(rest) = line.strip_prefix(call) else {
                continue;
            };
            let Some(quote) = rest.chars().next().filter(|c| "'\"`".contains(*c)) else {
                continue;
            };
            if let Some((name, _)) = rest[1..].split_once(quote) {
                found.push(Found {
                    name,
                    line: index + 1,
                    ignored: call.ends_with("skip("),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: Vec<Found<'_>>) -> Vec<&str> {
        found.into_iter().map(|found| found.name).collect()
    }

    #[test]
    fn finds_plain_async_and_property_tests() {
        let text = "
            #[test]
            fn c1_plain() {}

            /// Documented.
            #[tokio::test(flavor = \"multi_thread\", worker_threads = 2)]
            async fn c2_async() {}

            proptest! {
                #[test]
                fn c3_property(bytes in any::<Vec<u8>>()) {}
            }

            #[tokio::test(
                start_paused = true,
            )]
            // A word on why.
            #[should_panic(expected = \"[x]\")]
            async fn c4_long_attribute() {}
        ";
        assert_eq!(
            names(rust_tests(text)),
            ["c1_plain", "c2_async", "c3_property", "c4_long_attribute"]
        );
    }

    #[test]
    fn leaves_out_helpers_comments_and_other_attributes() {
        let text = "
            fn c1_helper() {}
            // #[test]
            // fn c2_commented() {}
            #[cfg(test)]
            fn c3_helper() {}
            #[test]
            mod not_a_function {}
            fn c4_helper() {}
        ";
        assert!(rust_tests(text).is_empty());
    }

    #[test]
    fn sees_what_is_ignored() {
        let text = "#[test]\n#[ignore = \"slow\"]\nfn c1_slow() {}\n#[test]\nfn c1_fast() {}";
        let ignored: Vec<_> = rust_tests(text)
            .into_iter()
            .map(|found| found.ignored)
            .collect();
        assert_eq!(ignored, [true, false]);
    }

    #[test]
    fn finds_node_tests() {
        let text =
            "test('c5_text', async () => {});\n  it.skip(\"c6_wraps\", () => {});\nfit(`c7`);";
        let found = node_tests(text);
        assert!(found[1].ignored);
        assert_eq!(names(found), ["c5_text", "c6_wraps"]);
    }
}
