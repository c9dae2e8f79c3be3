//! Servers as child processes, each on the server core, ended when their handle is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// The core of the load generator and the core of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    load: usize,
    server: usize,
}

impl Cores {
    /// Takes the first and the last core this process may use, and moves to the first.
    pub(crate) fn pick() -> anyhow::Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).context("allowed cores")?;
        let cores: Vec<_> = (0..CpuSet::count())
            .filter(|&core| allowed.is_set(core) == Ok(true))
            .collect();
        let (Some(&load), Some(&server)) = (cores.first(), cores.last()) else {
            bail!("no core is allowed");
        };
        if load == server {
            eprintln!("only one core: client and server share it, latencies mean little");
        }
        pin(load)?;
        Ok(Self { load, server })
    }
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("move to core {core}"))
}

/// Raises the soft limit of open files to the hard one.
pub(crate) fn raise_descriptor_limit() -> anyhow::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("raise the limit of open files")
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Runs `program`, behind `wrapper` if there is one, and waits until it listens.
    pub(crate) fn start(
        program: &Path,
        wrapper: &[String],
        arguments: &[String],
        cores: Cores,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = if let Some((tool, tool_arguments)) = wrapper.split_first() {
            let mut command = Command::new(tool);
            command.args(tool_arguments).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).arg("--port").arg(port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // A child inherits the affinity of the thread that starts it, from its first instruction on.
        pin(cores.server)?;
        let child = command.spawn();
        pin(cores.load)?;
        let child = child.with_context(|| format!("start {}", program.display()))?;
        let mut server = Self {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        server
            .wait_until_listening()
            .with_context(|| program.display().to_string())?;
        Ok(server)
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait_until_listening(&mut self) -> anyhow::Result<()> {
        let stdout = self.child.stdout.take().context("no stdout")?;
        let (ready, listening) = mpsc::channel();
        // Reads to the end, lest a talkative server blocks on a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line.contains("listening") {
                    let _ = ready.send(());
                }
            }
        });
        match listening.recv_timeout(Duration::from_mins(1)) {
            Ok(()) => Ok(()),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("does not listen within a minute"),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("ended before it listened"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port below the range that outgoing connections are given, so that no client takes it first.
fn free_port() -> anyhow::Result<u16> {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse::<u16>().ok())
        .unwrap_or(32_768);
    let start = u16::try_from(std::process::id() % 8_000).unwrap_or_default();
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (0..8_000)
        .map(|step| first.saturating_sub(1 + (start + step) % 8_000))
        .filter(|&port| port > 1_024)
        .find(free)
        .context("no free port")
}
