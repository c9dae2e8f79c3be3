//! The scenarios, and the rule by which they are measured: server, bare, server, bare, in pairs.

mod churn;
mod echo;
mod fan;
mod idle;
mod stalled;
mod storm;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Options;
use crate::client::{Dialect, Fleet};
use crate::gauge::{Gauge, Interval, Reading};
use crate::process::{Cores, Server};
use crate::report::Journal;
use crate::stats::{Metric, Run, Side, Values, real};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Broadcast,
    Rooms,
    Echo,
    Idle,
    Churn,
    Storm,
    Stalled,
}

impl Scenario {
    /// Every scenario, cheapest insight first.
    pub(crate) const ALL: [Self; 7] = [
        Self::Broadcast,
        Self::Rooms,
        Self::Echo,
        Self::Idle,
        Self::Churn,
        Self::Storm,
        Self::Stalled,
    ];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Rooms => "rooms",
            Self::Echo => "echo",
            Self::Idle => "idle",
            Self::Churn => "churn",
            Self::Storm => "storm",
            Self::Stalled => "stalled",
        }
    }

    /// What its figures mean, in one sentence.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::Broadcast => {
                "One client triggers, every client receives. CPU is per delivery; latency runs from \
                 the trigger written to the frame read."
            }
            Self::Rooms => {
                "One client triggers, the members of one room receive; triggers go round all rooms. \
                 CPU is per delivery."
            }
            Self::Echo => {
                "Every client keeps messages outstanding and is answered each. CPU is per message; \
                 latency includes the wait behind all other clients."
            }
            Self::Idle => {
                "Growth of server memory per quiet connection, before and after each exchanged one \
                 message of 64 KiB."
            }
            Self::Churn => "Connect, handshake, close. CPU is per connection.",
            Self::Storm => {
                "All clients connect at once. Latency runs from the first SYN to the answered \
                 handshake; CPU is per connection."
            }
            Self::Stalled => {
                "A broadcast with one client that never reads, beside one without. Messages \
                 have 4 KiB or more, to fill the kernel's buffers soon. CPU is per delivery."
            }
        }
    }

    fn default_pairs(self) -> u32 {
        match self {
            Self::Idle | Self::Storm | Self::Stalled => 3,
            _ => 7,
        }
    }

    fn default_connections(self) -> usize {
        match self {
            Self::Broadcast | Self::Rooms | Self::Stalled => 1_000,
            Self::Echo => 100,
            Self::Idle | Self::Storm => 10_000,
            Self::Churn => 5_000,
        }
    }

    fn variants(self, options: &Options) -> Vec<Variant> {
        match self {
            Self::Broadcast | Self::Rooms => options
                .in_flight
                .iter()
                .map(|&k| Variant::InFlight(k))
                .collect(),
            Self::Echo => vec![Variant::Outstanding(1), Variant::Outstanding(16)],
            Self::Idle | Self::Churn | Self::Storm => vec![Variant::Only],
            Self::Stalled => vec![Variant::AllRead, Variant::OneStalled],
        }
    }

    /// Whether instructions and system calls can be told per operation.
    fn counts_operations(self) -> bool {
        matches!(
            self,
            Self::Broadcast | Self::Rooms | Self::Echo | Self::Churn
        )
    }
}

/// One column of a scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Variant {
    Only,
    InFlight(usize),
    Outstanding(usize),
    AllRead,
    OneStalled,
}

impl Variant {
    fn label(self) -> String {
        match self {
            Self::Only => String::new(),
            Self::InFlight(count) => format!("{count} in flight"),
            Self::Outstanding(count) => format!("{count} outstanding"),
            Self::AllRead => "all read".into(),
            Self::OneStalled => "one never reads".into(),
        }
    }
}

/// One measurement to be made.
#[derive(Debug)]
struct Job<'a> {
    options: &'a Options,
    cores: Cores,
    stop: &'a Arc<AtomicBool>,
    scenario: Scenario,
    variant: Variant,
    side: Side,
    gauge: Gauge,
}

