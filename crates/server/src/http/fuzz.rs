//! Any bytes as a request.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{
    Asked, Cors, EngineQuery, Jsonp, RequestError, Route, SessionView, Settings, Sid, answer,
    compress::Coding, judge, set_cookie,
};
use crate::{
    client_address::client_address,
    options::{CookieConfig, CorsConfig, CorsOrigin, EngineTransport},
    origin::Origins,
};

/// Runs arbitrary bytes through all that reads a request of Engine.IO before there is a session; for
/// fuzzing.
///
/// Two bytes of switches, then fields with a zero byte between them: method, path, query, headers (a
/// line each), body. Nothing may panic, and what is said yes to keeps the rules.
#[doc(hidden)]
pub fn fuzz_request(input: &[u8]) {
    let [switches, known, input @ ..] = input else {
        return;
    };
    let mut fields = input.split(|byte| *byte == 0);
    let mut field = || String::from_utf8_lossy(fields.next().unwrap_or_default());
    let (method, path, query, lines, body) = (field(), field(), field(), field(), field());
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    let headers = headers(&lines);
    route(&path);
    read_headers(&headers);
    forms(&body);
    let Ok(query) = EngineQuery::parse(Some(&query)) else {
        assert!(query.len() > 8 * 1024 || query.split('&').count() > 128);
        return;
    };
    pairs(&query);
    if let Some(jsonp) = query.j().map(Jsonp::new) {
        wrapped(&jsonp, &body);
    }
    judged(&method, &headers, &query, *switches, *known);
}

fn headers(lines: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.lines().take(100) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.trim().as_bytes())) {
            headers.append(name, value);
        }
    }
    headers
}

/// With the trailing slash nothing is ours that does not begin with it; without, it may stand alone.
fn route(path: &str) {
    if Route::of(path, "/socket.io/").is_some() {
        assert!(path.starts_with("/socket.io/"));
    }
    let ours = path == "/socket.io" || path.starts_with("/socket.io/");
    assert_eq!(Route::of(path, "/socket.io").is_some(), ours);
}

fn read_headers(headers: &HeaderMap) {
    Coding::accepted(headers);
    let peer = std::net::Ipv4Addr::LOCALHOST.into();
    assert_eq!(client_address(peer, headers, &[]), peer);
    if let Ok(loopback) = "127.0.0.0/8".parse() {
        client_address(peer, headers, &[loopback]);
    }
    let origins = Origins::new(&["https://example.com".to_owned()], false);
    if origins.allow(headers) {
        assert!(headers.contains_key(header::ORIGIN));
    }
    let origin = CorsOrigin::List(vec!["https://example.com".to_owned()]);
    let config = CorsConfig {
        origin,
        ..CorsConfig::default()
    };
    if let Some(cors) = Cors::new(&config) {
        let answer = cors.preflight(headers);
        if let Some(allowed) = answer.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            assert_eq!(allowed, "https://example.com");
        }
    }
}

/// A body that was posted, and the same text as a client would post it.
fn forms(body: &str) {
    Jsonp::unwrap(body);
    let escaped = body.replace("\\n", "\\\\n").replace('\n', "\\n");
    let form = percent_encoding::utf8_percent_encode(&escaped, percent_encoding::NON_ALPHANUMERIC);
    let posted = Jsonp::unwrap(&format!("x=1&d={form}"));
    // A backslash before a newline is what the client's own escape looks like.
    if !body.contains("\\\n") {
        assert_eq!(posted.as_deref(), Some(body));
    }
}

fn pairs(query: &EngineQuery) {
    assert!(query.pairs().len() <= 128);
    for (name, value) in query.entries() {
        assert_eq!(query.get(name), Some(value));
    }
    let Some(sid) = query.sid().and_then(Sid::parse) else {
        return;
    };
    assert_eq!(query.sid(), Some(sid.as_str()));
    let cookie = set_cookie(&CookieConfig::default(), &sid);
    let expected = format!("io={}; Path=/; HttpOnly; SameSite=Lax", sid.as_str());
    assert_eq!(
        cookie.as_ref().map(HeaderValue::as_bytes),
        Some(expected.as_bytes())
    );
}

