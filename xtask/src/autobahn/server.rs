//! The server under test: the example `autobahn_server`, built for release, on a free port.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::process::{Owned, cargo, loudly};
use crate::repo::root;

const EXAMPLE: &str = "autobahn_server";

/// How long the example may take to say that it listens.
const START: Duration = Duration::from_secs(20);

/// The running example; ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    _process: Owned,
    port: u16,
}

impl Server {
    pub(crate) fn start(target: &Path) -> Result<Self, String> {
        let mut build = cargo();
        build
            .args(["build", "--release", "--example", EXAMPLE])
            .current_dir(root());
        if !loudly(&mut build) {
            return Err(format!("the example {EXAMPLE} does not build"));
        }
        let program = target.join("release").join("examples").join(EXAMPLE);
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let mut command = Command::new(&program);
        command.env("PORT", port.to_string()).stdout(Stdio::piped());
        let mut process = Owned::spawn(&mut command)
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let output = process
            .child()
            .stdout
            .take()
            .ok_or("the example has no output")?;

        let (ready, listening) = mpsc::channel();
        // Reads to the end, so that the example never waits for a full pipe.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.contains("listening") {
                    // Nobody waits for a second such line.
                    _ = ready.send(());
                }
            }
        });
        match listening.recv_timeout(START) {
            Ok(()) => Ok(Self {
                _process: process,
                port,
            }),
            Err(_) => Err(format!(
                "the example {EXAMPLE} never said that it is listening"
            )),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

/// A port that was free a moment ago.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
