//! An example at work.

use std::process::{ExitStatus, Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{build, soon};

/// A running example that listens on a port of its own. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Example {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
    port: u16,
}

impl Example {
    /// Starts the example and waits until it says where it listens.
    pub(crate) async fn start(
        name: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(build::example(name))
            .args(arguments)
            .env("PORT", "0")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the example starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut said = Vec::new();
        let line = soon("the line that says `listening`", async {
            loop {
                let line = output
                    .next_line()
                    .await
                    .unwrap()
                    .expect("no line says `listening`");
                if line.contains("listening") {
                    return line;
                }
                said.push(line);
            }
        });
        let line = line.await;
        let port = line
            .trim_end_matches('/')
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port in {line:?}"));
        Self {
            child,
            output,
            said,
            port,
        }
    }

    /// `127.0.0.1:<port>`
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `http://127.0.0.1:<port>`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// The id of its process.
    pub(crate) fn pid(&self) -> String {
        self.child.id().expect("it runs").to_string()
    }

    /// The lines it printed before it listened.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Asks the process to end, as an orchestrator does.
    pub(crate) async fn terminate(&self) {
        let pid = self.pid();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(killed.unwrap().success());
    }

    /// Waits for the end: how it ended, and the lines it printed since the start.
    pub(crate) async fn finish(mut self) -> (ExitStatus, Vec<String>) {
        soon("the end of the example", async {
            let mut lines = Vec::new();
            while let Some(line) = self.output.next_line().await.unwrap() {
                lines.push(line);
            }
            (self.child.wait().await.unwrap(), lines)
        })
        .await
    }
}
