//! Measured values, and their medians and ratios over pairs of runs.

use serde_json::{Map, Value, json};

use crate::scenario::Scenario;

/// Something measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    Cpu,
    Rate,
    LatencyP50,
    LatencyP99,
    LatencyP999,
    Switches,
    Instructions,
    Syscalls,
    Rss,
    Pss,
    RssAfter,
    PssAfter,
    Growth,
    AllConnected,
    Refused,
    ListenOverflows,
    ListenDrops,
    SlowClosed,
    Lost,
    Duplicated,
    Wrong,
}

impl Metric {
    /// Key in the JSON lines, title and unit in tables, decimals shown.
    fn describe(self) -> (&'static str, &'static str, &'static str, usize) {
        match self {
            Self::Cpu => ("cpuMicrosPerOperation", "CPU", "µs", 3),
            Self::Rate => ("operationsPerSecond", "rate", "/s", 0),
            Self::LatencyP50 => ("latencyP50Micros", "latency p50", "µs", 0),
            Self::LatencyP99 => ("latencyP99Micros", "latency p99", "µs", 0),
            Self::LatencyP999 => ("latencyP999Micros", "latency p99.9", "µs", 0),
            Self::Switches => ("voluntarySwitchesPerOperation", "context switches", "", 4),
            Self::Instructions => ("userInstructionsPerOperation", "user instructions", "", 1),
            Self::Syscalls => ("syscallsPerOperation", "system calls", "", 4),
            Self::Rss => ("rssBytesPerConnection", "RSS per connection", "B", 0),
            Self::Pss => ("pssBytesPerConnection", "PSS per connection", "B", 0),
            Self::RssAfter => ("rssBytesPerConnectionAfterEcho", "RSS after 64 KiB", "B", 0),
            Self::PssAfter => ("pssBytesPerConnectionAfterEcho", "PSS after 64 KiB", "B", 0),
            Self::Growth => ("pssGrowthKib", "PSS growth of the server", "KiB", 0),
            Self::AllConnected => ("allConnectedMillis", "all connected after", "ms", 0),
            Self::Refused => ("refused", "refused", "", 0),
            Self::ListenOverflows => ("listenOverflows", "listen overflows", "", 0),
            Self::ListenDrops => ("listenDrops", "listen drops", "", 0),
            Self::SlowClosed => ("slowConnectionClosed", "stalled client closed", "", 0),
            Self::Lost => ("lost", "lost", "", 0),
            Self::Duplicated => ("duplicated", "duplicated", "", 0),
            Self::Wrong => ("wrong", "wrong", "", 0),
        }
    }

    /// Key in the JSON lines.
    pub(crate) fn key(self) -> &'static str {
        self.describe().0
    }

    /// Title for people.
    pub(crate) fn title(self) -> &'static str {
        self.describe().1
    }

    /// A value with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        let (_, _, unit, decimals) = self.describe();
        let number = grouped(value, decimals);
        if unit.is_empty() {
            number
        } else {
            format!("{number} {unit}")
        }
    }

    /// Whether a ratio to the baseline says anything.
    fn has_ratio(self) -> bool {
        !matches!(
            self,
            // Switches are often so few that their ratio is noise.
            Self::Switches
                | Self::Refused
                | Self::ListenOverflows
                | Self::ListenDrops
                | Self::SlowClosed
                | Self::Growth
                | Self::Lost
                | Self::Duplicated
                | Self::Wrong
        )
    }

    /// Whether anything but zero is a fault of the server.
    pub(crate) fn is_fault(self) -> bool {
        matches!(self, Self::Lost | Self::Duplicated | Self::Wrong)
    }
}

/// Which server a run measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Bare,
}

impl Side {
    /// Its name in output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Bare => "bare",
        }
    }
}

/// The values of one measurement.
pub(crate) type Values = Vec<(Metric, f64)>;

/// One measurement of one server.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) variant: String,
    pub(crate) side: Side,
    /// The protocol spoken.
    pub(crate) mode: &'static str,
    pub(crate) pair: u32,
    pub(crate) connections: usize,
    pub(crate) payload: usize,
    pub(crate) values: Values,
}

impl Run {
    /// The value of `metric`, where it was measured.
    pub(crate) fn value(&self, metric: Metric) -> Option<f64> {
        self.values
            .iter()
            .find(|(measured, _)| *measured == metric)
            .map(|(_, value)| *value)
    }

    /// One line for machines.
    pub(crate) fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("scenario".into(), json!(self.scenario.name()));
        fields.insert("variant".into(), json!(self.variant));
        fields.insert("side".into(), json!(self.side.name()));
        fields.insert("mode".into(), json!(self.mode));
        fields.insert("pair".into(), json!(self.pair));
        fields.insert("connections".into(), json!(self.connections));
        fields.insert("payload".into(), json!(self.payload));
        for (metric, value) in &self.values {
            fields.insert(metric.key().into(), json!(value));
        }
        Value::Object(fields)
    }
}

