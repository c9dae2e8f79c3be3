//! The Socket.IO server under paused time, theme by theme. Clients are in memory, so nothing here takes time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod counted;
mod dynamic;
mod ends;
mod flood;
mod middleware;
mod recovery;
mod slow;
mod support;
mod upgrade;
