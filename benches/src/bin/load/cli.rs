//! The command line, and the options it becomes.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};

use crate::client::Dialect;
use crate::scenario::Scenario;

/// Most triggers outstanding at once; the client tracks them in one machine word.
pub(crate) const MAX_IN_FLIGHT: usize = 64;

#[derive(Parser)]
#[command(about = "Measures a bench server beside a bare write loop", version)]
pub(crate) struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value = "broadcast")]
    scenarios: Vec<Choice>,
    /// The server under test [default: bench-server next to this program].
    #[arg(long)]
    server: Option<PathBuf>,
    /// One more argument for the server under test; may be repeated.
    #[arg(long, allow_hyphen_values = true)]
    server_arg: Vec<String>,
    /// The baseline [default: bare-server next to this program].
    #[arg(long)]
    bare: Option<PathBuf>,
    /// Connections, for every scenario [default: 1,000; echo 100, idle and storm 10,000, churn 5,000].
    #[arg(long)]
    connections: Option<usize>,
    /// Bytes in a message.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(32..=1_000_000))]
    payload: u32,
    /// Triggers kept outstanding in `broadcast` and `rooms`.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    in_flight: Vec<usize>,
    /// Members of each room in `rooms`.
    #[arg(long, default_value_t = 50)]
    room_size: usize,
    /// Measurements of each server, alternating [default: 7; idle, storm and stalled 3].
    #[arg(long)]
    pairs: Option<u32>,
    /// Deliveries (or echoed messages) in one measurement.
    #[arg(long, default_value_t = 200_000)]
    deliveries: u64,
    /// The protocol spoken with the server under test.
    #[arg(long, value_enum, default_value = "raw")]
    mode: Dialect,
    /// The protocol spoken with the baseline.
    #[arg(long, value_enum, default_value = "raw")]
    bare_mode: Dialect,
    /// Worker threads asked of the server under test; it keeps its one core all the same.
    #[arg(long)]
    workers: Option<usize>,
    /// Also count user-space instructions, in one more run of each kind under valgrind.
    #[arg(long)]
    instructions: bool,
    /// Also count system calls, in one more run of each kind under strace.
    #[arg(long)]
    syscalls: bool,
    /// Where the report goes.
    #[arg(long, default_value = "bench-results")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Broadcast,
    Rooms,
    Echo,
    Idle,
    Churn,
    Storm,
    Stalled,
    All,
}

/// Checked options of one invocation.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) server: PathBuf,
    pub(crate) server_arguments: Vec<String>,
    pub(crate) bare: PathBuf,
    pub(crate) connections: Option<usize>,
    pub(crate) payload: usize,
    pub(crate) in_flight: Vec<usize>,
    pub(crate) room_size: usize,
    pub(crate) pairs: Option<u32>,
    pub(crate) deliveries: u64,
    pub(crate) mode: Dialect,
    pub(crate) bare_mode: Dialect,
    pub(crate) workers: Option<usize>,
    pub(crate) instructions: bool,
    pub(crate) syscalls: bool,
    pub(crate) out: PathBuf,
}

impl Arguments {
    /// Fills in the defaults and refuses what cannot be measured.
    pub(crate) fn into_options(self) -> anyhow::Result<Options> {
        let mut scenarios = Vec::new();
        for choice in self.scenarios {
            let chosen = match choice {
                Choice::Broadcast => vec![Scenario::Broadcast],
                Choice::Rooms => vec![Scenario::Rooms],
                Choice::Echo => vec![Scenario::Echo],
                Choice::Idle => vec![Scenario::Idle],
                Choice::Churn => vec![Scenario::Churn],
                Choice::Storm => vec![Scenario::Storm],
                Choice::Stalled => vec![Scenario::Stalled],
                Choice::All => Scenario::ALL.to_vec(),
            };
            for scenario in chosen {
                if !scenarios.contains(&scenario) {
                    scenarios.push(scenario);
                }
            }
        }
        let own = std::env::current_exe().context("own path")?;
        let beside = |name: &str| own.with_file_name(name);
        let server = self.server.unwrap_or_else(|| beside("bench-server"));
        let bare = self.bare.unwrap_or_else(|| beside("bare-server"));
        for program in [&server, &bare] {
            ensure!(
                program.is_file(),
                "{} is not there; build it first",
                program.display()
            );
        }
        ensure!(
            self.in_flight
                .iter()
                .all(|k| (1..=MAX_IN_FLIGHT).contains(k)),
            "--in-flight takes 1 to {MAX_IN_FLIGHT}"
        );
        ensure!(
            self.connections.is_none_or(|n| n >= 2),
            "--connections takes 2 or more"
        );
        ensure!(
            self.room_size >= 1 && self.deliveries >= 1,
            "nothing to deliver"
        );
        let payload = usize::try_from(self.payload)?;
        let least = self
            .mode
            .least_payload()
            .max(self.bare_mode.least_payload());
        ensure!(
            payload >= least,
            "--payload takes {least} or more in this mode"
        );
        Ok(Options {
            scenarios,
            server,
            server_arguments: self.server_arg,
            bare,
            connections: self.connections,
            payload,
            in_flight: self.in_flight,
            room_size: self.room_size,
            pairs: self.pairs,
            deliveries: self.deliveries,
            mode: self.mode,
            bare_mode: self.bare_mode,
            workers: self.workers,
            instructions: self.instructions,
            syscalls: self.syscalls,
            out: self.out,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn in_flight_takes_a_list() {
        let arguments = Arguments::parse_from(["load", "echo", "idle", "--in-flight", "1,4,16"]);
        assert_eq!(arguments.in_flight, [1, 4, 16]);
        assert_eq!(arguments.scenarios.len(), 2);
    }
}
