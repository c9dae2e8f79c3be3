//! What is counted about the server while a measured interval lasts.
//!
//! Clocks cost nothing, so every figure of time and CPU comes from them. Instructions and system
//! calls need a tool that slows the server down, so they are counted in runs of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::usage;

/// How to count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gauge {
    /// The process CPU clock and context switches.
    Clock,
    /// User-space instructions, under valgrind.
    Instructions,
    /// System calls, under strace.
    Syscalls,
}

/// What was counted; absent where the gauge does not tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<Duration>,
    pub(crate) switches: Option<u64>,
    pub(crate) instructions: Option<u64>,
    pub(crate) syscalls: Option<u64>,
}

/// An interval being measured.
#[derive(Debug)]
pub(crate) struct Interval {
    pid: Pid,
    begun: Instant,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Clock { cpu: Duration, switches: u64 },
    Instructions { output: PathBuf, profile: PathBuf },
    Syscalls { tracer: Tracer },
}

impl Gauge {
    /// The tool that is missing, if any.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let tools: &[&str] = match self {
            Self::Clock => &[],
            Self::Instructions => &["valgrind", "vgdb"],
            Self::Syscalls => &["strace"],
        };
        tools.iter().copied().find(|tool| !installed(tool))
    }

    /// What the server must be started with.
    pub(crate) fn wrapper(self, out: &Path) -> Vec<String> {
        match self {
            Self::Clock | Self::Syscalls => Vec::new(),
            Self::Instructions => vec![
                "valgrind".into(),
                "--quiet".into(),
                "--tool=callgrind".into(),
                "--instr-atstart=no".into(),
                format!(
                    "--callgrind-out-file={}",
                    out.join("callgrind.%p").display()
                ),
            ],
        }
    }

    /// Begins to count; the server should be quiet. What callgrind tells stays in `out` under `name`.
    pub(crate) fn begin(self, pid: Pid, out: &Path, name: &str) -> anyhow::Result<Interval> {
        let kind = match self {
            Self::Clock => Kind::Clock {
                switches: usage::voluntary_switches(pid)?,
                cpu: usage::cpu_time(pid)?,
            },
            Self::Instructions => {
                monitor(pid, &["instrumentation", "on"])?;
                Kind::Instructions {
                    output: out.join(format!("callgrind.{pid}")),
                    profile: out.join(format!("callgrind.{name}")),
                }
            }
            Self::Syscalls => Kind::Syscalls {
                tracer: Tracer::attach(pid, out)?,
            },
        };
        Ok(Interval {
            pid,
            begun: Instant::now(),
            kind,
        })
    }
}

impl Interval {
    /// Ends the interval.
    pub(crate) fn end(self) -> anyhow::Result<Reading> {
        let mut reading = Reading {
            elapsed: self.begun.elapsed(),
            ..Reading::default()
        };
        match self.kind {
            Kind::Clock { cpu, switches } => {
                reading.cpu = Some(usage::cpu_time(self.pid)?.saturating_sub(cpu));
                let now = usage::voluntary_switches(self.pid)?;
                reading.switches = Some(now.saturating_sub(switches));
            }
            Kind::Instructions { output, profile } => {
                monitor(self.pid, &["dump"])?;
                let dump = output.with_added_extension("1");
                let text = fs::read_to_string(&dump).context("callgrind's dump")?;
                reading.instructions = Some(callgrind_total(&text).context("callgrind's dump")?);
                fs::rename(&dump, profile).context("callgrind's dump")?;
                let _ = fs::remove_file(output);
            }
            Kind::Syscalls { tracer } => reading.syscalls = Some(tracer.finish()?),
        }
        Ok(reading)
    }
}

fn installed(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|path| path.join(tool).is_file()))
}

/// Sends a command to the server's valgrind.
fn monitor(pid: Pid, command: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("vgdb")
        .arg(format!("--pid={pid}"))
        .args(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("vgdb")?;
    ensure!(status.success(), "valgrind does not answer");
    Ok(())
}

/// The instructions in a callgrind dump: the first number of its `totals` (or `summary`) line.
fn callgrind_total(dump: &str) -> Option<u64> {
    let of = |name: &str| dump.lines().find_map(|line| line.strip_prefix(name));
    of("totals:")
        .or_else(|| of("summary:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// A strace attached to every thread of the server.
#[derive(Debug)]
struct Tracer {
    child: Child,
    output: PathBuf,
    /// Held so that strace's last words meet an open pipe.
    stderr: Option<BufReader<ChildStderr>>,
}

impl Tracer {
    fn attach(pid: Pid, out: &Path) -> anyhow::Result<Self> {
        let output = out.join(format!("strace.{pid}"));
        let mut child = Command::new("strace")
            .args(["-c", "-f", "-p", &pid.to_string(), "-o"])
            .arg(&output)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("strace")?;
        let stderr = child.stderr.take().map(BufReader::new);
        let mut tracer = Self {
            child,
            output,
            stderr,
        };
        let mut line = String::new();
        tracer
            .stderr
            .as_mut()
            .context("no stderr")?
            .read_line(&mut line)?;
        if !line.contains("attached") {
            bail!("strace cannot attach: {}", line.trim());
        }
        Ok(tracer)
    }

    fn finish(mut self) -> anyhow::Result<u64> {
        kill(
            Pid::from_raw(i32::try_from(self.child.id())?),
            Signal::SIGINT,
        )?;
        self.child.wait()?;
        let text = fs::read_to_string(&self.output).context("strace's summary")?;
        let _ = fs::remove_file(&self.output);
        strace_calls(&text).context("strace's summary")
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The calls in a `strace -c` table, summed over its rows; the header says which column they are in.
fn strace_calls(table: &str) -> Option<u64> {
    let header = table.lines().find(|line| line.contains("calls"))?;
    // "% time" is two words but one column.
    let column = header
        .replace("% time", "time")
        .split_whitespace()
        .position(|w| w == "calls")?;
    let rows = table.lines().filter(|line| {
        line.trim_start()
            .starts_with(|first: char| first.is_ascii_digit())
            && !line.trim_end().ends_with("total")
    });
    rows.map(|row| row.split_whitespace().nth(column)?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callgrind_totals_are_read() {
        assert_eq!(
            callgrind_total("version: 1\nevents: Ir\nsummary: 7\n\ntotals: 42\n"),
            Some(42)
        );
        assert_eq!(callgrind_total("summary: 7\n"), Some(7));
        assert_eq!(callgrind_total("nothing"), None);
    }

    #[test]
    fn strace_rows_are_summed() {
        let table = "% time     seconds  usecs/call     calls    errors syscall\n\
                     ------ ----------- ----------- --------- --------- ----------------\n \
                     98.25    0.001234           1      1000           sendto\n  \
                     1.75    0.000022           1        20         2 recvfrom\n\
                     ------ ----------- ----------- --------- --------- ----------------\n\
                     100.00    0.001256           1      1020         2 total\n";
        assert_eq!(strace_calls(table), Some(1_020));
    }
}
