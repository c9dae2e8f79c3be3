//! HTTP long-polling over two pipes in memory, as a browser has two connections.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use switchboard_server::Io;
use switchboard_wire::engine::{self, Open, Packet, Part};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    builder::{ConnectFailure, Settings},
    engine::{Engine, Facts, Listener, Outgoing, Reader},
    reason::Reason,
};

/// One HTTP connection; dropping it cuts it.
struct Http {
    send: SendRequest<Full<Bytes>>,
    _task: JoinSet<()>,
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
    let (outgoing, queue) = mpsc::unbounded_channel();
    let (reading, may_read) = watch::channel(true);
    let mut reader = Reader::new(Arc::clone(&facts), listener, outgoing.clone(), may_read);
    let serve = async move {
        let post = request.clone();
        let reason = tokio::select! {
            reason = poll(&mut reader, polls, request) => reason,
            reason = write(posts, post, queue) => reason,
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
        let stream = TokioIo::new(settings.pipe(io));
        let (send, connection) = handshake(stream)
            .await
            .map_err(|error| ConnectFailure::Protocol(error.to_string()))?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // Whoever waits for an answer is told.
            let _ = connection.await;
        });
        Ok(Self { send, _task: task })
    }

    async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, String), ConnectFailure> {
        let failed = |error: hyper::Error| ConnectFailure::Protocol(error.to_string());
        let response = self.send.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(failed)?;
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok((status, body))
    }
}

async fn poll(reader: &mut Reader, mut polls: Http, request: Request<Full<Bytes>>) -> Reason {
    loop {
        let answer = match reader.wait(polls.ask(request.clone())).await {
            Ok(Ok((StatusCode::OK, body))) => body,
            Ok(_) => return Reason::TransportError,
            Err(reason) => return reason,
        };
        for part in engine::decode_payload(&answer) {
            let done = match part {
                Ok(Part::Packet(packet)) => reader.text(&packet.encode()),
                Ok(Part::Binary(payload)) => {
                    reader.binary(payload.into());
                    Ok(())
                }
                Err(_) => Err(Reason::ParseError),
            };
            if let Err(reason) = done {
                return reason;
            }
        }
    }
}

/// Posts what is queued, all that waits at a time.
async fn write(
    mut posts: Http,
    request: Request<Full<Bytes>>,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) -> Reason {
    while let Some(outgoing) = queue.recv().await {
        let mut body = String::new();
        let mut next = Some(outgoing);
        let mut closes = false;
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Text(text) => engine::push_text(&mut body, &text),
                Outgoing::Binary(payload) => engine::push_binary(&mut body, &payload),
                Outgoing::Close => {
                    closes = true;
                    engine::push_text(&mut body, &Packet::Close.encode());
                }
            }
            next = queue.try_recv().ok();
        }
        let mut post = request.clone();
        *post.method_mut() = http::Method::POST;
        *post.body_mut() = Full::new(body.into());
        match posts.ask(post).await {
            Ok((StatusCode::OK, _)) if closes => return Reason::TransportClose,
            Ok((StatusCode::OK, _)) => {}
            _ => return Reason::TransportError,
        }
    }
    std::future::pending().await
}
