//! What is expected here was captured from the npm package `cors` 2.8, by way of `socket.io` 4.8.4.

use super::*;

const A: &str = "https://a.example";
const C: &str = "https://c.example";

fn rules(json: &str) -> Cors {
    let config: CorsConfig = serde_json::from_str(json).unwrap();
    Cors::new(&config).unwrap()
}

fn request(origin: Option<&str>, headers: Option<&str>) -> HeaderMap {
    let mut request = HeaderMap::new();
    if let Some(origin) = origin {
        let origin = HeaderValue::from_str(origin).unwrap();
        request.insert(header::ORIGIN, origin);
    }
    if let Some(headers) = headers {
        let headers = HeaderValue::from_str(headers).unwrap();
        request.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, headers);
    }
    request
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

fn actual(cors: &Cors, origin: Option<&str>) -> Vec<String> {
    let mut answer = HeaderMap::new();
    cors.apply(&request(origin, None), &mut answer);
    lines(&answer)
}

fn preflight(cors: &Cors, origin: Option<&str>, headers: Option<&str>) -> Vec<String> {
    let response = cors.preflight(&request(origin, headers));
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    lines(response.headers())
}

#[test]
fn any_origin_with_two_methods() {
    let cors = rules(r#"{"origin": "*", "methods": ["GET", "POST"]}"#);
    for origin in [None, Some(A), Some(C)] {
        assert_eq!(actual(&cors, origin), ["access-control-allow-origin: *"]);
    }
    assert_eq!(
        preflight(&cors, Some(A), Some("content-type,x-z")),
        [
            "access-control-allow-headers: content-type,x-z",
            "access-control-allow-methods: GET,POST",
            "access-control-allow-origin: *",
            "content-length: 0",
            "vary: Access-Control-Request-Headers",
        ]
    );
    assert_eq!(
        preflight(&cors, None, None),
        [
            "access-control-allow-methods: GET,POST",
            "access-control-allow-origin: *",
            "content-length: 0",
            "vary: Access-Control-Request-Headers",
        ]
    );
}

#[test]
fn a_list_with_everything() {
    let cors = rules(
        r#"{"origin": ["https://a.example", "https://b.example"], "credentials": true,
            "allowedHeaders": ["x-a", "x-b"], "exposedHeaders": ["x-c"], "maxAge": 600}"#,
    );
    let on_the_list = [
        "access-control-allow-credentials: true",
        "access-control-allow-origin: https://a.example",
        "access-control-expose-headers: x-c",
        "vary: Origin",
    ];
    assert_eq!(actual(&cors, Some(A)), on_the_list);
    let others = [
        "access-control-allow-credentials: true",
        "access-control-expose-headers: x-c",
        "vary: Origin",
    ];
    assert_eq!(actual(&cors, Some(C)), others);
    assert_eq!(actual(&cors, None), others);
    assert_eq!(
        preflight(&cors, Some(A), Some("content-type,x-z")),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-headers: x-a,x-b",
            "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
            "access-control-allow-origin: https://a.example",
            "access-control-expose-headers: x-c",
            "access-control-max-age: 600",
            "content-length: 0",
            "vary: Origin",
        ]
    );
}

#[test]
fn whoever_asks() {
    let cors = rules(r#"{"origin": true, "credentials": true}"#);
    assert_eq!(
        actual(&cors, Some(C)),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://c.example",
            "vary: Origin",
        ]
    );
    assert_eq!(
        preflight(&cors, None, None),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
            "content-length: 0",
            "vary: Origin, Access-Control-Request-Headers",
        ]
    );
}

#[test]
fn one_origin_is_told_to_everybody() {
    let cors = rules(r#"{"origin": "https://a.example"}"#);
    for origin in [None, Some(A), Some(C)] {
        let expected = [
            "access-control-allow-origin: https://a.example",
            "vary: Origin",
        ];
        assert_eq!(actual(&cors, origin), expected);
    }
}

#[test]
fn off_and_empty() {
    let off: CorsConfig = serde_json::from_str(r#"{"origin": false}"#).unwrap();
    assert!(Cors::new(&off).is_none());
    let empty = rules("{}");
    assert_eq!(actual(&empty, Some(A)), ["access-control-allow-origin: *"]);
    let status = rules(r#"{"optionsSuccessStatus": 200}"#);
    let response = status.preflight(&HeaderMap::new());
    assert_eq!(response.status(), StatusCode::OK);
}

#[test]
fn lists_may_be_texts() {
    let cors = rules(r#"{"methods": "GET", "allowedHeaders": "x-a,x-b", "exposedHeaders": ""}"#);
    assert_eq!(
        preflight(&cors, Some(A), Some("y")),
        [
            "access-control-allow-headers: x-a,x-b",
            "access-control-allow-methods: GET",
            "access-control-allow-origin: *",
            "content-length: 0",
        ]
    );
}

#[test]
fn what_was_said_before_is_kept() {
    let cors = rules(r#"{"origin": true}"#);
    for (before, after) in [
        ("Accept-Encoding", "Accept-Encoding, Origin"),
        ("origin", "origin"),
        ("*", "*"),
    ] {
        let mut answer = HeaderMap::new();
        answer.insert(header::VARY, HeaderValue::from_static(before));
        cors.apply(&HeaderMap::new(), &mut answer);
        assert_eq!(answer[header::VARY], after);
    }
}