impl Job<'_> {
    fn connections(&self) -> usize {
        self.options
            .connections
            .unwrap_or(self.scenario.default_connections())
    }

    fn dialect(&self) -> Dialect {
        match self.side {
            Side::Server => self.options.mode,
            Side::Bare => self.options.bare_mode,
        }
    }

    fn payload(&self) -> usize {
        match self.scenario {
            Scenario::Stalled => self.options.payload.max(stalled::PAYLOAD),
            _ => self.options.payload,
        }
    }

    /// Operations in the measured interval; fewer where the gauge slows the server down.
    fn operations(&self) -> u64 {
        match self.gauge {
            Gauge::Clock | Gauge::Instructions => self.options.deliveries,
            Gauge::Syscalls => self.options.deliveries.min(50_000),
        }
    }

    fn start(&self) -> anyhow::Result<(Server, Fleet)> {
        let program = match self.side {
            Side::Server => &self.options.server,
            Side::Bare => &self.options.bare,
        };
        let mut arguments = vec!["--mode".to_owned(), self.dialect().name().to_owned()];
        if let Some(workers) = self.options.workers {
            arguments.extend(["--workers".to_owned(), workers.to_string()]);
        }
        if self.side == Side::Server {
            arguments.extend(self.options.server_arguments.iter().cloned());
        }
        let wrapper = self.gauge.wrapper(&self.options.out);
        let server = Server::start(program, &wrapper, &arguments, self.cores)?;
        let fleet = Fleet::new(server.address(), self.dialect(), self.stop)?;
        Ok((server, fleet))
    }

    fn begin(&self, server: &Server) -> anyhow::Result<Interval> {
        let label = self.variant.label().replace(' ', "-");
        let (scenario, side) = (self.scenario.name(), self.side.name());
        let name = format!("{scenario}.{label}.{side}.{}", self.dialect().name());
        self.gauge.begin(server.pid(), &self.options.out, &name)
    }

    fn measure(&self) -> anyhow::Result<Values> {
        match self.scenario {
            Scenario::Broadcast | Scenario::Rooms => fan::measure(self),
            Scenario::Echo => echo::measure(self),
            Scenario::Idle => idle::measure(self),
            Scenario::Churn => churn::measure(self),
            Scenario::Storm => storm::measure(self),
            Scenario::Stalled => stalled::measure(self),
        }
    }
}

/// Measures everything the options ask for; what was measured before an error stays in `journal`.
pub(crate) fn run(
    options: &Options,
    cores: Cores,
    stop: &Arc<AtomicBool>,
    journal: &mut Journal,
) -> anyhow::Result<()> {
    let mut gauges = vec![Gauge::Clock];
    for (wanted, gauge) in [
        (options.instructions, Gauge::Instructions),
        (options.syscalls, Gauge::Syscalls),
    ] {
        match gauge.missing().filter(|_| wanted) {
            Some(tool) => eprintln!("{gauge:?} are not counted: {tool} is not installed"),
            None if wanted => gauges.push(gauge),
            None => {}
        }
    }
    let mut jobs = Vec::new();
    for &scenario in &options.scenarios {
        for variant in scenario.variants(options) {
            for &gauge in gauges
                .iter()
                .filter(|g| **g == Gauge::Clock || scenario.counts_operations())
            {
                let pairs = match gauge {
                    Gauge::Clock => options.pairs.unwrap_or(scenario.default_pairs()),
                    Gauge::Instructions | Gauge::Syscalls => 1,
                };
                for pair in 1..=pairs {
                    for side in [Side::Server, Side::Bare] {
                        let job = Job {
                            options,
                            cores,
                            stop,
                            scenario,
                            variant,
                            side,
                            gauge,
                        };
                        jobs.push((pair, job));
                    }
                }
            }
        }
    }
    let bar = ProgressBar::new(jobs.len() as u64);
    let style = "{bar:32.cyan/black.bright} {pos}/{len} {elapsed} (left {eta})  {msg}";
    bar.set_style(ProgressStyle::with_template(style).context("progress style")?);
    for (pair, job) in jobs {
        let (scenario, variant, side) = (job.scenario, job.variant.label(), job.side);
        let what = format!("{} {variant} {} {pair}", scenario.name(), side.name());
        bar.set_message(what.clone());
        let values = job.measure().with_context(|| what)?;
        let (connections, payload) = (job.connections(), job.payload());
        let mode = job.dialect().name();
        journal.add(Run {
            scenario,
            variant,
            side,
            mode,
            pair,
            connections,
            payload,
            values,
        })?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// A histogram of nanoseconds up to a minute.
fn histogram() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).context("histogram")
}

/// The values every gauge gives, per operation.
fn per_operation(reading: &Reading, operations: u64) -> Values {
    let operations = real(operations.max(1));
    let mut values = Vec::new();
    if let Some(cpu) = reading.cpu {
        values.push((Metric::Cpu, cpu.as_secs_f64() * 1e6 / operations));
        values.push((Metric::Rate, operations / reading.elapsed.as_secs_f64()));
    }
    let counts = [
        (Metric::Switches, reading.switches),
        (Metric::Instructions, reading.instructions),
        (Metric::Syscalls, reading.syscalls),
    ];
    for (metric, count) in counts {
        values.extend(count.map(|count| (metric, real(count) / operations)));
    }
    values
}

/// Percentiles, where the clock was not disturbed by a tool.
fn latencies(gauge: Gauge, latency: &Histogram<u64>) -> Values {
    if gauge != Gauge::Clock || latency.is_empty() {
        return Vec::new();
    }
    let micros = |quantile| real(latency.value_at_quantile(quantile)) / 1e3;
    vec![
        (Metric::LatencyP50, micros(0.5)),
        (Metric::LatencyP99, micros(0.99)),
        (Metric::LatencyP999, micros(0.999)),
    ]
}
