//! What the tests of the examples share: the example as a process, Node scripts, and clients in Rust.

mod build;
mod node;
mod person;
mod process;
#[path = "../../../../crates/adapter-redis/tests/support/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the crate")]
pub(crate) mod redis;

use std::{future::Future, time::Duration};

pub(crate) use node::{Script, browser, run_node, run_python};
pub(crate) use person::Person;
pub(crate) use process::Example;

/// The chat without a client for browsers: it looks for none, and its page uses plain WebSockets.
pub(crate) const PLAIN: (&str, &str) = ("SOCKET_IO_CLIENT", "off");

/// The chat with the client that the tests have installed.
pub(crate) const STOCK: (&str, &str) = (
    "SOCKET_IO_CLIENT",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests-node"),
);

/// Fails instead of hanging. No test depends on how long something takes.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(Duration::from_mins(1), future)
        .await
        .unwrap_or_else(|_| panic!("never came: {what}"))
}
