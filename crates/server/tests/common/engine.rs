//! A Socket.IO server under test, and clients of it whose every byte is made by hand.

use std::net::SocketAddr;

use switchboard_server::{Ack, Io, IoConfig, Server};
use switchboard_wire::Args;
use tokio::io::AsyncWriteExt;

use super::{CLOSE, Peer, Reply, TEXT, ask, bind, masked, soon};

/// Where Engine.IO is.
pub(crate) const ENGINE: &str = "/socket.io/?EIO=4";
pub(crate) const BINARY: u8 = 0x82;

/// How a session over a WebSocket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The transport, without a word.
    Transport,
    /// A close frame without a code.
    NoCode,
    /// A close frame with this code.
    Code(u16),
}

/// A server whose event `echo` answers with its arguments; the namespace `/admin` is there too.
pub(crate) async fn io_server(config: IoConfig) -> (Io, Server) {
    let io = Io::new(config).unwrap();
    io.on("echo", async |args: Args, ack: Ack| ack.send(&args));
    io.of("/admin");
    let server = serve(&io).await;
    (io, server)
}

pub(crate) async fn serve(io: &Io) -> Server {
    let listener = bind(io.config().listener_config()).await;
    listener.with_io(io.clone()).serve_io().unwrap()
}

impl Peer {
    /// A session over a WebSocket that has heard the greeting.
    pub(crate) async fn greeted(server: SocketAddr) -> Self {
        let mut peer = Self::join(server, &format!("{ENGINE}&transport=websocket")).await;
        let greeting = peer.text().await.expect("a greeting");
        assert!(greeting.starts_with("0{"), "{greeting}");
        peer
    }

    /// A session over a WebSocket that is in `/`.
    pub(crate) async fn entered(server: SocketAddr) -> Self {
        let mut peer = Self::greeted(server).await;
        peer.enter("/").await;
        peer
    }

    /// Enters a namespace and is let in.
    pub(crate) async fn enter(&mut self, namespace: &str) {
        let name = if namespace == "/" {
            String::new()
        } else {
            format!("{namespace},")
        };
        self.send(TEXT, format!("40{name}").as_bytes()).await;
        let answer = self.text().await;
        let consent = format!("40{name}{{");
        assert!(
            answer
                .as_ref()
                .is_some_and(|answer| answer.starts_with(&consent)),
            "{answer:?}"
        );
    }

    /// The next text that is no heartbeat; `None` at the end.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match soon(self.frame()).await? {
                (TEXT, payload) if payload == b"2" => {}
                (TEXT, payload) => return Some(String::from_utf8(payload).unwrap()),
                (CLOSE, _) => return None,
                _ => {}
            }
        }
    }

    /// Whether the server still answers it.
    pub(crate) async fn lives(&mut self) -> bool {
        let sent = self
            .tcp
            .write_all(&masked(TEXT, br#"42987["echo","here"]"#))
            .await;
        sent.is_ok()
            && loop {
                match self.text().await {
                    Some(text) if text == r#"43987["here"]"# => break true,
                    Some(_) => {}
                    None => break false,
                }
            }
    }

    /// Reads to the end.
    pub(crate) async fn end(&mut self) -> End {
        loop {
            match soon(self.frame()).await {
                None => return End::Transport,
                Some((CLOSE, payload)) => {
                    return match payload.first_chunk() {
                        None => End::NoCode,
                        Some(code) => End::Code(u16::from_be_bytes(*code)),
                    };
                }
                Some(_) => {}
            }
        }
    }
}

/// A session that polls, each request over a transport of its own.
#[derive(Debug)]
pub(crate) struct Poller {
    pub(crate) server: SocketAddr,
    pub(crate) sid: String,
}

impl Poller {
    pub(crate) async fn greeted(server: SocketAddr) -> Self {
        let mut poller = Self {
            server,
            sid: String::new(),
        };
        let reply = poller.get().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let sid = reply.body.split('"').nth(3).unwrap();
        sid.clone_into(&mut poller.sid);
        poller
    }

    /// In `/`.
    pub(crate) async fn entered(server: SocketAddr) -> Self {
        let poller = Self::greeted(server).await;
        assert_eq!(poller.post("40").await.status, 200);
        let reply = poller.get().await;
        assert!(reply.body.starts_with("40{"), "{reply:?}");
        poller
    }

    pub(crate) fn head(&self, method: &str, more: &str) -> String {
        let sid = match &*self.sid {
            "" => String::new(),
            sid => format!("&sid={sid}"),
        };
        format!(
            "{method} {ENGINE}&transport=polling{sid} HTTP/1.1\r\nHost: switchboard.test\r\n{more}\r\n"
        )
    }

    /// A poll.
    pub(crate) async fn get(&self) -> Reply {
        ask(self.server, self.head("GET", ""))
            .await
            .expect("an answer")
    }

    pub(crate) async fn post(&self, body: impl AsRef<[u8]>) -> Reply {
        self.post_as("text/plain;charset=UTF-8", body).await
    }

    pub(crate) async fn post_as(&self, kind: &str, body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let more = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
        let mut request = self.head("POST", &more).into_bytes();
        request.extend_from_slice(body);
        ask(self.server, request).await.expect("an answer")
    }

    /// Whether the session is there and answers, heartbeats aside.
    pub(crate) async fn lives(&self) -> bool {
        if self.post(r#"42987["echo","here"]"#).await.status != 200 {
            return false;
        }
        loop {
            let reply = self.get().await;
            let mut packets = reply.body.split('\u{1e}');
            if reply.status != 200 || packets.clone().any(|packet| packet == "1") {
                return false;
            }
            if packets.any(|packet| packet == r#"43987["here"]"#) {
                return true;
            }
        }
    }
}
