//! `cargo xtask test`: what must hold before a change lands, in one command.
//!
//! Steps run from cheap to dear. All of them run, so that one call shows every failure;
//! `--fail-fast` stops at the first. `--quick` runs the tests alone.

use std::env;
use std::process::Command;

use crate::process::{cargo, find, loudly};
use crate::repo::{root, workspace};
use crate::steps::Steps;
use crate::{Outcome, needs, not_run, rows};

pub(crate) fn run(words: &[String]) -> Outcome {
    if let Some((first, rest)) = words.split_first()
        && first == "--quick"
    {
        return quick(rest);
    }
    match words {
        [] => full(false),
        [word] if word == "--fail-fast" => full(true),
        _ => not_run("test takes --fail-fast, or --quick and words for the test runner"),
    }
}

fn quick(words: &[String]) -> Outcome {
    if !needs::ensure_all(false) {
        return not_run("the tests need what is missing above");
    }
    let mut tests = tests(words);
    if loudly(&mut tests) {
        Outcome::Passed
    } else {
        Outcome::Failed
    }
}

fn full(fail_fast: bool) -> Outcome {
    let mut steps = Steps::new("xtask test", fail_fast);
    steps.step("needs", "find or install what the tests need", || {
        needs::ensure_all(false)
    });
    steps.step("format", "cargo fmt --check", || {
        loudly(in_root(&mut cargo()).args(["fmt", "--all", "--check"]))
    });
    steps.step("rows", "each acceptance row has a test", || {
        rows::run(&[]) == Outcome::Passed
    });
    steps.step("lints", "cargo clippy, warnings denied", || {
        let mut clippy = cargo();
        in_root(&mut clippy).args(["clippy", "--workspace", "--all-targets", "--all-features"]);
        loudly(clippy.args(["--", "-D", "warnings"]))
    });
    let runner = if find("cargo-nextest").is_some() {
        "cargo nextest run, all features"
    } else {
        "cargo test, all features (cargo-nextest is not installed)"
    };
    steps.step("tests", runner, || loudly(&mut tests(&[])));
    steps.step("doctests", "cargo test --doc, all features", || {
        loudly(in_root(&mut cargo()).args(["test", "--doc", "--workspace", "--all-features"]))
    });
    steps.step("docs", "cargo doc, warnings denied", || {
        let mut doc = cargo();
        in_root(&mut doc).env("RUSTDOCFLAGS", "-D warnings");
        loudly(doc.args(["doc", "--workspace", "--no-deps", "--all-features"]))
    });
    steps.step("examples", "cargo build --examples", || {
        loudly(in_root(&mut cargo()).args(["build", "--workspace", "--examples", "--all-features"]))
    });
    steps.step(
        "crates alone",
        "cargo check of each crate, default and single features",
        alone,
    );
    steps.finish()
}

/// All tests but doctests, by nextest where it is installed; a fresh machine is not made to wait
/// for it to compile.
fn tests(words: &[String]) -> Command {
    let mut command = cargo();
    in_root(&mut command);
    if find("cargo-nextest").is_some() {
        let profile = if env::var_os("CI").is_some() {
            "ci"
        } else {
            "default"
        };
        command.args(["nextest", "run", "--all-features", "--profile", profile]);
    } else {
        // `--tests` is everything but doctests, which have a step of their own.
        command.args(["test", "--all-features", "--no-fail-fast", "--tests"]);
    }
    if !words.iter().any(|word| word == "-p" || word == "--package") {
        command.arg("--workspace");
    }
    // Scripts that drive a page need not look for the browser again.
    if let Some(chromium) = needs::installed_chromium() {
        command.env("CHROMIUM", chromium);
    }
    command.args(words);
    command
}

/// Checks each crate by itself: a feature that only another crate switches on is found here.
fn alone() -> bool {
    let workspace = match workspace() {
        Ok(workspace) => workspace,
        Err(error) => {
            eprintln!("xtask: {error}");
            return false;
        }
    };
    let check = |words: &[&str]| {
        let passed = loudly(in_root(&mut cargo()).args(["check", "--quiet"]).args(words));
        println!(
            "   {} {}",
            if passed { "ok    " } else { "FAILED" },
            words.join(" ")
        );
        passed
    };
    let mut passed = true;
    for package in &workspace.crates {
        passed &= check(&["-p", &package.name]);
        for feature in &package.features {
            passed &= check(&[
                "-p",
                &package.name,
                "--no-default-features",
                "--features",
                feature,
            ]);
        }
    }
    passed
}

fn in_root(command: &mut Command) -> &mut Command {
    command.current_dir(root())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(command: &Command) -> Vec<String> {
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_a_package_is_named() {
        let all = words_of(&super::tests(&[]));
        assert!(all.contains(&"--workspace".to_owned()));
        assert!(all.contains(&"--all-features".to_owned()));
        let one = words_of(&super::tests(&["-p".into(), "xtask".into(), "rows".into()]));
        assert!(!one.contains(&"--workspace".to_owned()));
        assert!(one.ends_with(&["-p".into(), "xtask".into(), "rows".into()]));
    }

    #[test]
    fn unknown_words_are_not_run() {
        assert_eq!(run(&["--quik".to_owned()]), Outcome::NotRun);
    }
}
