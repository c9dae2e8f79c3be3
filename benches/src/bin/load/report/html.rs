//! One self-contained page: no script, no network, light and dark.

use std::fmt::Write;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{figures, svg};
use crate::cli::Options;
use crate::scenario::Scenario;
use crate::stats::{Metric, Run, Side, Summary};

const STYLE: &str = include_str!("style.css");

/// What was measured, where and when.
#[derive(Debug)]
pub(super) struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// Asks the options and the machine.
    pub(super) fn gather(options: &Options) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| {
                Some(
                    line.strip_prefix("model name")?
                        .split_once(':')?
                        .1
                        .trim()
                        .to_owned(),
                )
            })
            .unwrap_or_else(|| "unknown CPU".into());
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.as_secs());
        let server = options
            .server
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let workers = options
            .workers
            .map_or("its default".into(), |count| count.to_string());
        Self(vec![
            (
                "Server",
                format!("{server}, mode {}, workers: {workers}", options.mode.name()),
            ),
            ("Measured", format!("{} UTC", date_and_time(seconds))),
            ("Payload", format!("{} bytes", options.payload)),
            (
                "Machine",
                format!("{cpu}; the servers on one core, the clients on another"),
            ),
            (
                "Kernel",
                format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
            ),
        ])
    }
}

/// The whole page.
pub(super) fn page(facts: &Facts, runs: &[Run], summaries: &[Summary]) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Switchboard benchmarks</title>\
         <style>{STYLE}</style></head><body><main><header><h1>Switchboard benchmarks</h1>\
         <p class=\"lead\">Each measurement of the server alternates with the same measurement of a \
         bare <code>write</code> loop on the same core. Trust the ratios first.</p><dl>"
    );
    for (name, value) in &facts.0 {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
    }
    page.push_str(
        "</dl><p class=\"key\"><span class=\"dot server\"></span>server under test\
         <span class=\"dot bare\"></span>bare write loop</p></header>",
    );
    for scenario in Scenario::ALL {
        let rows: Vec<_> = summaries
            .iter()
            .filter(|row| row.scenario == scenario)
            .collect();
        if !rows.is_empty() {
            let runs: Vec<_> = runs.iter().filter(|run| run.scenario == scenario).collect();
            section(&mut page, scenario, &runs, &rows);
        }
    }
    page.push_str("</main></body></html>\n");
    page
}

fn section(page: &mut String, scenario: Scenario, runs: &[&Run], rows: &[&Summary]) {
    let connections = runs.first().map_or(0, |run| run.connections);
    let _ = write!(
        page,
        "<section><h2>{}</h2><p>{} {} connections.</p><div class=\"plots\">",
        capitalised(scenario.name()),
        scenario.explain(),
        crate::stats::grouped(crate::stats::real(connections as u64), 0),
    );
    let mut variants: Vec<&str> = Vec::new();
    for run in runs {
        if !variants.contains(&run.variant.as_str()) {
            variants.push(&run.variant);
        }
    }
    for variant in &variants {
        if let Some(plot) = pairs_plot(runs, variant) {
            figure(
                page,
                &with_variant("CPU, pair by pair (µs)", variant),
                &plot,
            );
        }
    }
    let latency = latency_rows(rows, &variants);
    if !latency.is_empty() {
        figure(
            page,
            "Latency: p50, p99, p99.9 (log scale)",
            &svg::latencies(&latency),
        );
    }
    let groups: [(&str, &[Metric]); 4] = [
        (
            "Server memory per connection",
            &[Metric::Rss, Metric::Pss, Metric::RssAfter, Metric::PssAfter],
        ),
        ("Growth of server memory", &[Metric::Growth]),
        (
            "User-space instructions per operation",
            &[Metric::Instructions],
        ),
        ("Time until all were connected", &[Metric::AllConnected]),
    ];
    for (title, metrics) in groups {
        let bars = bars(rows, metrics);
        if !bars.is_empty() {
            figure(page, title, &svg::bars(&bars));
        }
    }
    page.push_str(
        "</div><div class=\"scroll\"><table><thead><tr><th>Metric</th><th></th><th>Server</th>\
         <th>Bare</th><th>Ratio</th><th>Ratios of pairs</th></tr></thead><tbody>",
    );
    for row in rows {
        let [server, bare, ratio, spread] = figures(row);
        let fault =
            row.metric.is_fault() && [row.server, row.bare].iter().flatten().any(|v| *v > 0.0);
        let _ = write!(
            page,
            "<tr{}><th scope=\"row\">{}</th><td>{}</td><td>{server}</td><td>{bare}</td>\
             <td class=\"ratio\">{ratio}</td><td>{spread}</td></tr>",
            if fault { " class=\"fault\"" } else { "" },
            row.metric.title(),
            escape(&row.variant),
        );
    }
    page.push_str("</tbody></table></div></section>");
}

