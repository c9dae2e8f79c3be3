//! Echoes text and binary messages, for the Autobahn test suite: `cargo xtask autobahn`.

use std::time::Duration;

use switchboard::prelude::*;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::var("PORT").map_or(Ok(9001), |port| port.parse::<u16>())?;
    // The suite sends 16 MiB in one message, and 65,536 fragments in another.
    let connection = ConnectionConfig::default()
        .with_max_message_size(64 << 20)
        .with_max_frame_size(64 << 20)
        .with_max_fragments(1 << 20)
        .with_outbox_bytes(128 << 20)
        .with_outbox_messages(1 << 20)
        .with_message_rate(None)
        .with_control_rate(None)
        .with_ping_interval(Duration::ZERO);
    let config = ListenerConfig::default()
        .with_path("/")
        .with_connection(connection);
    let echo = Namespace::from_static("echo");
    let listener = Listener::bind(("127.0.0.1", port), config)
        .await?
        .with_admit(move |_: &UpgradeRequest<'_>| Ok(Admission::to(echo.clone())));
    let _server = listener.serve(|mut socket| async move {
        while let Some(event) = socket.next().await {
            let sent = match event {
                Event::Text(text) => socket.send(text).await,
                Event::Binary(payload) => socket.send(payload).await,
                _ => Ok(()),
            };
            if sent.is_err() {
                break;
            }
        }
    })?;
    println!("listening on 127.0.0.1:{port}");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
