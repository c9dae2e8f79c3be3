//! Results, for machines (JSON lines), for the terminal (a table) and for people (one HTML page).

mod html;
mod svg;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::cli::Options;
use crate::stats::{Run, Summary};

/// Collects runs, and writes each to disk as soon as it is measured.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    runs: Vec<Run>,
}

impl Journal {
    /// Begins `runs.jsonl` in `out`.
    pub(crate) fn create(out: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        let file = File::create(out.join("runs.jsonl")).context("runs.jsonl")?;
        Ok(Self {
            file,
            runs: Vec::new(),
        })
    }

    /// Keeps `run`.
    pub(crate) fn add(&mut self, run: Run) -> anyhow::Result<()> {
        writeln!(self.file, "{}", run.to_json()).context("runs.jsonl")?;
        self.runs.push(run);
        Ok(())
    }

    /// Everything measured.
    pub(crate) fn into_runs(self) -> Vec<Run> {
        self.runs
    }
}

/// Medians and ratios for the terminal.
pub(crate) fn table(summaries: &[Summary]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "scenario",
        "",
        "metric",
        "server",
        "bare",
        "server ÷ bare",
        "of pairs",
    ]);
    let mut last = None;
    for row in summaries {
        let key = (row.scenario, row.variant.as_str());
        let (name, variant) = if last == Some(key) {
            ("", "")
        } else {
            (key.0.name(), key.1)
        };
        last = Some(key);
        let figures = figures(row);
        let mut cells = vec![
            Cell::new(name),
            Cell::new(variant),
            Cell::new(row.metric.title()),
        ];
        cells.extend(figures.map(|figure| Cell::new(figure).set_alignment(CellAlignment::Right)));
        table.add_row(cells);
    }
    table
}

/// Server, bare, ratio and spread of a summary, as text.
fn figures(row: &Summary) -> [String; 4] {
    let show = |value: Option<f64>| value.map_or("–".into(), |value| row.metric.show(value));
    let ratio = row
        .ratio
        .map_or(String::new(), |[middle, _, _]| format!("{middle:.2}"));
    let spread = row.ratio.map_or(String::new(), |[_, least, greatest]| {
        format!("{least:.2}–{greatest:.2}")
    });
    [show(row.server), show(row.bare), ratio, spread]
}

/// Writes the page and returns where it is.
pub(crate) fn write_html(
    options: &Options,
    runs: &[Run],
    summaries: &[Summary],
) -> anyhow::Result<PathBuf> {
    let page = html::page(&html::Facts::gather(options), runs, summaries);
    let path = options.out.join("report.html");
    fs::write(&path, page).with_context(|| path.display().to_string())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use crate::stats::tests::run;
    use crate::stats::{Metric, Side, summarise};

    #[test]
    fn the_table_shows_medians_and_ratio() {
        let runs = [
            run(Side::Server, 1, Metric::Cpu, 3.0),
            run(Side::Bare, 1, Metric::Cpu, 2.0),
        ];
        let text = super::table(&summarise(&runs)).to_string();
        for part in ["broadcast", "1 in flight", "3.000 µs", "2.000 µs", "1.50"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}
