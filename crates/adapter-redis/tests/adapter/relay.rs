//! Stands between a node and Redis, and can hold back what Redis says.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

#[derive(Debug)]
pub(crate) struct Relay {
    port: u16,
    holds: Arc<AtomicBool>,
}

impl Relay {
    pub(crate) async fn to(redis: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let holds = Arc::new(AtomicBool::new(false));
        tokio::spawn(accept(listener, redis, Arc::clone(&holds)));
        Self { port, holds }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on what Redis sends to subscribers is swallowed; its connections stay.
    pub(crate) fn hold(&self) {
        self.holds.store(true, Relaxed);
    }
}

async fn accept(listener: TcpListener, redis: u16, holds: Arc<AtomicBool>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(("127.0.0.1", redis)).await else {
            continue;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let up = tokio::spawn(async move {
            let _ = copy(&mut from_client, &mut to_server).await;
            let _ = to_server.shutdown().await;
        });
        let holds = Arc::clone(&holds);
        tokio::spawn(async move {
            let (mut buffer, mut listens) = ([0; 16 * 1024], false);
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                listens |= buffer[..read].windows(9).any(|part| part == b"subscribe");
                if listens && holds.load(Relaxed) {
                    continue;
                }
                if to_client.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
            up.abort();
        });
    }
}
