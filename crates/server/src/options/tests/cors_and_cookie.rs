//! Who may come from where, and with which cookie.

use http::{HeaderMap, HeaderValue, header};

use super::super::*;

fn refused(json: &str) -> String {
    IoConfig::from_json(json).unwrap_err().to_string()
}

#[test]
fn a_star_goes_with_no_credentials_and_no_cookie() {
    let credentials = r#"{"cors": {"origin": "*", "credentials": true}}"#;
    assert!(refused(credentials).starts_with("cors must name origins"));
    let implied = r#"{"cors": {"credentials": true}}"#;
    assert!(refused(implied).starts_with("cors must name origins"));
    let cookie = r#"{"cors": {"origin": "*"}, "cookie": true}"#;
    assert!(refused(cookie).starts_with("cookie must not be set when cors.origin is"));
    for fine in [
        r#"{"cors": {"origin": ["https://a.example"], "credentials": true}, "cookie": true}"#,
        r#"{"cors": {"origin": true, "credentials": true}}"#,
        r#"{"cors": {"origin": "*"}}"#,
        r#"{"cors": false, "cookie": true}"#,
        r#"{"cors": true}"#,
    ] {
        assert!(IoConfig::from_json(fine).is_ok(), "{fine}");
    }
}

#[test]
fn rules_that_mean_nothing_are_refused() {
    for json in [
        r#"{"cors": {"origin": ["*"]}}"#,
        r#"{"cors": {"origin": ""}}"#,
        r#"{"cors": {"origin": "https://é.example"}}"#,
        r#"{"cors": {"origin": "https://a.example\r\nX: y"}}"#,
        r#"{"cors": {"methods": ["GET\n"]}}"#,
        r#"{"cors": {"exposedHeaders": ["\n"]}}"#,
        r#"{"cors": {"preflightContinue": true}}"#,
        r#"{"cors": {"optionsSuccessStatus": 404}}"#,
        r#"{"cors": {"orgin": "*"}}"#,
        r#"{"cors": "*"}"#,
        r#"{"cookie": {"name": ""}}"#,
        r#"{"cookie": {"name": "a b"}}"#,
        r#"{"cookie": {"path": "/; Domain=evil.example"}}"#,
        r#"{"cookie": {"path": true}}"#,
        r#"{"cookie": {"sameSite": "none"}}"#,
        r#"{"cookie": {"sameSite": "sometimes"}}"#,
    ] {
        assert!(IoConfig::from_json(json).is_err(), "{json}");
    }
}

#[test]
fn origins_in_every_spelling_come_back() {
    for json in [
        "false",
        "true",
        "\"*\"",
        "\"https://a.example\"",
        "[\"https://a.example\",\"https://b.example\"]",
    ] {
        let origin: CorsOrigin = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&origin).unwrap(), json);
    }
    let headers: CorsConfig = serde_json::from_str(r#"{"allowedHeaders": "a, b"}"#).unwrap();
    let expected = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(headers.allowed_headers, Some(expected));
}

#[test]
fn web_sockets_follow_the_same_origins() {
    let allows = |json: &str, origin: Option<&'static str>| {
        let config = IoConfig::from_json(json).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("own.example"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        config.origins().allow(&headers)
    };
    let foreign = Some("https://a.example");
    for (json, allowed) in [
        ("{}", false),
        (r#"{"cors": {"origin": false}}"#, false),
        (r#"{"cors": {"origin": "https://b.example"}}"#, false),
        (r#"{"cors": {"origin": "https://a.example"}}"#, true),
        (r#"{"cors": {"origin": ["https://a.example"]}}"#, true),
        (r#"{"cors": {"origin": "*"}}"#, true),
        (r#"{"cors": {"origin": true}}"#, true),
    ] {
        assert_eq!(allows(json, foreign), allowed, "{json}");
        assert!(allows(json, Some("https://own.example")), "{json}");
        assert!(allows(json, None), "{json}");
    }
    assert!(!allows(r#"{"allowAbsentOrigin": false}"#, None));
}
