//! The cluster's messages against Node's own packages, in both directions: `tests-node/cluster.mjs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod classic;
mod codecs;
mod messages;
mod support;
