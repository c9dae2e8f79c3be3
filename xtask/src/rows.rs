//! `cargo xtask rows`: each acceptance row that is due has a test, and no test claims a row that
//! does not exist.
//!
//! The rows stand in `docs/seeds.md` ([`table`]); a test claims one by its name, `c16_…` for row
//! C16 ([`scan`]). Rows of capabilities to come are `later` and only counted.

mod scan;
mod table;

use std::collections::BTreeMap;
use std::fs;

use crate::repo::root;
use crate::{Outcome, not_run};
use scan::Test;
use table::{Row, Status};

/// The acceptance rows, in the repository.
const TABLE: &str = "docs/seeds.md";

/// Where tests that claim rows are. This crate's own tests talk about such names and claim nothing.
const PLACES: &[&str] = &["crates", "examples", "benches", "tests-node"];

pub(crate) fn run(words: &[String]) -> Outcome {
    let list = match words {
        [] => false,
        [word] if word == "--list" => true,
        _ => return not_run("rows takes no words but --list"),
    };
    let rows = fs::read_to_string(root().join(TABLE))
        .map_err(|error| error.to_string())
        .and_then(|text| table::parse(&text));
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => return not_run(&format!("{TABLE}: {error}")),
    };
    let mut tests = Vec::new();
    for place in PLACES {
        scan::tests_under(&root(), place.as_ref(), &mut tests);
    }
    let report = compare(&rows, &tests);
    if list {
        for row in &rows {
            println!(
                "{:<4} {:<6} {}",
                row.id.to_string(),
                row.status.to_string(),
                row.what
            );
            for test in tests.iter().filter(|test| test.row == row.id) {
                println!("            {} ({})", test.name, test.place);
            }
        }
    }
    for problem in &report.problems {
        println!("rows: {problem}");
    }
    println!("{}", report.summary);
    if report.problems.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed
    }
}

#[derive(Debug)]
struct Report {
    problems: Vec<String>,
    summary: String,
}

fn compare(rows: &[Row], tests: &[Test]) -> Report {
    let mut tests_of = BTreeMap::new();
    let mut problems = Vec::new();
    for test in tests {
        if rows.iter().any(|row| row.id == test.row) {
            // An ignored test proves nothing.
            *tests_of.entry(test.row).or_insert(0) += usize::from(!test.ignored);
        } else {
            problems.push(format!(
                "{} ({}) names row {}, which {TABLE} does not have",
                test.name, test.place, test.row
            ));
        }
    }
    let has_test = |row: &&Row| tests_of.get(&row.id).is_some_and(|count| *count > 0);
    let (due, later): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.status == Status::Due);
    for row in due.iter().filter(|row| !has_test(row)) {
        let start = row.id.test_prefix();
        problems.push(format!("{} has no test `{start}…`: {}", row.id, row.what));
    }
    let summary = format!(
        "rows: {} of {} due have tests ({} tests in all), {} later",
        due.iter().filter(|row| has_test(row)).count(),
        due.len(),
        tests.len(),
        later.len(),
    );
    Report { problems, summary }
}

#[cfg(test)]
mod tests {
    use super::*;
    use table::RowId;

    fn row(id: &str, status: Status) -> Row {
        Row {
            id: RowId::parse(id).unwrap(),
            what: "holds".into(),
            status,
        }
    }

    fn test(row: &str, ignored: bool) -> Test {
        let row = RowId::parse(row).unwrap();
        let name = format!("{}works", row.test_prefix());
        Test {
            row,
            name,
            place: "a.rs:1".into(),
            ignored,
        }
    }

    #[test]
    fn a_due_row_without_a_test_is_a_problem() {
        let rows = [
            row("C1", Status::Due),
            row("C16", Status::Due),
            row("S1", Status::Later),
        ];
        let report = compare(&rows, &[test("C16", false)]);
        assert_eq!(report.problems, ["C1 has no test `c1_…`: holds"]);
        assert_eq!(
            report.summary,
            "rows: 1 of 2 due have tests (1 tests in all), 1 later"
        );
    }

    #[test]
    fn an_ignored_test_covers_nothing() {
        let report = compare(&[row("C1", Status::Due)], &[test("C1", true)]);
        assert_eq!(report.problems.len(), 1);
    }

    #[test]
    fn a_test_of_an_unknown_row_is_a_problem() {
        let report = compare(
            &[row("C1", Status::Due)],
            &[test("C1", false), test("C99", false)],
        );
        assert_eq!(report.problems.len(), 1);
        assert!(report.problems[0].contains("names row C99"));
    }

    #[test]
    fn a_later_row_may_have_tests_already() {
        let report = compare(&[row("S1", Status::Later)], &[test("S1", false)]);
        assert!(report.problems.is_empty());
    }

    #[test]
    fn the_committed_table_is_well_formed() {
        let text = fs::read_to_string(root().join(TABLE)).unwrap();
        let rows = table::parse(&text).unwrap();
        let count = |series| rows.iter().filter(|row| row.id.series == series).count();
        assert_eq!(['C', 'S', 'N', 'E', 'I'].map(count), [18, 20, 20, 12, 19]);
    }
}
