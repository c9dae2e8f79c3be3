//! The examples as processes, met by clients in Rust, by stock clients in Node, and by a browser.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod axum;
mod chat_browser;
#[cfg(unix)]
mod chat_client;
mod chat_drain;
mod chat_io;
mod chat_protocol;
mod conformance;
mod express;
mod gateway;
mod mixed_cluster;
mod raw_pool;
mod support;
