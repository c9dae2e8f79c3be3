//! What the kernel says of a process: CPU time, memory, context switches; and of the machine's
//! listening sockets.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// CPU time of all threads, user and system, dead ones included, to the nanosecond.
pub(crate) fn cpu_time(pid: Pid) -> anyhow::Result<Duration> {
    let clock = clock_getcpuclockid(pid).context("the server's CPU clock")?;
    Ok(clock.now().context("the server's CPU clock")?.into())
}

/// Times that any thread gave up its core by itself.
pub(crate) fn voluntary_switches(pid: Pid) -> anyhow::Result<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).context("the server's threads")?;
    let statuses = tasks.flatten().filter_map(|task| {
        // A thread that ended meanwhile counts no more.
        fs::read_to_string(task.path().join("status")).ok()
    });
    Ok(statuses
        .filter_map(|status| field(&status, "voluntary_ctxt_switches:"))
        .sum())
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// Resident set size.
    pub(crate) rss: u64,
    /// Proportional set size: shared pages divided by their number of users.
    pub(crate) pss: u64,
}

impl Memory {
    /// Reads it now.
    pub(crate) fn of(pid: Pid) -> anyhow::Result<Self> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
            .context("the server's memory")?;
        Self::parse(&rollup).context("the server's memory cannot be read")
    }

    fn parse(rollup: &str) -> Option<Self> {
        Some(Self {
            rss: field(rollup, "Rss:")? * 1024,
            pss: field(rollup, "Pss:")? * 1024,
        })
    }
}

/// Connections the kernel turned away from full listening queues since it started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ListenQueue {
    /// Times a queue was full.
    pub(crate) overflows: u64,
    /// Connection attempts dropped, for that reason or any other.
    pub(crate) drops: u64,
}

impl ListenQueue {
    /// Reads it now.
    pub(crate) fn now() -> anyhow::Result<Self> {
        let netstat = fs::read_to_string("/proc/net/netstat").context("network counters")?;
        Self::parse(&netstat).context("network counters cannot be read")
    }

    fn parse(netstat: &str) -> Option<Self> {
        let mut lines = netstat
            .lines()
            .filter_map(|line| line.strip_prefix("TcpExt:"));
        let names = lines.next()?.split_whitespace();
        let values = lines.next()?.split_whitespace();
        let counter = |wanted: &str| {
            let (_, value) = names
                .clone()
                .zip(values.clone())
                .find(|(name, _)| *name == wanted)?;
            value.parse().ok()
        };
        Some(Self {
            overflows: counter("ListenOverflows")?,
            drops: counter("ListenDrops")?,
        })
    }
}

/// The number after `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes() {
        let rollup = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss:   1234 kB\nPss:   1000 kB\n\
                      Pss_Dirty:  5 kB\n";
        let memory = Memory::parse(rollup);
        assert_eq!(
            memory,
            Some(Memory {
                rss: 1_263_616,
                pss: 1_024_000
            })
        );
    }

    #[test]
    fn listen_counters_are_found_by_name() {
        let netstat = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 7 8 9\n\
                       IpExt: InOctets\nIpExt: 1\n";
        let queue = ListenQueue::parse(netstat);
        assert_eq!(
            queue,
            Some(ListenQueue {
                overflows: 8,
                drops: 9
            })
        );
    }

    #[test]
    fn own_figures_can_be_read() {
        let own = Pid::this();
        assert!(cpu_time(own).unwrap() > Duration::ZERO);
        assert!(Memory::of(own).unwrap().rss > 0);
        voluntary_switches(own).unwrap();
        ListenQueue::now().unwrap();
    }
}
