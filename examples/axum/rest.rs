//! The HTTP routes, and Socket.IO as a layer around them.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, Request, State},
    http::{Method, StatusCode, Uri},
    middleware::map_request,
    response::{Html, IntoResponse},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use switchboard::socketio::{Io, Peer};

use crate::chat::{Message, Messages, User};

pub(crate) fn routes(io: &Io) -> Router {
    Router::new()
        .route("/", get(Html(include_str!("index.html"))))
        .route("/messages", get(messages))
        .route("/notify/{user}", post(notify))
        .route("/live", get(health))
        .route("/ready", get(health))
        // Numbers of this node. Put it behind your own authentication, or leave it out.
        .route("/usage", get(health))
        .with_state(io.clone())
        // Takes what is under `/socket.io/`; the routes above see all else.
        .layer(io.layer())
        // Outside of it: what it knows of clients' addresses.
        .layer(map_request(peer))
}

/// What was said lately, for whoever does not listen.
async fn messages(State(io): State<Io>) -> Json<Vec<Message>> {
    let messages = io.state::<Messages>();
    Json(messages.map(|kept| kept.all()).unwrap_or_default())
}

/// What only one user is to know.
#[derive(Debug, Serialize, Deserialize)]
struct Notice {
    text: String,
}

#[derive(Debug, Serialize)]
struct Notified {
    /// How many sockets of this user took it, on this node.
    reached: usize,
}

/// Sends to all sockets of one user, and to nobody else. An HTTP handler, a job, a timer: whoever has the
/// [`Io`] may send.
async fn notify(
    State(io): State<Io>,
    Path(user): Path<String>,
    Json(notice): Json<Notice>,
) -> Result<(StatusCode, Json<Notified>), StatusCode> {
    let user = User::new(&user).ok_or(StatusCode::BAD_REQUEST)?;
    let report = io.to(user.room()).emit("notification", &notice);
    let report = report.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let reached = report.queued;
    Ok((StatusCode::ACCEPTED, Json(Notified { reached })))
}

/// `/live`, `/ready` and `/usage`.
async fn health(State(io): State<Io>, method: Method, uri: Uri) -> impl IntoResponse {
    io.health(&method, uri.path()).ok_or(StatusCode::NOT_FOUND)
}

/// Says where a request comes from: axum knows it, and limits per address want it.
async fn peer(ConnectInfo(address): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    let secure = false;
    request.extensions_mut().insert(Peer { address, secure });
    request
}
