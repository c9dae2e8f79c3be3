//! `cargo xtask autobahn`: the WebSocket protocol, judged by the Autobahn test suite.
//!
//! Its fuzzing client opens one connection per case against our example server, which echoes what
//! it gets, and writes a report. The suite is Python 2 code ([`python`] finds an interpreter and
//! installs it under `target/`); sections 12 and 13 are about compression, which we do not offer.

mod options;
mod python;
mod report;
mod server;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::process::{Owned, quietly};
use crate::repo::workspace;
use crate::{Outcome, not_run};
use options::Options;
use server::Server;

/// What the report calls us.
const AGENT: &str = "switchboard";

/// A full run takes four minutes, most of it section 9.
const LIMIT: Duration = Duration::from_mins(20);

pub(crate) fn run(words: &[String]) -> Outcome {
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(error) => return not_run(&error),
    };
    let target = match workspace() {
        Ok(workspace) => workspace.target,
        Err(error) => return not_run(&error),
    };
    let home = target.join("autobahn");
    let suite = match python::suite(&home) {
        Ok(suite) => suite,
        Err(missing) => return not_run(&format!("autobahn: {missing}")),
    };
    let (server, url) = match &options.url {
        Some(url) => (None, url.clone()),
        None => match Server::start(&target) {
            Ok(server) => {
                let url = server.url();
                (Some(server), url)
            }
            Err(error) => {
                eprintln!("autobahn: {error}");
                return Outcome::Failed;
            }
        },
    };
    let verdict = judge(suite, &home, &options.cases, &url);
    drop(server);
    match verdict {
        Ok(report) => {
            print!("{report}");
            println!(
                "report: {}",
                home.join("report").join("index.html").display()
            );
            if report.passed() {
                Outcome::Passed
            } else {
                Outcome::Failed
            }
        }
        Err(error) => {
            eprintln!("autobahn: {error}");
            Outcome::Failed
        }
    }
}

/// Runs the cases against `url` and reads what the suite found.
fn judge(
    mut suite: Command,
    home: &Path,
    cases: &[String],
    url: &str,
) -> Result<report::Report, String> {
    let reports = home.join("report");
    // An earlier run's report must not pass for this one's.
    _ = fs::remove_dir_all(&reports);
    let spec = home.join("spec.json");
    let content = json!({
        "outdir": reports.display().to_string(),
        "servers": [{ "agent": AGENT, "url": url }],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    fs::write(&spec, content.to_string()).map_err(|error| error.to_string())?;

    println!("running cases {} against {url}", cases.join(" "));
    let log = fs::File::create(home.join("wstest.log")).map_err(|error| error.to_string())?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    suite
        .args(["--mode", "fuzzingclient", "--spec"])
        .arg(&spec)
        .stdout(log)
        .stderr(errors);
    let mut client = Owned::spawn(&mut suite).map_err(|error| error.to_string())?;
    let log = home.join("wstest.log");
    match client.wait_for(LIMIT) {
        Ok(Some(true)) => {}
        Ok(Some(false)) => return Err(format!("the suite failed: {}", log.display())),
        Ok(None) => {
            return Err(format!(
                "no end after {} s: {}",
                LIMIT.as_secs(),
                log.display()
            ));
        }
        Err(error) => return Err(error.to_string()),
    }
    let index = fs::read_to_string(reports.join("index.json")).map_err(|_| {
        format!(
            "no report was written; is {url} there? See {}",
            log.display()
        )
    })?;
    report::parse(&index, cases)
}

/// Runs a preparing command; its output matters only when it fails.
fn prepare(command: &mut Command, what: &str) -> Result<(), String> {
    if quietly(command) {
        Ok(())
    } else {
        Err(format!("{what} failed (see above)"))
    }
}
