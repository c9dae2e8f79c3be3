//! The load generator against the baseline as both servers: small, on loopback, soon over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BARE: &str = env!("CARGO_BIN_EXE_bare-server");
const BENCH: &str = env!("CARGO_BIN_EXE_bench-server");

/// Runs `load` with the bare server as the baseline; its children end with it.
fn load(name: &str, server: &str, arguments: &[&str]) -> (Output, PathBuf) {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&out);
    let output = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(arguments)
        .args([
            "--pairs",
            "1",
            "--deliveries",
            "400",
            "--server",
            server,
            "--bare",
            BARE,
        ])
        .arg("--out")
        .arg(&out)
        .output()
        .expect("load runs");
    (output, out)
}

fn runs(out: &Path) -> Vec<serde_json::Value> {
    let lines = fs::read_to_string(out.join("runs.jsonl")).expect("runs.jsonl");
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn assert_success(output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn broadcast_and_rooms_deliver_everything_and_are_reported() {
    let arguments = [
        "broadcast",
        "rooms",
        "--connections",
        "8",
        "--room-size",
        "4",
    ];
    let (output, out) = load("fan", BARE, &arguments);
    assert_success(&output);
    let runs = runs(&out);
    // Two scenarios, 1 and 8 in flight, two servers.
    assert_eq!(runs.len(), 8);
    for run in &runs {
        for fault in ["lost", "duplicated", "wrong"] {
            assert_eq!(run[fault], 0.0, "{fault}");
        }
        assert!(run["cpuMicrosPerOperation"].as_f64().unwrap() > 0.0);
    }
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("latency p99.9"), "{table}");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("Broadcast") && page.contains("Rooms"));
}

#[test]
fn every_other_scenario_runs_to_its_end() {
    let arguments = [
        "echo",
        "idle",
        "churn",
        "storm",
        "stalled",
        "--connections",
        "20",
    ];
    let (output, out) = load("rest", BARE, &arguments);
    assert_success(&output);
    let runs = runs(&out);
    // Echo and stalled have two variants each.
    assert_eq!(runs.len(), 2 * (2 + 1 + 1 + 1 + 2));
    for run in runs.iter().filter(|run| run["scenario"] == "storm") {
        assert_eq!(run["refused"], 0.0);
    }
}

#[test]
fn socket_io_is_spoken_in_both_encodings() {
    for mode in ["sio", "sio-msgpack"] {
        let arguments = [
            "broadcast",
            "rooms",
            "echo",
            "idle",
            "churn",
            "storm",
            "stalled",
            "--mode",
            mode,
            "--connections",
            "20",
            "--room-size",
            "5",
        ];
        let (output, out) = load(mode, BENCH, &arguments);
        assert_success(&output);
        let runs = runs(&out);
        assert_eq!(runs.len(), 2 * (2 + 2 + 2 + 1 + 1 + 1 + 2));
        for run in runs.iter().filter(|run| run["side"] == "server") {
            assert_eq!(run["mode"], mode);
            assert!(run["refused"].as_f64().is_none_or(|count| count == 0.0));
        }
    }
}

#[test]
fn a_gathering_server_delivers_every_message_of_a_batch() {
    let arguments = [
        "broadcast",
        "--connections",
        "8",
        "--in-flight",
        "16",
        "--server-arg=--gather",
    ];
    let (output, out) = load("gather", BARE, &arguments);
    assert_success(&output);
    assert_eq!(runs(&out).len(), 2);
}

#[test]
fn a_program_that_is_no_server_is_reported() {
    let (output, _) = load("nothing", "/nonexistent/server", &["broadcast"]);
    assert!(!output.status.success());
}
