//! HTTP long-polling over two pipes in memory, as a browser has two connections.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    future::{BoxFuture, OptionFuture},
};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use switchboard_server::Io;
use switchboard_wire::engine::{self, Open, Packet, Part};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    builder::{ConnectFailure, Settings},
    engine::{Engine, Facts, Listener, Outgoing, Reader},
    reason::Reason,
    websocket::{self, Socket},
};

/// One HTTP connection at a time, opened anew when the server has closed an idle one; dropping it cuts it.
struct Http {
    io: Io,
    settings: Settings,
    send: SendRequest<Full<Bytes>>,
    tasks: JoinSet<()>,
}

/// Opens a session that polls.
pub(crate) async fn open(
    io: &Io,
    settings: &Settings,
    listener: Listener,
) -> Result<Engine, ConnectFailure> {
    let mut polls = Http::new(io, settings).await?;
    let request = settings.request(io, "http", "polling", None)?;
    let (status, greeting) = polls.ask(request).await?;
    if status != StatusCode::OK {
        return Err(ConnectFailure::Http {
            status: status.as_u16(),
            body: greeting,
        });
    }
    let open = match Packet::decode(&greeting) {
        Ok(Packet::Open(json)) => serde_json::from_str(json).ok(),
        _ => None,
    };
    let open: Open = open.ok_or(ConnectFailure::Protocol(greeting))?;
    let request = settings.request(io, "http", "polling", Some(&open.sid))?;
    let posts = Http::new(io, settings).await?;
    let facts = Arc::new(Facts {
        open,
        close_code: OnceLock::new(),
    });
    let (outgoing, mut queue) = mpsc::unbounded_channel();
    let (reading, may_read) = watch::channel(true);
    let mut reader = Reader::new(Arc::clone(&facts), listener, outgoing.clone(), may_read);
    let serve = async move {
        let sid = reader.sid();
        let upgraded = {
            let stop = AtomicBool::new(false);
            let polling = poll(&mut reader, polls, request.clone(), &stop);
            let writing = write(posts, request, &mut queue, sid, &stop);
            // The one ends with a reason, or both when the WebSocket is to take over.
            futures_util::future::try_join(polling, writing).await
        };
        let reason = match upgraded {
            Ok(((), (mut socket, done))) => {
                // Whether it is still there is seen by whoever reads it.
                let upgrade = Message::text(Packet::Upgrade.encode());
                let _ = socket.send(upgrade).await;
                // If nobody waits any more, it has changed all the same.
                let _ = done.send(());
                websocket::go_on(&mut reader, socket, queue).await
            }
            Err(reason) => reason,
        };
        reader.ended(reason);
    };
    Ok(Engine {
        outgoing,
        reading,
        facts,
        task: tokio::spawn(serve).abort_handle(),
    })
}

impl Http {
    async fn new(io: &Io, settings: &Settings) -> Result<Self, ConnectFailure> {
        let mut tasks = JoinSet::new();
        Ok(Self {
            send: Self::dial(io, settings, &mut tasks).await?,
            io: io.clone(),
            settings: settings.clone(),
            tasks,
        })
    }

    async fn dial(
        io: &Io,
        settings: &Settings,
        tasks: &mut JoinSet<()>,
    ) -> Result<SendRequest<Full<Bytes>>, ConnectFailure> {
        let stream = TokioIo::new(settings.pipe(io));
        let (send, connection) = handshake(stream)
            .await
            .map_err(|error| ConnectFailure::Protocol(error.to_string()))?;
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            // Whoever waits for an answer is told.
            let _ = connection.await;
        });
        Ok(send)
    }

    /// A WebSocket for the same session, on which the server has answered the probe.
    fn probe(&self, sid: &str) -> OptionFuture<BoxFuture<'static, Option<Socket>>> {
        let (io, settings) = (self.io.clone(), self.settings.clone());
        let sid = sid.to_owned();
        let probing: BoxFuture<'static, _> =
            Box::pin(async move { probed(&io, &settings, &sid).await });
        Some(probing).into()
    }

    async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, String), ConnectFailure> {
        let failed = |error: hyper::Error| ConnectFailure::Protocol(error.to_string());
        if self.send.ready().await.is_err() {
            self.send = Self::dial(&self.io, &self.settings, &mut self.tasks).await?;
        }
        let response = self.send.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(failed)?;
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok((status, body))
    }
}

/// Polls until the session ends, or until the answer to a poll after `stop`.
async fn poll(
    reader: &mut Reader,
    mut polls: Http,
    request: Request<Full<Bytes>>,
    stop: &AtomicBool,
) -> Result<(), Reason> {
    while !stop.load(Ordering::Relaxed) {
        let answered = reader.wait(polls.ask(request.clone())).await?;
        let Ok((StatusCode::OK, answer)) = answered else {
            return Err(Reason::TransportError);
        };
        for part in engine::decode_payload(&answer) {
            match part {
                Ok(Part::Packet(packet)) => reader.text(&packet.encode())?,
                Ok(Part::Binary(payload)) => reader.binary(payload.into()),
                Err(_) => return Err(Reason::ParseError),
            }
        }
    }
    Ok(())
}

type Upgraded = (Socket, oneshot::Sender<()>);

/// Posts what is queued, all that waits at a time, until a WebSocket is there that is to take over.
async fn write(
    mut posts: Http,
    request: Request<Full<Bytes>>,
    queue: &mut mpsc::UnboundedReceiver<Outgoing>,
    sid: String,
    stop: &AtomicBool,
) -> Result<Upgraded, Reason> {
    let mut probing = OptionFuture::<BoxFuture<'static, Option<Socket>>>::from(None);
    let mut asked = None;
    loop {
        let outgoing = tokio::select! {
            socket = &mut probing, if asked.is_some() => {
                if let (Some(socket), Some(done)) = (socket.flatten(), asked.take()) {
                    stop.store(true, Ordering::Relaxed);
                    return Ok((socket, done));
                }
                // It goes on polling, as a real client does.
                continue;
            }
            outgoing = queue.recv() => outgoing,
        };
        let mut body = String::new();
        let mut next = outgoing;
        let mut closes = false;
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Text(text) => engine::push_text(&mut body, &text),
                Outgoing::Binary(payload) => engine::push_binary(&mut body, &payload),
                Outgoing::Close => {
                    closes = true;
                    engine::push_text(&mut body, &Packet::Close.encode());
                }
                Outgoing::Upgrade(done) => {
                    asked = Some(done);
                    probing = posts.probe(&sid);
                }
            }
            next = queue.try_recv().ok();
        }
        if body.is_empty() {
            continue;
        }
        let mut post = request.clone();
        *post.method_mut() = http::Method::POST;
        *post.body_mut() = Full::new(body.into());
        match posts.ask(post).await {
            Ok((StatusCode::OK, _)) if closes => return Err(Reason::TransportClose),
            Ok((StatusCode::OK, _)) => {}
            _ => return Err(Reason::TransportError),
        }
    }
}

async fn probed(io: &Io, settings: &Settings, sid: &str) -> Option<Socket> {
    let mut socket = websocket::dial(io, settings, Some(sid)).await.ok()?;
    let probe = Message::text(Packet::Ping("probe").encode());
    socket.send(probe).await.ok()?;
    match socket.next().await {
        Some(Ok(Message::Text(text))) if Packet::decode(&text) == Ok(Packet::Pong("probe")) => {
            Some(socket)
        }
        _ => None,
    }
}