/// Both servers' medians of one metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) scenario: Scenario,
    pub(crate) variant: String,
    pub(crate) metric: Metric,
    pub(crate) server: Option<f64>,
    pub(crate) bare: Option<f64>,
    /// Median, least and greatest of the ratios of each pair.
    pub(crate) ratio: Option<[f64; 3]>,
}

/// Medians over pairs, in the order in which things were first measured. Faults are summed instead:
/// one lost message in seven runs is one lost message.
pub(crate) fn summarise(runs: &[Run]) -> Vec<Summary> {
    let mut keys: Vec<(Scenario, &str, Metric)> = Vec::new();
    for run in runs {
        for &(metric, _) in &run.values {
            let key = (run.scenario, run.variant.as_str(), metric);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    // Instructions are counted in later runs than times, but belong beside them.
    let rank = |key: &(Scenario, &str, Metric)| {
        keys.iter()
            .position(|other| (other.0, other.1) == (key.0, key.1))
    };
    let mut sorted = keys.clone();
    sorted.sort_by_key(|key| (rank(key), key.2));
    let summary = |(scenario, variant, metric): (Scenario, &str, Metric)| {
        let of = |side: Side| -> Vec<(u32, f64)> {
            let same =
                |run: &&Run| run.scenario == scenario && run.variant == variant && run.side == side;
            let value = |run: &Run| Some((run.pair, run.value(metric)?));
            runs.iter().filter(same).filter_map(value).collect()
        };
        let (server, bare) = (of(Side::Server), of(Side::Bare));
        let ratios: Vec<f64> = server
            .iter()
            .filter_map(|(pair, value)| {
                let (_, one) = bare.iter().find(|(other, _)| other == pair)?;
                (*one > 0.0).then(|| value / one)
            })
            .collect();
        let middle = |values: &[(u32, f64)]| {
            let values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
            if metric.is_fault() && !values.is_empty() {
                return Some(values.iter().sum());
            }
            median(&values)
        };
        Summary {
            scenario,
            variant: variant.to_owned(),
            metric,
            server: middle(&server),
            bare: middle(&bare),
            ratio: median(&ratios)
                .filter(|_| metric.has_ratio())
                .map(|middle| {
                    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
                    let greatest = ratios.iter().copied().fold(0.0, f64::max);
                    [middle, least, greatest]
                }),
        }
    };
    sorted.into_iter().map(summary).collect()
}

/// Lost, duplicated and wrong deliveries over all runs.
pub(crate) fn faults(runs: &[Run]) -> u64 {
    let values = runs.iter().flat_map(|run| &run.values);
    let faults = values.filter(|(metric, value)| metric.is_fault() && *value > 0.0);
    faults.map(|(_, value)| whole(*value)).sum()
}

/// The middle of `values`, or the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper))
}

/// A count as a value.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts here stay far below 2^52"
)]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts that went through `real` come back"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

/// A number with a comma between thousands.
pub(crate) fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{:.decimals$}", value.abs());
    let (digits, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut out = String::new();
    if value < 0.0 && plain.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run of one value, for tests here and of the report.
    pub(crate) fn run(side: Side, pair: u32, metric: Metric, value: f64) -> Run {
        Run {
            scenario: Scenario::Broadcast,
            variant: "1 in flight".into(),
            side,
            mode: "raw",
            pair,
            connections: 10,
            payload: 128,
            values: vec![(metric, value)],
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let mut runs = Vec::new();
        // The machine grew slower from pair to pair; the ratio did not.
        for (pair, noise) in [(1, 1.0), (2, 3.0), (3, 9.0)] {
            runs.push(run(Side::Server, pair, Metric::Cpu, 4.0 * noise));
            runs.push(run(Side::Bare, pair, Metric::Cpu, 2.0 * noise));
        }
        let summaries = summarise(&runs);
        assert_eq!(summaries.len(), 1);
        assert_eq!(summaries[0].server, Some(12.0));
        assert_eq!(summaries[0].bare, Some(6.0));
        assert_eq!(summaries[0].ratio, Some([2.0, 2.0, 2.0]));
    }

    #[test]
    fn faults_are_summed_and_have_no_ratio() {
        let runs: Vec<_> = (1..=7)
            .map(|pair| {
                run(
                    Side::Server,
                    pair,
                    Metric::Lost,
                    if pair == 4 { 2.0 } else { 0.0 },
                )
            })
            .collect();
        let summaries = summarise(&runs);
        assert_eq!(summaries[0].server, Some(2.0));
        assert_eq!(summaries[0].ratio, None);
        assert_eq!(faults(&runs), 2);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(1_234_567.0, 0), "1,234,567");
        assert_eq!(grouped(999.5, 1), "999.5");
        assert_eq!(grouped(-1_000.25, 2), "−1,000.25");
        assert_eq!(grouped(-0.001, 1), "0.0");
        assert_eq!(Metric::Cpu.show(2.5), "2.500 µs");
    }

    #[test]
    fn json_lines_carry_every_value() {
        let line = run(Side::Bare, 2, Metric::Cpu, 1.5).to_json();
        assert_eq!(line["side"], "bare");
        assert_eq!(line["cpuMicrosPerOperation"], 1.5);
    }
}
