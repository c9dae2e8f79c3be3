//! The adapter over a real Redis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conforms;
mod relay;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the link")]
mod server;
