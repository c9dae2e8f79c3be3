//! Plain WebSockets: a text is a command.

use std::fmt::Write as _;

use switchboard::prelude::*;

pub(crate) async fn run(port: u16) -> anyhow::Result<()> {
    let config = ListenerConfig::default()
        .with_path("/")
        .with_connect_rate(None)
        .with_connection(ConnectionConfig::default().with_message_rate(None));
    let everybody = Namespace::from_static("/");
    let namespace = everybody.clone();
    let listener = Listener::bind(("127.0.0.1", port), config)
        .await?
        .with_admit(move |_: &UpgradeRequest<'_>| Ok(Admission::to(namespace.clone())));
    let pool = listener.pool().clone();
    let _server = listener.serve(move |socket| serve(socket, pool.clone(), everybody.clone()))?;
    println!("listening on 127.0.0.1:{port}");
    std::future::pending().await
}

async fn serve(mut socket: WebSocket, pool: Pool, everybody: Namespace) {
    let connection = socket.connection();
    while let Some(event) = socket.next().await {
        let Event::Text(text) = event else { continue };
        if let Some(rest) = text.strip_prefix("bcast:") {
            if let Some(frame) = padded(rest) {
                pool.namespace(&everybody).send(frame);
            }
        } else if let Some(rest) = text.strip_prefix("room:") {
            if let Some((room, rest)) = rest.split_once(':')
                && let Some(frame) = padded(rest)
            {
                pool.namespace(&everybody).to(room).send(frame);
            }
        } else if let Some(name) = text.strip_prefix("join:") {
            let Ok(room) = Room::new(name) else { continue };
            if pool.join(&connection, &room).is_ok() {
                connection.send(format!("joined:{name}")).await.ok();
            }
        } else if text.starts_with("echo:") {
            connection.send(text).await.ok();
        }
    }
}

/// The frame for `<P>:<seq>`: `b:<seq>:` padded with `x` to P bytes.
fn padded(request: &str) -> Option<Frame> {
    let (size, seq) = request.split_once(':')?;
    let size = size
        .parse::<usize>()
        .ok()
        .filter(|size| *size <= 1_000_000)?;
    let mut text = String::with_capacity(size);
    write!(text, "b:{seq}:").ok()?;
    text.push_str(&"x".repeat(size.saturating_sub(text.len())));
    Some(Frame::text(text))
}
