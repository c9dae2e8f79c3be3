//! Settings from variables.

use serde_json::Value;

use super::super::*;

/// `pingInterval` is `PING_INTERVAL`; `allowEIO3` is `ALLOW_EIO3`.
fn shouted(name: &str) -> String {
    let mut out = String::new();
    let mut before_is_small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && before_is_small {
            out.push('_');
        }
        before_is_small = c.is_ascii_lowercase();
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// Every value of an object as a variable of its own.
pub(super) fn variables(prefix: &str, value: &Value) -> Vec<(String, String)> {
    fn add(name: &str, separator: &str, value: &Value, to: &mut Vec<(String, String)>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    add(
                        &format!("{name}{separator}{}", shouted(key)),
                        "__",
                        value,
                        to,
                    );
                }
            }
            Value::String(text) => to.push((name.to_owned(), text.clone())),
            value => to.push((name.to_owned(), value.to_string())),
        }
    }
    let mut list = Vec::new();
    add(prefix, "_", value, &mut list);
    list
}

fn load(variables: &[(&str, &str)]) -> Result<IoConfig, LoadError> {
    IoConfig::default().merge_variables("SWITCHBOARD", variables.iter().copied())
}

#[test]
fn words_levels_and_values() {
    let config = load(&[
        ("SWITCHBOARD_PING_INTERVAL", "2000"),
        ("SWITCHBOARD_CORS__ORIGIN", "*"),
        ("SWITCHBOARD_MAX_HTTP_BUFFER_SIZE", "1e5"),
        ("SWITCHBOARD_ALLOW_EIO3", "false"),
        ("SWITCHBOARD_MESSAGE_RATE", "false"),
        ("SWITCHBOARD_CONNECT_RATE__BURST", "7"),
        ("SWITCHBOARD_SLOW_CONSUMER", "dropNewest"),
        ("SWITCHBOARD_MAX_CONNECTIONS", ""),
        ("OTHER_PING_TIMEOUT", "1"),
        ("SWITCHBOARDX_PING_TIMEOUT", "1"),
    ])
    .unwrap();
    assert_eq!(config.ping_interval.as_millis(), 2_000);
    assert_eq!(config.cors, Some(CorsConfig::new("*")));
    assert_eq!(config.max_http_buffer_size, 100_000);
    assert_eq!(config.message_rate, None);
    let rate = config.connect_rate.unwrap();
    assert_eq!((rate.per_second, rate.burst), (2_000, 7));
    assert_eq!(config.ping_timeout.as_secs(), 20);
}

#[test]
fn lists_with_commas() {
    let config = load(&[
        ("SWITCHBOARD_TRANSPORTS", "websocket, polling"),
        ("SWITCHBOARD_TRUSTED_PROXIES", "10.0.0.0/8"),
        (
            "SWITCHBOARD_CORS__ORIGIN",
            "https://a.example,https://b.example",
        ),
        ("SWITCHBOARD_CORS__METHODS", "GET,POST"),
    ])
    .unwrap();
    assert_eq!(
        config.transports,
        [EngineTransport::Websocket, EngineTransport::Polling]
    );
    assert_eq!(config.trusted_proxies.len(), 1);
    let cors = config.cors.unwrap();
    assert_eq!(
        cors.origin,
        ["https://a.example", "https://b.example"].into()
    );
    assert_eq!(cors.methods, ["GET", "POST"]);
    let one = load(&[("SWITCHBOARD_CORS__ORIGIN", "https://a.example")]).unwrap();
    let expected = CorsOrigin::One("https://a.example".to_owned());
    assert_eq!(one.cors.unwrap().origin, expected);
}

#[test]
fn a_whole_object_and_then_what_is_in_it() {
    let config = load(&[
        ("SWITCHBOARD_CONNECT_RATE__BURST", "7"),
        (
            "SWITCHBOARD_CONNECT_RATE",
            r#"{"perSecond": 5, "burst": 6}"#,
        ),
        ("SWITCHBOARD_COOKIE", "true"),
        ("SWITCHBOARD_COOKIE__NAME", "node"),
    ])
    .unwrap();
    let rate = config.connect_rate.unwrap();
    assert_eq!((rate.per_second, rate.burst), (5, 7));
    assert_eq!(
        config.cookie,
        Some(CookieConfig::default().with_name("node"))
    );
}

#[test]
fn the_variable_that_is_wrong_is_named() {
    for (name, value, problem) in [
        ("SWITCHBOARD_PING_INTERVALL", "1", "`pingIntervall`"),
        ("SWITCHBOARD_CORS__ORIGINS", "*", "`origins`"),
        ("SWITCHBOARD_PING_INTERVAL", "2s", "\"2s\""),
        ("SWITCHBOARD_PATH", "17", "integer `17`"),
        ("SWITCHBOARD_", "1", "unknown field ``"),
        ("SWITCHBOARD_PER_MESSAGE_DEFLATE", "true", "encoded once"),
    ] {
        let fine = [
            ("SWITCHBOARD_CONNECT_RATE__BURST", "7"),
            ("SWITCHBOARD_ZZ", ""),
        ];
        let error = load(&[fine[0], fine[1], (name, value)]).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(&format!("{name}: ")), "{text}");
        assert!(text.contains(problem), "{text}");
    }
}

#[test]
fn settings_together_are_checked_too() {
    let error = load(&[
        ("SWITCHBOARD_CORS__ORIGIN", "*"),
        ("SWITCHBOARD_CORS__CREDENTIALS", "true"),
    ]);
    assert!(matches!(error, Err(LoadError::Config(_))));
}
