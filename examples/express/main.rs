//! The tutorial "Socket.io with Express" in Rust: each of its snippets has its twin here, under a comment
//! that says which. What in the tutorial does not work, works here; such places say "Tutorial:".
//!
//! ```sh
//! cargo run --example express             # http://127.0.0.1:3001/, in two tabs
//! RUST_LOG=express=info cargo run --example express
//! ```
//!
//! | file | twin of |
//! |---|---|
//! | `main.rs` | the basic server, and the namespace `/chats` |
//! | `users.rs` | managing users, private messages |
//! | `emits.rs` | emitting messages, connection ids, rooms |
//! | `index.html` | the page that the tutorial serves and does not show |
//!
//! There is one node here, and no Redis. With an adapter that reaches others, all calls stay as they are.

mod emits;
mod users;

use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use switchboard::{
    prelude::{Drain, Listener},
    server::{Body, CorsConfig},
    socketio::{Handshake, Io, IoConfig, Socket},
};
use switchboard_examples::{StopSignals, client_dir, log_to_stderr, port};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    log_to_stderr();

    // "Creating a basic server":
    //   const io = new Server(server, { cors: { origin: "*", methods: ["GET", "POST"] } });
    let cors = CorsConfig::new("*").with_methods(["GET", "POST"]);
    let mut config = IoConfig::default().with_cors(cors);
    if let Some(directory) = client_dir() {
        config = config.with_client_dir(directory);
    }
    let io = Io::builder(config)
        .with_state(users::Users::default())
        .build()?;

    //   io.on("connection", (socket) => {
    //     console.log("we have a new connection", { query: socket.handshake.query });
    //     console.log(socket.id);
    //   });
    io.on_connect(async |socket: Socket| {
        let query: Vec<_> = Handshake::queries(socket.handshake()).collect();
        tracing::info!(?query, "we have a new connection");
        tracing::info!(id = %socket.id());
    });
    users::install(&io);
    emits::install(io.root().handlers());

    // "Creating namespaces":
    //   const chatsNameSpace = io.of("/chats");
    //   chatsNameSpace.on("connection", async (socket) => {
    //     console.log("connected to the chat namespace: " + socket.id);
    //     socket.on("disconnect", () => console.log("disconnected"));
    //   });
    let chats = io.of("/chats");
    chats.on_connect(async |socket: Socket| {
        tracing::info!("connected to the chat namespace: {}", socket.id());
    });
    chats.on_disconnect(async || tracing::info!("disconnected"));
    // It has rooms and operators of its own.
    emits::install(chats.handlers());

    //   const PORT = 3001 || process.env.PORT;
    // Tutorial: that is always 3001.
    let port = port(3001)?;
    let listener = Listener::bind(("127.0.0.1", port), io.config().listener_config()).await?;
    let server = listener.with_http(page).with_io(io).serve_io()?;
    let mut signals = StopSignals::listen()?;
    //   server.listen(PORT, () => console.log(`The server is running on port: ${PORT}`));
    println!("listening on http://{}/", server.local_addr());

    let signal = signals.next().await;
    println!("{signal}: closing");
    let drain = Drain::per_second(100).until(Duration::from_secs(25));
    tokio::select! {
        report = server.shutdown(drain) => println!("bye; {} closed", report?.closed),
        again = signals.next() => anyhow::bail!("{again} again: ended in the middle of the drain"),
    }
    Ok(())
}

/// ```js
/// app.get("/", (_req, res) => res.status(200).sendFile(__dirname + "/index.html"));
/// ```
async fn page<B>(request: Request<B>) -> Response<Body> {
    let is_page = request.uri().path() == "/"
        && (request.method() == Method::GET || request.method() == Method::HEAD);
    if !is_page {
        let mut response = Response::new(Body::from("Nothing here. The page is at /."));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut response = Response::new(Body::from(include_str!("index.html")));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}
