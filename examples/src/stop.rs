//! How a process is told to end.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, which orchestrators send before they kill, and Ctrl-C.
///
/// From [`listen`](Self::listen) on these no longer end the process at once, so make it before the
/// first connection is accepted, and act on what [`next`](Self::next) says.
///
/// ```no_run
/// # use switchboard::prelude::*;
/// # use switchboard_examples::StopSignals;
/// # async fn example(server: Server) -> anyhow::Result<()> {
/// let mut signals = StopSignals::listen()?;
/// let signal = signals.next().await;
/// println!("{signal}: closing 100 connections a second");
/// tokio::select! {
///     report = server.shutdown(Drain::per_second(100)) => println!("{} closed", report?.closed),
///     // Whoever asks twice does not want to wait.
///     again = signals.next() => anyhow::bail!("{again} during the drain"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
}

impl StopSignals {
    /// Begins to listen, inside a tokio runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal and names it. Safe to drop: no signal is lost.
    #[cfg(unix)]
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }

    /// Waits for the next Ctrl-C and names it.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> &'static str {
        tokio::signal::ctrl_c().await.ok();
        "Ctrl-C"
    }
}
