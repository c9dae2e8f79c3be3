//! Measures any server that fulfils the bench server contract, beside a bare write loop.
//!
//! The server is measured from outside: its process CPU clock, its memory as the kernel accounts
//! it, its context switches, and on request its user-space instructions and system calls. It runs
//! on one core and this program on another; each measurement alternates with the same measurement
//! of `bare-server`, so that every figure is also a ratio that survives a noisy machine.
//!
//! Start at [`scenario::run`]; `client` is the cheap WebSocket client that makes the load.

mod cli;
mod client;
mod gauge;
mod process;
mod report;
mod scenario;
mod stats;
mod usage;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let options = cli::Arguments::parse().into_options()?;
    // A signal ends the run through the ordinary error path, which ends the servers.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("signal handler")?;
    }
    process::raise_descriptor_limit()?;
    let cores = process::Cores::pick()?;
    let mut journal = report::Journal::create(&options.out)?;
    let outcome = scenario::run(&options, cores, &stop, &mut journal);
    let runs = journal.into_runs();
    if !runs.is_empty() {
        let summaries = stats::summarise(&runs);
        println!("{}", report::table(&summaries));
        let page = report::write_html(&options, &runs, &summaries)?;
        println!("report: {}", page.display());
    }
    outcome?;
    let faults = stats::faults(&runs);
    if faults > 0 {
        eprintln!("{faults} deliveries were lost, duplicated or wrong");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
