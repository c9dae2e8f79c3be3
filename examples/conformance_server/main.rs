//! A Socket.IO server that lets any client drive every feature by events: what the foreign test-suites talk to.
//!
//! `PORT` says where to listen, `PARSER=msgpack` changes the parser, `RECOVERY=1` switches connection state
//! recovery on, `CLIENT_DIR` serves the browser's client, `REDIS_URL` makes it a node of the cluster there, `NAME`
//! is what it answers to other servers of its cluster.

mod cluster;
mod events;

use std::time::Duration;

use switchboard::{
    prelude::*,
    redis::{RedisAdapter, RedisConfig},
    server::CorsConfig,
    socketio::{Auth, HandlerError, Handlers, Io, IoConfig, Parser, Recovery, Value},
};

#[derive(serde::Deserialize)]
struct Credentials {
    token: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    switchboard_examples::log_to_stderr();
    let port = switchboard_examples::port(0)?;
    let mut io = Io::builder(config()?).with_state(events::Reasons::default());
    if let Ok(url) = std::env::var("REDIS_URL") {
        let redis = RedisConfig::new(url).with_requests_timeout(Duration::from_secs(2));
        io = io.with_adapter(RedisAdapter::new(redis)?);
    }
    let io = io.build()?;
    let name = std::env::var("NAME").unwrap_or_else(|_| "sut".to_owned());
    let install = |handlers: &Handlers| {
        events::install(handlers);
        cluster::install(handlers, &name);
    };
    install(io.root().handlers());
    let admin = io.of("/admin");
    admin.middleware(|auth: Result<Auth<Option<Credentials>>, _>| async move {
        let token = auth.ok().and_then(|Auth(credentials)| credentials?.token);
        if token.as_deref() == Some("sesame") {
            return Ok(());
        }
        let data = Value::Object(vec![("code".into(), 401.into())]);
        Err(HandlerError::new("not authorized").with_data(data))
    });
    install(admin.handlers());
    let digits = regex::Regex::new(r"^/dyn-\d+$")?;
    install(io.of_dynamic(digits).handlers());
    let listener = Listener::bind(("127.0.0.1", port), io.config().listener_config()).await?;
    let address = listener.local_addr()?;
    let _server = listener.with_io(io).serve_io()?;
    println!("listening on http://{address}");
    tokio::signal::ctrl_c().await?;
    Ok(())
}

fn config() -> anyhow::Result<IoConfig> {
    let mut config = IoConfig::default()
        .with_ping_interval(Duration::from_secs(2))
        .with_ping_timeout(Duration::from_secs(1))
        .with_connect_timeout(Duration::from_millis(1500))
        .with_cors(CorsConfig::new("*").with_methods(["GET", "POST"]))
        .with_message_rate(None)
        .with_control_rate(None)
        .with_connect_rate(None);
    if std::env::var("PARSER").is_ok_and(|parser| parser == "msgpack") {
        config = config.with_parser(Parser::Msgpack);
    }
    if switchboard_examples::number("RECOVERY", 0)? > 0 {
        config = config.with_connection_state_recovery(Some(Recovery::default()));
    }
    if let Ok(directory) = std::env::var("CLIENT_DIR") {
        config = config.with_client_dir(directory);
    }
    Ok(config)
}
