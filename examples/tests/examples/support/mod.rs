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

/// Fails instead of hanging. No test depends on how long something takes.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(Duration::from_mins(1), future)
        .await
        .unwrap_or_else(|_| panic!("never came: {what}"))
}
