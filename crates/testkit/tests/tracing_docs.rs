//! `docs/tracing.md` names everything that is logged, and nothing else: its tables are compared with the
//! macros in the sources.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// Target, level, message or name of a span, fields.
type Row = (String, String, String, String);

const CRATES: [&str; 4] = ["connection", "pool", "server", "wire"];

fn documented() -> BTreeSet<Row> {
    include_str!("../../../docs/tracing.md")
        .lines()
        .filter(|line| line.starts_with("| `switchboard_"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let plain = |cell: &str| cell.replace('`', "");
            (
                plain(cells[1]),
                plain(cells[2]),
                plain(cells[3]),
                plain(cells[4]),
            )
        })
        .collect()
}

#[test]
fn the_docs_name_all_that_is_logged() {
    let mut rows = BTreeSet::new();
    for name in CRATES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(name)
            .join("src");
        for file in sources(&root) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            let target = target(name, file.strip_prefix(&root).unwrap());
            rows.extend(
                logged(code)
                    .into_iter()
                    .map(|(level, message, fields)| (target.clone(), level, message, fields)),
            );
        }
    }
    let documented = documented();
    let missing: Vec<_> = rows.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&rows).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "the docs miss {missing:#?}\nand should not have {stale:#?}"
    );
    assert!(rows.len() > 40);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The module's path, which is the target of what it logs.
fn target(name: &str, file: &Path) -> String {
    let mut target = format!("switchboard_{name}");
    let modules = file.with_extension("");
    for part in modules.iter().map(|part| part.to_str().unwrap()) {
        if part != "mod" && part != "lib" {
            target.extend(["::", part]);
        }
    }
    target
}

/// Level, message and fields of each macro.
fn logged(code: &str) -> Vec<(String, String, String)> {
    let start = Regex::new(r"\b(error|warn|info|debug|trace|debug_span)!\(").unwrap();
    let all = start.captures_iter(code).map(|found| {
        let kind = &found[1];
        let arguments = arguments(&code[found.get(0).unwrap().end()..]);
        let (mut message, mut fields) = (String::new(), Vec::new());
        for argument in arguments {
            if let Some(text) = argument.strip_prefix('"') {
                message = text.trim_end_matches('"').to_string();
            } else if !argument.starts_with("parent:") {
                let name = argument.split('=').next().unwrap();
                fields.push(name.trim().trim_start_matches(['%', '?']).to_owned());
            }
        }
        let level = match kind.strip_suffix("_span") {
            Some(level) => format!("{level} span"),
            None => kind.to_owned(),
        };
        (level, message, fields.join(", "))
    });
    all.collect()
}

/// What stands between commas up to the closing bracket.
fn arguments(code: &str) -> Vec<String> {
    let (mut depth, mut quoted) = (0, false);
    let mut all = vec![String::new()];
    for letter in code.chars() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        all.last_mut().unwrap().push(letter);
    }
    all.iter()
        .map(|argument| argument.trim().to_owned())
        .filter(|argument| !argument.is_empty())
        .collect()
}
