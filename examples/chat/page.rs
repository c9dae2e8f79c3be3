//! The page's files, compiled in: the program needs nothing beside it.

use http::{HeaderValue, Method, Response, StatusCode, header};
use switchboard::server::Body;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, content type, content.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("page/index.html")),
    ("/style.css", CSS, include_str!("page/style.css")),
    ("/app.js", SCRIPT, include_str!("page/app.js")),
    ("/line.js", SCRIPT, include_str!("page/line.js")),
    ("/plain.js", SCRIPT, include_str!("page/plain.js")),
    ("/socket-io.js", SCRIPT, include_str!("page/socket-io.js")),
    ("/model.js", SCRIPT, include_str!("page/model.js")),
    ("/view.js", SCRIPT, include_str!("page/view.js")),
    ("/messages.js", SCRIPT, include_str!("page/messages.js")),
    ("/sparkline.js", SCRIPT, include_str!("page/sparkline.js")),
    ("/names.js", SCRIPT, include_str!("page/names.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
];

/// Answers a request that asks for no WebSocket.
pub(crate) fn answer(method: &Method, path: &str) -> Response<Body> {
    let file = FILES.iter().find(|(name, ..)| *name == path);
    match file {
        _ if method != Method::GET && method != Method::HEAD => {
            respond(StatusCode::METHOD_NOT_ALLOWED, HTML, "")
        }
        Some((_, kind, content)) => respond(StatusCode::OK, kind, content),
        None => respond(
            StatusCode::NOT_FOUND,
            HTML,
            "Nothing here. The chat is at <a href=\"/\">/</a>.",
        ),
    }
}

fn respond(status: StatusCode, kind: &'static str, content: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Page and server are of one version: ask each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
