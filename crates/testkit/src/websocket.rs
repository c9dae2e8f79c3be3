//! A WebSocket over a pipe in memory.

use std::sync::{Arc, OnceLock};

use futures_util::{SinkExt, StreamExt};
use switchboard_server::Io;
use switchboard_wire::engine::{Open, Packet};
use tokio::{
    io::DuplexStream,
    sync::{mpsc, watch},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        error::ProtocolError,
        protocol::{WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::{
    builder::{ConnectFailure, Settings},
    engine::{Engine, Facts, Listener, Outgoing, Reader},
    reason::Reason,
};

pub(crate) type Socket = WebSocketStream<DuplexStream>;
type Sink = futures_util::stream::SplitSink<Socket, Message>;
type Stream = futures_util::stream::SplitStream<Socket>;

/// Opens a session whose only transport is a WebSocket.
pub(crate) async fn open(
    io: &Io,
    settings: &Settings,
    listener: Listener,
) -> Result<Engine, ConnectFailure> {
    let mut socket = dial(io, settings, None).await?;
    let greeting = match socket.next().await {
        Some(Ok(Message::Text(text))) => text,
        Some(Ok(Message::Close(frame))) => {
            let code = frame.map(|frame| u16::from(frame.code));
            return Err(ConnectFailure::Closed { code });
        }
        _ => return Err(ConnectFailure::Closed { code: None }),
    };
    let open = match Packet::decode(&greeting) {
        Ok(Packet::Open(json)) => serde_json::from_str(json).ok(),
        _ => None,
    };
    let open: Open = open.ok_or_else(|| ConnectFailure::Protocol(greeting.to_string()))?;
    let facts = Arc::new(Facts {
        open,
        close_code: OnceLock::new(),
    });
    let (outgoing, queue) = mpsc::unbounded_channel();
    let (reading, may_read) = watch::channel(true);
    let (sink, stream) = socket.split();
    let reader = Reader::new(Arc::clone(&facts), listener, outgoing.clone(), may_read);
    let serve = async move {
        let mut reader = reader;
        let reason = serve(&mut reader, sink, stream, queue).await;
        reader.ended(reason);
    };
    let task = tokio::spawn(serve).abort_handle();
    Ok(Engine {
        outgoing,
        reading,
        facts,
        task,
    })
}

pub(crate) async fn dial(
    io: &Io,
    settings: &Settings,
    sid: Option<&str>,
) -> Result<Socket, ConnectFailure> {
    let request = settings.request(io, "ws", "websocket", sid)?;
    let request = request.map(|_| ());
    let request = add_handshake_headers(request);
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(4096)
        .max_message_size(None)
        .max_frame_size(None);
    let stream = settings.pipe(io);
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(ConnectFailure::Http {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default())
                .into_owned(),
        }),
        Err(error) => Err(ConnectFailure::Protocol(error.to_string())),
    }
}

fn add_handshake_headers(mut request: http::Request<()>) -> http::Request<()> {
    use http::{HeaderValue, header};
    let key = tokio_tungstenite::tungstenite::handshake::client::generate_key();
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    if let Ok(key) = HeaderValue::from_str(&key) {
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
    }
    request
}

/// Goes on with a WebSocket that has taken over from polling.
pub(crate) async fn go_on(
    reader: &mut Reader,
    socket: Socket,
    queue: mpsc::UnboundedReceiver<Outgoing>,
) -> Reason {
    let (sink, stream) = socket.split();
    serve(reader, sink, stream, queue).await
}

async fn serve(
    reader: &mut Reader,
    sink: Sink,
    stream: Stream,
    queue: mpsc::UnboundedReceiver<Outgoing>,
) -> Reason {
    tokio::select! {
        reason = read(reader, stream) => reason,
        reason = write(sink, queue) => reason,
    }
}

async fn read(reader: &mut Reader, mut stream: Stream) -> Reason {
    loop {
        let message = match reader.wait(stream.next()).await {
            Ok(message) => message,
            Err(reason) => return reason,
        };
        match message {
            Some(Ok(Message::Text(text))) => {
                if let Err(reason) = reader.text(&text) {
                    return reason;
                }
            }
            Some(Ok(Message::Binary(payload))) => reader.binary(payload),
            Some(Ok(Message::Close(frame))) => {
                reader.close_code(frame.map_or(1005, |frame| u16::from(frame.code)));
            }
            Some(Ok(_)) => {}
            None => return Reason::TransportClose,
            Some(Err(error)) => return reason_of(&error),
        }
    }
}

fn reason_of(error: &Error) -> Reason {
    use std::io::ErrorKind;
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Reason::TransportClose,
        Error::Io(error)
            if matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
            ) =>
        {
            Reason::TransportClose
        }
        _ => Reason::TransportError,
    }
}

/// Writes what is queued. A transport that takes nothing more is noticed by whoever reads.
async fn write(mut sink: Sink, mut queue: mpsc::UnboundedReceiver<Outgoing>) -> Reason {
    while let Some(outgoing) = queue.recv().await {
        let written = async {
            let mut next = Some(outgoing);
            while let Some(outgoing) = next {
                if let Some(message) = message(outgoing) {
                    sink.feed(message).await?;
                }
                next = queue.try_recv().ok();
            }
            sink.flush().await
        };
        if written.await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

fn message(outgoing: Outgoing) -> Option<Message> {
    Some(match outgoing {
        Outgoing::Text(text) => Message::text(text),
        Outgoing::Binary(payload) => Message::binary(payload),
        Outgoing::Close => {
            Message::Close(Some(tokio_tungstenite::tungstenite::protocol::CloseFrame {
                code: CloseCode::Normal,
                reason: "".into(),
            }))
        }
        Outgoing::Upgrade(done) => {
            // It is one already.
            let _ = done.send(());
            return None;
        }
    })
}
