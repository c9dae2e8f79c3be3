//! The examples as processes, met by clients in Rust, by stock clients in Node, and by a browser.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod chat_browser;
mod chat_drain;
mod chat_protocol;
mod conformance;
mod mixed_cluster;
mod raw_pool;
mod support;
