//! Reads what a client posts: at most so many bytes, and not for long without one.

use std::{pin::pin, time::Duration};

use bytes::Buf;
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Why a body was not read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is longer than allowed, or says so.
    TooLarge,
    /// Nothing came for too long.
    Stalled,
    /// The client hung up, or what came is no body.
    Cut,
    /// Nobody wants the rest.
    Unwanted,
}

/// Reads a body of at most `most` bytes. Nothing is reserved for a length that is only announced.
///
/// Each piece may take `patience`, as each byte of a WebSocket message may; `wanted` is asked after each
/// whether to go on.
pub(super) async fn read<B: HttpBody>(
    body: B,
    most: usize,
    patience: Duration,
    wanted: impl Fn() -> bool,
) -> Result<Vec<u8>, Unread> {
    if body.size_hint().lower() > most as u64 {
        return Err(Unread::TooLarge);
    }
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    loop {
        let frame = timeout(patience, body.frame()).await;
        let Some(frame) = frame.map_err(|_| Unread::Stalled)? else {
            return Ok(bytes);
        };
        if let Ok(mut data) = frame.map_err(|_| Unread::Cut)?.into_data() {
            if data.remaining() > most - bytes.len() {
                return Err(Unread::TooLarge);
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                bytes.extend_from_slice(chunk);
                let len = chunk.len();
                data.advance(len);
            }
        }
        if !wanted() {
            return Err(Unread::Unwanted);
        }
    }
}
