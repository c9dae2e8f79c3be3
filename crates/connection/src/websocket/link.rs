//! The writing end of a transport.

use std::{
    fmt,
    io::{self, IoSlice},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use rustix::net::{SendFlags, send};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Where the bytes of one connection go.
pub(super) enum Link {
    /// A TCP stream: whoever fills the outbox may write.
    Tcp(OwnedWriteHalf),
    /// A stream that only a task can write to: TLS, an in-memory pipe.
    Stream(Box<StreamLink>),
    /// The connection has ended.
    Gone,
}

pub(super) struct StreamLink {
    pub(super) writer: Pin<Box<dyn AsyncWrite + Send>>,
    /// The reader's waker, so that a connection that is cut wakes it.
    pub(super) reader: Option<Waker>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Stream(_) => "Stream",
            Self::Gone => "Gone",
        })
    }
}

impl Link {
    /// Writes to a TCP stream without waiting; `None` for what must be polled, and for any error,
    /// which polling then tells.
    ///
    /// Straight to the socket: asking the runtime first whether it is writable costs as much as the
    /// rest of a write, and the socket itself answers just as well.
    #[inline]
    pub(super) fn try_write(&self, bytes: &[u8]) -> Option<usize> {
        let Self::Tcp(tcp) = self else { return None };
        send(
            tcp.as_ref(),
            bytes,
            SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
        )
        .ok()
    }

    /// Writes, or has the task woken when the transport takes bytes again.
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(tcp) => loop {
                ready!(tcp.as_ref().poll_write_ready(context))?;
                match tcp.try_write_vectored(pieces) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
            Self::Stream(stream) => stream.writer.as_mut().poll_write_vectored(context, pieces),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Has everything written leave the process; only buffering streams have something to do.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Stream(stream) => stream.writer.as_mut().poll_flush(context),
            Self::Tcp(_) | Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Tells the peer that nothing more will come. With `answered`, its reader is gone, and a TCP stream
    /// ends when it is released.
    pub(super) fn poll_end(
        &mut self,
        context: &mut Context<'_>,
        answered: bool,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) if answered => Poll::Ready(Ok(())),
            Self::Tcp(tcp) => Poll::Ready(SockRef::from(tcp.as_ref()).shutdown(Shutdown::Write)),
            Self::Stream(stream) => stream.writer.as_mut().poll_shutdown(context),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Ends both directions at once and wakes the reader.
    pub(super) fn cut(&mut self) {
        match std::mem::replace(self, Self::Gone) {
            Self::Tcp(tcp) => {
                // An error means that the socket is gone already.
                drop(SockRef::from(tcp.as_ref()).shutdown(Shutdown::Both));
                tcp.forget();
            }
            Self::Stream(stream) => {
                if let Some(reader) = stream.reader {
                    reader.wake();
                }
            }
            Self::Gone => {}
        }
    }

    /// Drops the writing end after the reading end; the peer sees the end of the stream.
    pub(super) fn release(&mut self) {
        match std::mem::replace(self, Self::Gone) {
            // The other half is gone, so this closes the socket; shutting it down first costs a call.
            Self::Tcp(tcp) => tcp.forget(),
            Self::Stream(stream) => {
                if let Some(reader) = stream.reader {
                    reader.wake();
                }
            }
            Self::Gone => {}
        }
    }
}

/// Where the bytes of one connection come from.
pub(super) enum Source {
    Tcp(OwnedReadHalf),
    Stream(Pin<Box<dyn AsyncRead + Send>>),
    /// The connection has ended, or somebody else reads.
    Gone,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Stream(_) => "Stream",
            Self::Gone => "Gone",
        })
    }
}

impl Source {
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Stream(stream) => stream.as_mut().poll_read(context, buffer),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// A stream of bytes to a peer: what a connection is made of.
pub struct Transport {
    kind: TransportKind,
    peer: Option<SocketAddr>,
}

enum TransportKind {
    Tcp(TcpStream),
    Stream(Box<dyn ByteStream>),
}

trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

impl Transport {
    /// Any stream: TLS, an in-memory pipe. `peer` is the address it comes from, if it has one.
    pub fn stream<S>(stream: S, peer: Option<SocketAddr>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self {
            kind: TransportKind::Stream(Box::new(stream)),
            peer,
        }
    }

    /// A TCP stream whose peer is known. Written to without a task; Nagle's algorithm is switched off.
    pub fn tcp(tcp: TcpStream, peer: Option<SocketAddr>) -> Self {
        // Fails only on a socket that is gone, which the first read will tell.
        drop(tcp.set_nodelay(true));
        Self {
            kind: TransportKind::Tcp(tcp),
            peer,
        }
    }

    /// The address that the stream comes from.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(super) fn split(self) -> (Source, Link) {
        match self.kind {
            TransportKind::Tcp(tcp) => {
                let (reader, writer) = tcp.into_split();
                (Source::Tcp(reader), Link::Tcp(writer))
            }
            TransportKind::Stream(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                let link = StreamLink {
                    writer: Box::pin(writer),
                    reader: None,
                };
                (
                    Source::Stream(Box::pin(reader)),
                    Link::Stream(Box::new(link)),
                )
            }
        }
    }

    pub(super) async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match &mut self.kind {
            TransportKind::Tcp(tcp) => tcp.read_buf(buffer).await,
            TransportKind::Stream(stream) => stream.read_buf(buffer).await,
        }
    }

    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.kind {
            TransportKind::Tcp(tcp) => tcp.write_all(bytes).await,
            TransportKind::Stream(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }
}

impl From<TcpStream> for Transport {
    /// The same as [`Transport::tcp`], with the peer's address asked of the socket.
    fn from(tcp: TcpStream) -> Self {
        let peer = tcp.peer_addr().ok();
        Self::tcp(tcp, peer)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
