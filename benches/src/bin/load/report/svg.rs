//! Plots as inline SVG; colours come from the page's style sheet.

use std::fmt::Write;

use super::html::escape;
use crate::stats::{Side, grouped, median, real};

const WIDTH: f64 = 560.0;

/// Percentiles of one server.
#[derive(Debug)]
pub(super) struct LatencyRow {
    pub(super) label: String,
    pub(super) side: Side,
    /// p50, p99, p99.9.
    pub(super) micros: [f64; 3],
}

/// One horizontal bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) side: Side,
    pub(super) value: f64,
    pub(super) shown: String,
}

/// Server and bare of each pair as two dots above one another, their ratio over them.
pub(super) fn pairs(pairs: &[[f64; 2]]) -> String {
    let (left, right, top, bottom) = (56.0, WIDTH - 16.0, 34.0, 216.0);
    let ceiling = round_up(pairs.iter().flatten().copied().fold(0.0, f64::max));
    let y = |value: f64| bottom - value / ceiling * (bottom - top);
    let mut out = open(250.0);
    let decimals = if ceiling < 2.0 { 2 } else { 1 };
    for step in 0..=4 {
        let value = ceiling * f64::from(step) / 4.0;
        let at = y(value);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            at + 4.0,
            grouped(value, decimals),
        );
    }
    let slot = (right - left) / real(pairs.len() as u64);
    for (index, [server, bare]) in pairs.iter().enumerate() {
        let x = left + slot * (real(index as u64) + 0.5);
        let (upper, lower) = (y(server.max(*bare)), y(server.min(*bare)));
        let _ = write!(
            out,
            "<g><line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{upper:.1}\" y2=\"{lower:.1}\"/>\
             <circle class=\"bare\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"5\"/>\
             <circle class=\"server\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"5\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            y(*bare),
            y(*server),
            bottom + 18.0,
            index + 1,
        );
        if *bare > 0.0 {
            let _ = write!(
                out,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">×{:.2}</text>",
                upper - 12.0,
                server / bare,
            );
        }
    }
    let ratios: Vec<_> = pairs
        .iter()
        .filter(|p| p[1] > 0.0)
        .map(|p| p[0] / p[1])
        .collect();
    if let Some(middle) = median(&ratios) {
        let _ = write!(
            out,
            "<text class=\"strong\" x=\"{right}\" y=\"14\" text-anchor=\"end\">\
             median of the ratios: {middle:.2}</text>"
        );
    }
    out + "</svg>"
}

/// Three dots per server on one logarithmic axis.
pub(super) fn latencies(rows: &[LatencyRow]) -> String {
    let (left, right, top, step) = (160.0, WIDTH - 24.0, 26.0, 34.0);
    let bottom = top + step * real(rows.len() as u64);
    let all = || {
        rows.iter()
            .flat_map(|row| row.micros)
            .map(|micros| micros.max(0.1).log10())
    };
    let least = all().fold(f64::INFINITY, f64::min).floor();
    let greatest = all()
        .fold(f64::NEG_INFINITY, f64::max)
        .ceil()
        .max(least + 1.0);
    let x = |micros: f64| {
        left + (micros.max(0.1).log10() - least) / (greatest - least) * (right - left)
    };
    let mut out = open(bottom + 28.0);
    let mut decade = least;
    while decade <= greatest {
        let micros = 10_f64.powf(decade);
        let at = x(micros);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 18.0,
            duration(micros),
        );
        decade += 1.0;
    }
    for (index, row) in rows.iter().enumerate() {
        let y = top + step * (real(index as u64) + 0.5);
        let [p50, p99, p999] = row.micros;
        let side = row.side.name();
        let _ = write!(
            out,
            "<g><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <line class=\"{side} thin\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\"/>",
            left - 12.0,
            y + 4.0,
            escape(&row.label),
            x(p50),
            x(p999),
        );
        for (value, radius) in [(p50, 6.0), (p99, 4.5), (p999, 3.0)] {
            let _ = write!(
                out,
                "<circle class=\"{side}\" cx=\"{:.1}\" cy=\"{y}\" r=\"{radius}\"><title>{}</title></circle>",
                x(value),
                duration(value),
            );
        }
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            f64::midpoint(x(p50), x(p999)).clamp(left + 60.0, right - 60.0),
            y - 9.0,
            [p50, p99, p999].map(duration).join(" · "),
        );
    }
    out + "</svg>"
}

/// Horizontal bars with their values.
pub(super) fn bars(rows: &[Bar]) -> String {
    let (left, right, top, step) = (160.0, WIDTH - 100.0, 6.0, 26.0);
    let longest = rows
        .iter()
        .map(|bar| bar.value)
        .fold(0.0, f64::max)
        .max(f64::MIN_POSITIVE);
    let mut out = open(top + step * real(rows.len() as u64) + 6.0);
    let mut last = "";
    for (index, bar) in rows.iter().enumerate() {
        let y = top + step * real(index as u64);
        let width = (bar.value / longest).clamp(0.0, 1.0) * (right - left);
        if bar.label != last {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 12.0,
                y + 17.0,
                escape(&bar.label),
            );
        }
        last = &bar.label;
        let _ = write!(
            out,
            "<rect class=\"bar {}\" x=\"{left}\" y=\"{:.1}\" width=\"{:.1}\" height=\"18\" rx=\"3\"/>\
             <text class=\"strong\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            bar.side.name(),
            y + 4.0,
            width.max(1.0),
            left + width + 8.0,
            y + 17.0,
            escape(&bar.shown),
        );
    }
    out + "</svg>"
}

fn open(height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">")
}

/// The next of 1, 2, 2.5, 4, 5, 8 or 10 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0];
    steps
        .iter()
        .map(|step| step * power)
        .find(|step| *step >= value)
        .unwrap_or(10.0 * power)
}

/// Microseconds in the unit people would say.
fn duration(micros: f64) -> String {
    let (value, unit) = match micros {
        _ if micros < 1_000.0 => (micros, "µs"),
        _ if micros < 1_000_000.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let decimals = usize::from(value < 9.95 && value.fract() > 0.05);
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers() {
        for (value, end) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (2.3, 2.5),
            (7.7, 8.0),
            (0.31, 0.4),
            (81.0, 100.0),
        ] {
            assert!((round_up(value) - end).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(100.0), "100 µs");
        assert_eq!(duration(2_512.0), "2.5 ms");
        assert_eq!(duration(10_000_000.0), "10 s");
    }

    #[test]
    fn a_bare_of_zero_draws_no_ratio() {
        let plot = pairs(&[[1.0, 0.0]]);
        assert!(!plot.contains("NaN") && !plot.contains("inf") && !plot.contains('×'));
    }
}
