//! How much memory a connection takes, as far as that can be told from outside.

use std::fs;

/// Fewer connections than this say nothing: the process itself moves more.
const FEWEST: usize = 100;

/// The process's memory at one moment.
#[derive(Debug)]
pub(crate) struct Memory(Option<u64>);

impl Memory {
    pub(crate) fn now() -> Self {
        Self(resident())
    }

    /// What came on top since then, per connection.
    pub(crate) fn per_connection(&self, connections: usize) -> Option<u64> {
        if connections < FEWEST {
            return None;
        }
        Some(resident()?.saturating_sub(self.0?) / connections as u64)
    }
}

/// Bytes of the process that are in memory; known on Linux.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
