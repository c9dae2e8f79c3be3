//! Connections from hyper, and from what is built on it.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Endpoint, WebSocket, link::Transport};
use crate::address::Address;

impl Endpoint {
    /// A connection over a stream that hyper has upgraded, after it answered 101.
    ///
    /// A plain TCP stream is found inside it, and then written to without a task. `peer` is the
    /// address it comes from; a TCP stream is asked when it is not given.
    pub fn upgraded(
        &self,
        upgraded: Upgraded,
        peer: Option<std::net::SocketAddr>,
        address: Address,
    ) -> WebSocket {
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let tcp = parts.io.into_inner();
                let peer = peer.or_else(|| tcp.peer_addr().ok());
                let transport = Transport::tcp(tcp, peer);
                self.accepted(transport, &parts.read_buf, address)
            }
            Err(upgraded) => self.accepted(
                Transport::stream(TokioIo::new(upgraded), peer),
                &[],
                address,
            ),
        }
    }
}
