//! The answers as hyper writes them, beside what `socket.io` 4.8.4 (`engine.io` 6.6.12) wrote to the
//! same request. Left out are headers of the HTTP server itself: date, keep-alive, chunks.

use std::convert::Infallible;

use http::{HeaderMap, Method, Request, Response, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    options::{EngineTransport, IoConfig},
    service::Body,
};

const SID: &str = "QUBCWG7Hbr_rHXg9AAAA";
const OPEN: &str = r#"0{"sid":"QUBCWG7Hbr_rHXg9AAAA"}"#;

/// What a server with these settings answers; it knows one polling session.
fn answer(config: &IoConfig, method: &Method, query: Option<&str>, headers: &HeaderMap) -> Answer {
    let cors = config.cors.as_ref().and_then(Cors::new);
    let settings = Settings::from(config);
    let is_upgrade = headers.contains_key(header::UPGRADE);
    let view = SessionView {
        transport: EngineTransport::Polling,
        upgrading: false,
    };
    let lookup = |sid: &str| (sid == SID).then_some(view);
    let query = EngineQuery::parse(query).unwrap();
    let mut response = match judge(method, headers, &query, is_upgrade, settings, lookup) {
        Ok(Asked::Open { .. }) => {
            let jsonp = query.j().map(Jsonp::new);
            let mut response = answer::open_response(OPEN.to_owned(), jsonp.as_ref());
            if let Some(cookie) = &config.cookie {
                let cookie = set_cookie(cookie, &Sid::parse(SID).unwrap()).unwrap();
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(Asked::Poll { .. }) => answer::overlap(),
        Ok(Asked::Post { .. }) => answer::post_ok(),
        Ok(Asked::Options) => return cors.unwrap().preflight(headers),
        Ok(_) => answer::internal(),
        Err(error) => answer::error_response(&error, is_upgrade),
    };
    if let Some(cors) = cors.filter(|_| !is_upgrade) {
        cors.apply(headers, response.headers_mut());
    }
    response
}

type Answer = Response<Body>;

/// Status line, headers in order of their names, body.
async fn exchange(config: &str, request: &str) -> String {
    let config = IoConfig::from_json(config).unwrap();
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let service = service_fn(move |request: Request<Incoming>| {
        let (method, query) = (request.method(), request.uri().query());
        let response = answer(&config, method, query, request.headers());
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(server), service)
        .with_upgrades();
    tokio::spawn(connection);
    let request = request.replace('\n', "\r\n");
    let (line, rest) = request.split_once("\r\n").unwrap();
    let request = format!("{line}\r\nHost: x\r\nConnection: close\r\n{rest}\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap();
    let mut headers: Vec<_> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| format!("{}: {value}\n", name.to_ascii_lowercase()))
        .filter(|line| {
            !["date: ", "connection: "]
                .iter()
                .any(|own| line.starts_with(own))
        })
        .collect();
    headers.sort();
    format!("{status}\n{}{body}", headers.concat())
}

#[tokio::test]
async fn a_session_opens() {
    let opened = exchange("{}", "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\n").await;
    let expected = format!(
        "HTTP/1.1 200 OK\n\
         cache-control: no-store\n\
         content-length: {}\n\
         content-type: text/plain; charset=UTF-8\n\
         {OPEN}",
        OPEN.len()
    );
    assert_eq!(opened, expected);
    let with_cookie = exchange(
        r#"{"cookie": true}"#,
        "GET /?EIO=4&transport=polling HTTP/1.1\n",
    )
    .await;
    let cookie = format!("set-cookie: io={SID}; Path=/; HttpOnly; SameSite=Lax\n");
    assert!(with_cookie.contains(&cookie), "{with_cookie}");
}

#[tokio::test]
async fn errors_carry_cross_origin_headers() {
    let config = r#"{"cors": {"origin": ["https://a.example"], "credentials": true}}"#;
    let request = "GET /?EIO=4&transport=nope HTTP/1.1\nOrigin: https://a.example\n";
    assert_eq!(
        exchange(config, request).await,
        "HTTP/1.1 400 Bad Request\n\
         access-control-allow-credentials: true\n\
         access-control-allow-origin: https://a.example\n\
         content-length: 40\n\
         content-type: application/json\n\
         vary: Origin\n\
         {\"code\":0,\"message\":\"Transport unknown\"}"
    );
}

/// Node says `Content-Length: 0` beside its 204; hyper leaves it out, as RFC 9110 §8.6 asks.
#[tokio::test]
async fn a_preflight() {
    let config = r#"{"cors": {"origin": "*", "methods": ["GET", "POST"]}}"#;
    let request = "OPTIONS /?EIO=4&transport=polling HTTP/1.1\nOrigin: https://a.example\n\
                   Access-Control-Request-Method: POST\n\
                   Access-Control-Request-Headers: content-type,x-z\n";
    let answer = exchange(config, request).await;
    assert_eq!(
        answer,
        "HTTP/1.1 204 No Content\n\
         access-control-allow-headers: content-type,x-z\n\
         access-control-allow-methods: GET,POST\n\
         access-control-allow-origin: *\n\
         vary: Access-Control-Request-Headers\n"
    );
}

#[tokio::test]
async fn posts_and_other_methods() {
    let request = |method: &str| {
        format!("{method} /?EIO=4&transport=polling&sid={SID} HTTP/1.1\nContent-Length: 0\n")
    };
    assert_eq!(
        exchange("{}", &request("POST")).await,
        "HTTP/1.1 200 OK\n\
         cache-control: no-store\n\
         content-length: 2\n\
         content-type: text/html\n\
         ok"
    );
    assert_eq!(
        exchange("{}", &request("PUT")).await,
        "HTTP/1.1 500 Internal Server Error\ncontent-length: 0\n"
    );
}

#[tokio::test]
async fn a_refused_upgrade() {
    let request = "GET /?EIO=4&transport=websocket&sid=abc HTTP/1.1\nUpgrade: websocket\n";
    assert_eq!(
        exchange("{}", request).await,
        "HTTP/1.1 400 Bad Request\n\
         content-length: 18\n\
         content-type: text/html\n\
         Session ID unknown"
    );
}
