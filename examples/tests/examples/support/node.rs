//! Scripts of `tests-node/`: JSON lines in, JSON lines out. Each says at its top what it understands.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::soon;

/// A running script. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Script {
    /// Only kept: dropping it ends the script.
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Events that were read while another was waited for.
    waiting: Vec<Value>,
}

impl Script {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let scripts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests-node"));
        assert!(
            scripts.join("node_modules/ws").is_dir(),
            "the npm packages are missing: run `cargo xtask setup`"
        );
        let mut child = Command::new("node")
            .arg(scripts.join(name))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node is installed: see `cargo xtask setup`");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self {
            _child: child,
            input,
            output,
            waiting: Vec::new(),
        }
    }

    /// Gives one command.
    pub(crate) async fn tell(&mut self, command: Value) {
        self.input
            .write_all(format!("{command}\n").as_bytes())
            .await
            .unwrap();
    }

    /// The next event; `None` at the script's end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        if !self.waiting.is_empty() {
            return Some(self.waiting.remove(0));
        }
        self.read().await
    }

    /// The first event, of those not yet taken, with these members; others stay for later.
    pub(crate) async fn expect(&mut self, wanted: Value) -> Value {
        let wanted = wanted.as_object().expect("an object").clone();
        let fits = |event: &Value| wanted.iter().all(|(key, value)| event[key] == *value);
        if let Some(position) = self.waiting.iter().position(fits) {
            return self.waiting.remove(position);
        }
        loop {
            match self.read().await {
                Some(event) if fits(&event) => return event,
                Some(event) => self.waiting.push(event),
                None => panic!("ended before {wanted:?}; unexpected: {:?}", self.waiting),
            }
        }
    }

    async fn read(&mut self) -> Option<Value> {
        let line = soon("an event of the script", self.output.next_line())
            .await
            .unwrap()?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not an event: {line}")))
    }
}

/// Runs a browser script to its end and fails with the step that did not hold.
pub(crate) async fn browser(script: &str, arguments: &[&str]) {
    let mut script = Script::start(script, arguments);
    let mut held = Vec::new();
    while let Some(event) = script.next().await {
        match event["event"].as_str() {
            Some("step") => held.push(event["name"].to_string()),
            Some("done") => return assert!(!held.is_empty(), "no step was made"),
            _ => panic!("{event} after {held:#?}"),
        }
    }
    panic!("the script ended without a word after {held:#?}");
}

/// Runs a suite to its end, and fails with the cases that did not hold.
pub(crate) async fn run_node(suite: &str, arguments: &[&str]) {
    run_suite("node", suite, arguments).await;
}

/// The same in Python, with the packages that `cargo xtask setup` has installed.
pub(crate) async fn run_python(suite: &str, arguments: &[&str]) {
    let python = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests-node/.venv/bin/python"
    );
    run_suite(python, suite, arguments).await;
}

async fn run_suite(program: &str, suite: &str, arguments: &[&str]) {
    let scripts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests-node"));
    let run = Command::new(program)
        .arg(scripts.join(suite))
        .args(arguments)
        .kill_on_drop(true)
        .output();
    // The suite ends by itself before that.
    let output = tokio::time::timeout(Duration::from_mins(3), run).await;
    let output = output
        .expect("the suite ends by itself")
        .expect("it starts: see `cargo xtask setup`");
    let said = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<_> = said
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert!(
        output.status.success(),
        "{failed:#?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