/// A call of one function with one text, whatever the client asked for and the server says.
fn wrapped(jsonp: &Jsonp, body: &str) {
    let script = jsonp.wrap(body);
    assert!(!script.contains(['\u{2028}', '\u{2029}', '\n', '\r']));
    let call = script
        .strip_prefix("___eio[")
        .and_then(|rest| rest.strip_suffix(");"));
    let (index, text) = call
        .and_then(|call| call.split_once("]("))
        .unwrap_or_default();
    assert!(index.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(serde_json::from_str(text).ok(), Some(body.to_owned()));
}

fn judged(method: &Method, headers: &HeaderMap, query: &EngineQuery, switches: u8, known: u8) {
    let on = |bit: u8| switches & (1 << bit) != 0;
    let settings = Settings {
        polling: on(0),
        websocket: on(1),
        allow_upgrades: on(2),
        cors: on(3),
    };
    let is_upgrade = on(4);
    let session = (known & 1 != 0).then_some(SessionView {
        transport: if known & 2 != 0 {
            EngineTransport::Websocket
        } else {
            EngineTransport::Polling
        },
        upgrading: known & 4 != 0,
    });
    let mut looked_up = None;
    let judged = judge(method, headers, query, is_upgrade, settings, |sid| {
        looked_up = Some(sid.to_owned());
        session
    });
    assert!(looked_up.is_none() || looked_up.as_deref() == query.sid());
    let asks_of_session = match judged {
        Err(error) => return refused(&error, is_upgrade),
        Ok(Asked::Options) => {
            assert!(settings.cors && method == Method::OPTIONS && !is_upgrade);
            return;
        }
        Ok(Asked::Open { transport }) => {
            let websocket = transport == EngineTransport::Websocket;
            assert!(method == Method::GET && query.sid().is_none() && websocket == is_upgrade);
            assert!(if websocket {
                settings.websocket
            } else {
                settings.polling
            });
            false
        }
        Ok(Asked::Poll { sid }) => method == Method::GET && Some(sid) == query.sid(),
        Ok(Asked::Post { sid }) => method == Method::POST && Some(sid) == query.sid(),
        Ok(Asked::Upgrade { sid }) => {
            let idle = session.is_some_and(|session| !session.upgrading);
            is_upgrade && settings.allow_upgrades && idle && Some(sid) == query.sid()
        }
        Ok(Asked::SecondUpgrade) => is_upgrade && settings.allow_upgrades,
        Ok(Asked::Other) => !is_upgrade,
    };
    assert_eq!(query.revision(), 4);
    assert_eq!(asks_of_session, query.sid().is_some() && session.is_some());
}

fn refused(error: &RequestError, is_upgrade: bool) {
    let response = answer::error_response(error, is_upgrade);
    assert_eq!(response.status().as_u16(), 400);
    let json: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap_or_default();
    assert_eq!(json.get("code"), Some(&error.code().into()));
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_as_a_request(input in vec(any::<u8>(), 0..300)) {
            fuzz_request(&input);
        }

        #[test]
        fn what_looks_like_a_request_keeps_the_rules(
            switches in any::<u8>(),
            known in any::<u8>(),
            method in "GET|POST|OPTIONS|PUT|DELETE",
            path in "/|/socket.io|/socket.io/|/socket.io/[a-z.]{0,12}",
            query in "(EIO=4|EIO=3|EIO=)&transport=(polling|websocket|x)(&sid=[A-Za-z0-9_-]{0,21}(%4[0-9])?)?(&j=[0-9a-z]{0,4})?(&.{0,20})?",
            headers in "((Origin|Accept-Encoding|X-Forwarded-For|Host): (https?://example.com|gzip;q=0.5,\\*|127.0.0.1, 1.2.3.4|.{0,20})\n){0,4}",
            body in "(d=|)(4[0-9]|\\\\n|\\\\|\n|b[A-Za-z]{4}|\u{1e}|&|%[0-9a-f]{2}|.){0,20}",
        ) {
            let mut input = vec![switches, known];
            input.extend([method, path, query, headers, body].join("\0").into_bytes());
            fuzz_request(&input);
        }
    }
}