fn figure(page: &mut String, title: &str, svg: &str) {
    let _ = write!(
        page,
        "<figure><figcaption>{}</figcaption>{svg}</figure>",
        escape(title)
    );
}

fn pairs_plot(runs: &[&Run], variant: &str) -> Option<String> {
    let cpu = |side: Side, pair: u32| {
        let same = |run: &&&Run| run.variant == variant && run.side == side && run.pair == pair;
        runs.iter()
            .filter(same)
            .find_map(|run| run.value(Metric::Cpu))
    };
    let pairs: Vec<[f64; 2]> = (1..)
        .map_while(|pair| Some([cpu(Side::Server, pair)?, cpu(Side::Bare, pair)?]))
        .collect();
    (!pairs.is_empty()).then(|| svg::pairs(&pairs))
}

fn latency_rows(rows: &[&Summary], variants: &[&str]) -> Vec<svg::LatencyRow> {
    let mut out = Vec::new();
    for variant in variants {
        for side in [Side::Server, Side::Bare] {
            let of = |metric: Metric| {
                let same = |row: &&&Summary| row.variant == *variant && row.metric == metric;
                let row = rows.iter().find(same)?;
                if side == Side::Server {
                    row.server
                } else {
                    row.bare
                }
            };
            let metrics = [Metric::LatencyP50, Metric::LatencyP99, Metric::LatencyP999];
            if let [Some(p50), Some(p99), Some(p999)] = metrics.map(of) {
                let label = if variant.is_empty() {
                    side.name().to_owned()
                } else {
                    format!("{}, {variant}", side.name())
                };
                out.push(svg::LatencyRow {
                    label,
                    side,
                    micros: [p50, p99, p999],
                });
            }
        }
    }
    out
}

fn bars(rows: &[&Summary], metrics: &[Metric]) -> Vec<svg::Bar> {
    let mut out = Vec::new();
    for row in rows.iter().filter(|row| metrics.contains(&row.metric)) {
        for (side, value) in [(Side::Server, row.server), (Side::Bare, row.bare)] {
            out.extend(value.map(|value| svg::Bar {
                label: if row.variant.is_empty() {
                    row.metric.title().to_owned()
                } else {
                    row.variant.clone()
                },
                side,
                value,
                shown: row.metric.show(value),
            }));
        }
    }
    out
}

fn with_variant(title: &str, variant: &str) -> String {
    if variant.is_empty() {
        title.to_owned()
    } else {
        format!("{title}: {variant}")
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Text made safe for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// `2026-03-01 12:34` of a Unix time, by the civil calendar.
fn date_and_time(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Counts from 0000-03-01, so that a leap day ends its year (Hinnant, `civil_from_days`).
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        rest / 3_600,
        rest % 3_600 / 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summarise;
    use crate::stats::tests::run;

    #[test]
    fn dates() {
        assert_eq!(date_and_time(0), "1970-01-01 00:00");
        assert_eq!(date_and_time(951_827_696), "2000-02-29 12:34");
        assert_eq!(date_and_time(1_772_323_199), "2026-02-28 23:59");
    }

    #[test]
    fn the_page_stands_alone_and_is_balanced() {
        let mut runs = Vec::new();
        for pair in 1..=3 {
            for (side, value) in [(Side::Server, 3.0), (Side::Bare, 2.0)] {
                let mut run = run(side, pair, Metric::Cpu, value);
                for metric in [Metric::LatencyP50, Metric::LatencyP99, Metric::LatencyP999] {
                    run.values.push((metric, 100.0 * value));
                }
                run.values.push((Metric::Pss, 1_000.0 * value));
                runs.push(run);
            }
        }
        let facts = Facts(vec![("Server", "<script>".into())]);
        let page = page(&facts, &runs, &summarise(&runs));
        assert!(
            !page.contains("<script") && !page.contains("http://") && !page.contains("https://")
        );
        assert!(page.contains("&lt;script&gt;") && page.contains("prefers-color-scheme"));
        assert_eq!(page.matches("<svg").count(), 3);
        for tag in [
            "section", "figure", "svg", "table", "tr", "td", "main", "g", "text",
        ] {
            let opened = page.matches(&format!("<{tag} ")).count()
                + page.matches(&format!("<{tag}>")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
