//! The answers of an Engine.IO server, header for header as `engine.io` gives them.
//!
//! Cross-origin headers are added by [`Cors::apply`](super::Cors::apply) to whatever comes from here.

use bytes::Bytes;
use flate2::Compression as Level;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{Compression, Jsonp, RequestError};
use crate::service::Body;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
// Node says text/plain here too, which a page that forbids guessing of types would not run.
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A refusal: JSON; for an upgrade 400 and the bare message, after which the transport is closed.
pub(crate) fn error_response(error: &RequestError, is_upgrade: bool) -> Response<Body> {
    if is_upgrade {
        let message = error.message().to_owned();
        let mut response = answer(StatusCode::BAD_REQUEST, HTML, message);
        close(&mut response);
        return response;
    }
    answer(error.status(), JSON, error.to_json())
}

/// The first answer of a polling session. `text` is the finished packet, `0{…}`.
pub(crate) fn open_response(text: String, jsonp: Option<&Jsonp>) -> Response<Body> {
    poll_response(text, &HeaderMap::new(), jsonp, Compression::OFF)
}

/// The answer to a poll: packets, compressed if they are large and `request` takes it.
pub(crate) fn poll_response(
    body: String,
    request: &HeaderMap,
    jsonp: Option<&Jsonp>,
    compression: Compression,
) -> Response<Body> {
    let (kind, body) = match jsonp {
        Some(jsonp) => (SCRIPT, jsonp.wrap(&body)),
        None => (TEXT, body),
    };
    let coding = compression.choose(body.len(), request);
    // Speed before size: the answer is made while the client waits.
    let encoded = coding.and_then(|c| Some((c, c.encode(body.as_bytes(), Level::fast()).ok()?)));
    let mut response = match encoded {
        Some((coding, bytes)) => {
            let mut response = answer(StatusCode::OK, kind, bytes);
            let name = HeaderValue::from_static(coding.as_str());
            set(&mut response, header::CONTENT_ENCODING, name);
            response
        }
        None => answer(StatusCode::OK, kind, body),
    };
    no_store(&mut response);
    response
}

/// The answer to a post that was taken.
pub(crate) fn post_ok() -> Response<Body> {
    let mut response = answer(StatusCode::OK, HTML, "ok");
    no_store(&mut response);
    response
}

/// A post larger than the limit. The rest of it is not read, so the transport is closed.
pub(crate) fn too_large() -> Response<Body> {
    let mut response = empty(StatusCode::PAYLOAD_TOO_LARGE);
    close(&mut response);
    response
}

/// A post of which nothing came for too long. Its session ends, and its transport is closed.
pub(crate) fn too_slow() -> Response<Body> {
    let mut response = empty(StatusCode::REQUEST_TIMEOUT);
    close(&mut response);
    response
}

/// A second poll or post beside the first, or a post of binary: 400 without a body. The session ends
/// with it.
pub(crate) fn overlap() -> Response<Body> {
    empty(StatusCode::BAD_REQUEST)
}

/// A method that a session knows nothing of: 500 without a body.
pub(crate) fn internal() -> Response<Body> {
    empty(StatusCode::INTERNAL_SERVER_ERROR)
}

fn answer(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let body = body.into();
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, kind);
    set(&mut response, header::CONTENT_LENGTH, length);
    response
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    let none = HeaderValue::from_static("0");
    set(&mut response, header::CONTENT_LENGTH, none);
    response
}

fn set(response: &mut Response<Body>, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}

fn no_store(response: &mut Response<Body>) {
    let value = HeaderValue::from_static("no-store");
    set(response, header::CACHE_CONTROL, value);
}

fn close(response: &mut Response<Body>) {
    let value = HeaderValue::from_static("close");
    set(response, header::CONNECTION, value);
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;

    /// Status, headers by name, body.
    fn shown(response: Response<Body>) -> (u16, Vec<String>, Vec<u8>) {
        let (head, body) = response.into_parts();
        let mut headers: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let body = runtime.block_on(body.collect()).unwrap().to_bytes();
        (head.status.as_u16(), headers, body.to_vec())
    }

    fn owned(headers: &[&str]) -> Vec<String> {
        headers.iter().map(|&h| h.to_owned()).collect()
    }

    #[test]
    fn polls_and_posts() {
        let text = "0{\"sid\":\"é\"}".to_owned();
        let headers = owned(&[
            "cache-control: no-store",
            "content-length: 13",
            "content-type: text/plain; charset=UTF-8",
        ]);
        let body = text.clone().into_bytes();
        assert_eq!(shown(open_response(text, None)), (200, headers, body));
        let headers = owned(&[
            "cache-control: no-store",
            "content-length: 2",
            "content-type: text/html",
        ]);
        assert_eq!(shown(post_ok()), (200, headers, b"ok".to_vec()));
    }

    #[test]
    fn jsonp_is_a_script() {
        let (_, headers, body) = shown(open_response("6".to_owned(), Some(&Jsonp::new("7"))));
        assert_eq!(body, br#"___eio[7]("6");"#);
        assert!(headers.contains(&"content-type: text/javascript; charset=UTF-8".to_owned()));
        assert!(headers.contains(&"content-length: 15".to_owned()));
    }

    #[test]
    fn large_polls_are_compressed_where_that_is_wanted() {
        let mut request = HeaderMap::new();
        request.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let text = "4 hello".repeat(1_000);
        let threshold = Some(1_024);
        let response = poll_response(text.clone(), &request, None, Compression { threshold });
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        let (_, headers, body) = shown(response);
        assert!(headers.contains(&format!("content-length: {}", body.len())));
        assert!(body.len() < 200);
        let mut back = String::new();
        flate2::read::GzDecoder::new(&body[..])
            .read_to_string(&mut back)
            .unwrap();
        assert_eq!(back, text);
        let plain = poll_response(text.clone(), &request, None, Compression::OFF);
        assert_eq!(shown(plain).2, text.as_bytes());
    }

    #[test]
    fn errors_are_json_and_on_an_upgrade_bare() {
        let error = RequestError::Forbidden("go away".into());
        let headers = owned(&["content-length: 30", "content-type: application/json"]);
        let body = br#"{"code":4,"message":"go away"}"#.to_vec();
        assert_eq!(shown(error_response(&error, false)), (403, headers, body));
        let headers = owned(&[
            "connection: close",
            "content-length: 7",
            "content-type: text/html",
        ]);
        let body = b"go away".to_vec();
        assert_eq!(shown(error_response(&error, true)), (400, headers, body));
    }

    #[test]
    fn answers_without_a_body() {
        let none = owned(&["content-length: 0"]);
        assert_eq!(shown(overlap()), (400, none.clone(), Vec::new()));
        assert_eq!(shown(internal()), (500, none, Vec::new()));
        let closing = owned(&["connection: close", "content-length: 0"]);
        assert_eq!(shown(too_large()), (413, closing.clone(), Vec::new()));
        assert_eq!(shown(too_slow()), (408, closing, Vec::new()));
    }
}
