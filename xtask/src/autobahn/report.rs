//! The suite's report: which cases ran, and what it thinks of each.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::AGENT;

/// How many cases each section has, so that a run that broke off cannot pass.
const CASES: [(u32, usize); 9] = [
    (1, 16),
    (2, 11),
    (3, 7),
    (4, 10),
    (5, 20),
    (6, 145),
    (7, 37),
    (9, 54),
    (10, 1),
];

#[derive(Debug, Default)]
pub(crate) struct Report {
    sections: BTreeMap<u32, Section>,
    /// Cases that are neither OK nor informational, and sections with cases missing.
    problems: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Section {
    ok: usize,
    informational: usize,
    non_strict: usize,
    failed: usize,
}

impl Section {
    fn total(&self) -> usize {
        self.ok + self.informational + self.non_strict + self.failed
    }
}

impl Report {
    pub(crate) fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Reads `index.json`. `asked` are the patterns of the cases that should have run.
pub(crate) fn parse(index: &str, asked: &[String]) -> Result<Report, String> {
    let index: Value = serde_json::from_str(index).map_err(|error| format!("report: {error}"))?;
    let cases = index[AGENT]
        .as_object()
        .ok_or("no case ran; is the server there?")?;
    let mut report = Report::default();
    let mut cases: Vec<_> = cases.iter().collect();
    cases.sort_by_key(|(id, _)| numbers(id));
    for (id, case) in cases {
        let number = *numbers(id)
            .first()
            .ok_or_else(|| format!("`{id}` is no case"))?;
        let section = report.sections.entry(number).or_default();
        let text = |key: &str| case[key].as_str().unwrap_or("MISSING").to_owned();
        let (behavior, close) = (text("behavior"), text("behaviorClose"));
        *match worst(&behavior, &close) {
            Verdict::Ok => &mut section.ok,
            Verdict::Informational => &mut section.informational,
            Verdict::NonStrict => &mut section.non_strict,
            Verdict::Failed => &mut section.failed,
        } += 1;
        if worst(&behavior, &close) >= Verdict::NonStrict {
            report
                .problems
                .push(format!("{id}: {behavior}, close {close}"));
        }
    }
    for pattern in asked {
        if let Some(problem) = missing(&report, pattern) {
            report.problems.push(problem);
        }
    }
    Ok(report)
}

/// From best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Ok,
    Informational,
    NonStrict,
    Failed,
}

fn worst(behavior: &str, close: &str) -> Verdict {
    let verdict = |text: &str| match text {
        "OK" => Verdict::Ok,
        "INFORMATIONAL" => Verdict::Informational,
        "NON-STRICT" => Verdict::NonStrict,
        _ => Verdict::Failed,
    };
    verdict(behavior).max(verdict(close))
}

/// What is wrong with the number of cases that ran for one pattern.
fn missing(report: &Report, pattern: &str) -> Option<String> {
    let number = *numbers(pattern).first()?;
    let ran = report.sections.get(&number).map_or(0, Section::total);
    let whole = pattern == format!("{number}.*");
    let wanted = CASES
        .iter()
        .find(|(section, _)| *section == number)
        .filter(|_| whole);
    match wanted {
        Some((_, wanted)) if ran < *wanted => {
            Some(format!("{pattern}: only {ran} of {wanted} cases ran"))
        }
        _ if ran == 0 => Some(format!("{pattern}: no case ran")),
        _ => None,
    }
}

/// `6.4.1` → 6, 4, 1: the order people expect. Stars are left out.
fn numbers(id: &str) -> Vec<u32> {
    id.split('.').filter_map(|part| part.parse().ok()).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>8}{:>8}{:>8}{:>12}{:>8}",
            "section", "ok", "info", "non-strict", "failed"
        )?;
        let mut total = Section::default();
        for (number, section) in &self.sections {
            row(f, &number.to_string(), section)?;
            total.ok += section.ok;
            total.informational += section.informational;
            total.non_strict += section.non_strict;
            total.failed += section.failed;
        }
        row(f, "all", &total)?;
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
        }
        let verdict = if self.passed() { "passed" } else { "FAILED" };
        writeln!(f, "autobahn: {verdict}, {} cases", total.total())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, section: &Section) -> fmt::Result {
    let Section {
        ok,
        informational,
        non_strict,
        failed,
    } = section;
    writeln!(
        f,
        "{name:>8}{ok:>8}{informational:>8}{non_strict:>12}{failed:>8}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(cases: &[(&str, &str, &str)], asked: &[&str]) -> Report {
        let cases: serde_json::Map<_, _> = cases
            .iter()
            .map(|(id, behavior, close)| {
                (
                    (*id).to_owned(),
                    json!({ "behavior": behavior, "behaviorClose": close }),
                )
            })
            .collect();
        let asked: Vec<_> = asked.iter().map(|&pattern| pattern.to_owned()).collect();
        parse(&json!({ AGENT: cases }).to_string(), &asked).unwrap()
    }

    #[test]
    fn ok_and_informational_pass() {
        let report = report(
            &[
                ("10.1.1", "OK", "OK"),
                ("7.1.6", "INFORMATIONAL", "INFORMATIONAL"),
            ],
            &["10.*"],
        );
        assert!(report.passed());
        assert!(report.to_string().ends_with("autobahn: passed, 2 cases\n"));
    }

    #[test]
    fn anything_else_fails() {
        for (behavior, close) in [
            ("NON-STRICT", "OK"),
            ("FAILED", "OK"),
            ("OK", "WRONG CODE"),
            ("OK", "UNCLEAN"),
        ] {
            let report = report(&[("10.1.1", behavior, close)], &["10.*"]);
            assert_eq!(
                report.problems,
                [format!("10.1.1: {behavior}, close {close}")]
            );
        }
    }

    #[test]
    fn a_run_that_broke_off_fails() {
        let cut = report(&[("1.1.1", "OK", "OK")], &["1.*", "2.1"]);
        assert_eq!(
            cut.problems,
            ["1.*: only 1 of 16 cases ran", "2.1: no case ran"]
        );
        assert!(report(&[("1.1.1", "OK", "OK")], &["1.1.*"]).passed());
    }

    #[test]
    fn a_report_about_nobody_is_an_error() {
        assert!(parse("{}", &[]).is_err());
        assert!(parse("not json", &[]).is_err());
    }
}
