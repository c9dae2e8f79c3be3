//! A client that polls tries a WebSocket, and changes to it.
//!
//! It sends `2probe` and gets `3probe`; it ends its polling, whose last poll is answered at once, and sends `5`.
//! Until then everything goes by polling. Whatever else comes first, or nothing within `upgradeTimeout`, ends
//! the WebSocket and leaves the session as it is.

use std::sync::Arc;

use switchboard_connection::{Connection, ConnectionExt, Disconnect, Event, WebSocket};
use switchboard_wire::engine::Packet;
use tokio::time::{Instant, timeout};

use crate::{engine::session::Session, trace};

/// Tries `websocket` for `session`.
pub(crate) async fn probe(session: Arc<Session>, mut websocket: WebSocket) {
    websocket.hold_heartbeats();
    let Some(polling) = session.polling() else {
        return;
    };
    let core = &session.io().core;
    let within = core.config.upgrade_timeout;
    let began = Instant::now();
    let probing = Probing(&session);
    polling.set_probing(true);
    let is_ready = tokio::select! {
        is_ready = timeout(within, wait(&session, &mut websocket)) => is_ready.unwrap_or(false),
        _ = session.closed() => false,
    };
    drop(probing);
    let handle = Arc::clone(websocket.handle());
    let completed = is_ready && session.upgrade(websocket).is_some();
    core.metrics.upgrade(Some(began), completed);
    if completed {
        trace::upgraded(began.elapsed());
    } else {
        trace::not_upgraded(began.elapsed());
        handle.close(Disconnect::NO_STATUS);
    }
}

/// Whether the client comes over.
async fn wait(session: &Session, websocket: &mut WebSocket) -> bool {
    let mut probed = false;
    while let Some(event) = websocket.next().await {
        let Event::Text(text) = event else {
            match event {
                Event::Ping(_) | Event::Pong(_) => continue,
                _ => return false,
            }
        };
        match Packet::decode(&text) {
            Ok(Packet::Ping("probe")) if !probed => {
                probed = true;
                if websocket
                    .send(Packet::Pong("probe").encode())
                    .await
                    .is_err()
                {
                    return false;
                }
                if let Some(polling) = session.polling() {
                    polling.set_probing(true);
                }
            }
            Ok(Packet::Upgrade) if probed => return true,
            _ => return false,
        }
    }
    false
}

/// While it lives, polls do not wait.
struct Probing<'a>(&'a Session);

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        if let Some(polling) = self.0.polling() {
            polling.set_probing(false);
        }
    }
}
