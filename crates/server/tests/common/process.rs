//! What a process holds: files, memory, CPU time.

use std::{fs, time::Duration};

use tokio::sync::{Mutex, MutexGuard};

/// One test at a time may look at what the process holds.
pub(crate) async fn process_alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Open file descriptors of this process.
pub(crate) fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes of memory of this process that are in RAM.
pub(crate) fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}

/// CPU time that process `pid` has used.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name, in brackets, may contain anything.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_millis(ticks * 1_000 / per_second)
}

/// Connections that the kernel dropped because a backlog was full, if it tells.
pub(crate) fn listen_overflows() -> Option<u64> {
    let netstat = fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = netstat.lines().filter(|line| line.starts_with("TcpExt:"));
    let names = lines.next()?.split(' ');
    let values = lines.next()?.split(' ');
    let (_, value) = names
        .zip(values)
        .find(|(name, _)| *name == "ListenOverflows")?;
    value.parse().ok()
}
