//! The table of acceptance rows: Markdown with the columns row, what must hold, capability, status.

use std::collections::BTreeSet;
use std::fmt;

/// The series of rows, one for each of the five systems we learn from.
const SERIES: [char; 5] = ['C', 'S', 'N', 'E', 'I'];

/// The name of a row, such as C16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowId {
    pub(crate) series: char,
    number: u32,
}

impl RowId {
    /// Reads `C16`; upper case only, no leading zero.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let series = chars.next().filter(|series| SERIES.contains(series))?;
        let digits = chars.as_str();
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        Some(Self {
            series,
            number: digits.parse().ok().filter(|_| plain)?,
        })
    }

    /// The row that a test's name claims: `c16_drains_slowly` → C16; `c1_` is not `c16_`.
    pub(crate) fn of_test(name: &str) -> Option<Self> {
        let (id, _) = name.split_once('_')?;
        let lower = id.starts_with(|first: char| first.is_ascii_lowercase());
        Self::parse(&id.to_ascii_uppercase()).filter(|_| lower)
    }

    /// How the name of a test of this row starts.
    pub(crate) fn test_prefix(self) -> String {
        format!("{self}_").to_ascii_lowercase()
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.series, self.number)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Must have a test now.
    Due,
    /// Belongs to a capability to come.
    Later,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Due => "due",
            Self::Later => "later",
        })
    }
}

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: RowId,
    pub(crate) what: String,
    pub(crate) status: Status,
}

/// Reads every table line whose first cell is a row's name.
pub(crate) fn parse(markdown: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, line) in markdown.lines().enumerate() {
        let Some((id, cells)) = cells(line) else {
            continue;
        };
        let line = index + 1;
        let [_, what, _, status] = cells[..] else {
            return Err(format!("line {line}: {id} wants four cells"));
        };
        let status = match status {
            "due" => Status::Due,
            "later" => Status::Later,
            _ => {
                return Err(format!(
                    "line {line}: status of {id} is neither due nor later"
                ));
            }
        };
        if !seen.insert(id) {
            return Err(format!("line {line}: {id} stands twice"));
        }
        rows.push(Row {
            id,
            what: what.to_owned(),
            status,
        });
    }
    if rows.is_empty() {
        Err("no rows".to_owned())
    } else {
        Ok(rows)
    }
}

fn cells(line: &str) -> Option<(RowId, Vec<&str>)> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    Some((RowId::parse(cells.first()?)?, cells))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_is_not_another() {
        let c1 = RowId::parse("C1");
        assert_eq!(RowId::of_test("c1_sends"), c1);
        assert_ne!(RowId::of_test("c16_drains"), c1);
        assert_eq!(RowId::of_test("c16_drains"), RowId::parse("C16"));
    }

    #[test]
    fn names_that_claim_no_row() {
        for name in [
            "sends",
            "c1",
            "c_1",
            "e2e_chat",
            "C1_sends",
            "x1_sends",
            "c01_sends",
            "c1x_a",
        ] {
            assert_eq!(RowId::of_test(name), None, "{name}");
        }
    }

    #[test]
    fn reads_rows_and_nothing_else() {
        let text = "# Rows\n| row | what | capability | status |\n|---|---|---|---|\n\
                    | C1 | one close | data path | due |\n| S20 | an error | state | later |\n";
        let rows = parse(text).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].id.to_string(), "C1");
        assert_eq!(rows[0].what, "one close");
        assert_eq!(
            (rows[0].status, rows[1].status),
            (Status::Due, Status::Later)
        );
    }

    #[test]
    fn refuses_a_broken_table() {
        assert!(parse("no table").is_err());
        assert!(
            parse("| C1 | a | b | soon |")
                .unwrap_err()
                .contains("neither")
        );
        assert!(
            parse("| C1 | a | due |")
                .unwrap_err()
                .contains("four cells")
        );
        assert!(
            parse("| C1 | a | b | due |\n| C1 | a | b | due |")
                .unwrap_err()
                .contains("twice")
        );
    }
}
