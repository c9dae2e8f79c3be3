use super::*;

const ALL: Settings = Settings {
    polling: true,
    websocket: true,
    allow_upgrades: true,
    cors: false,
};

#[test]
fn settings_of_a_configuration() {
    let settings = |json: &str| Settings::from(&IoConfig::from_json(json).unwrap());
    assert_eq!(settings("{}"), ALL);
    let cors = settings(r#"{"cors": {"origin": "*"}, "transports": ["polling"]}"#);
    let expected = Settings {
        websocket: false,
        cors: true,
        ..ALL
    };
    assert_eq!(cors, expected);
    assert_eq!(settings(r#"{"cors": {"origin": false}}"#), ALL);
}

fn session(sid: &str) -> Option<SessionView> {
    let (transport, upgrading) = match sid {
        "polling" => (EngineTransport::Polling, false),
        "probing" => (EngineTransport::Polling, true),
        "websocket" => (EngineTransport::Websocket, false),
        _ => return None,
    };
    Some(SessionView {
        transport,
        upgrading,
    })
}

fn asked_with(settings: Settings, method: &str, query: &str, is_upgrade: bool) -> String {
    let method: Method = method.parse().unwrap();
    let query = EngineQuery::parse(Some(query)).unwrap();
    match judge(
        &method,
        &HeaderMap::new(),
        &query,
        is_upgrade,
        settings,
        session,
    ) {
        Ok(asked) => format!("{asked:?}"),
        Err(error) => error.code().to_string(),
    }
}

fn http(method: &str, query: &str) -> String {
    asked_with(ALL, method, query, false)
}

fn upgrade(query: &str) -> String {
    asked_with(ALL, "GET", query, true)
}

#[test]
fn handshakes() {
    assert_eq!(
        http("GET", "EIO=4&transport=polling"),
        "Open { transport: Polling }"
    );
    assert_eq!(
        upgrade("EIO=4&transport=websocket"),
        "Open { transport: Websocket }"
    );
    assert_eq!(
        http("GET", "EIO=4&transport=polling&sid="),
        "Open { transport: Polling }"
    );
}

#[test]
fn transports_come_first() {
    for query in [
        "",
        "EIO=4",
        "EIO=4&transport=",
        "transport=nope",
        "transport=webtransport",
        "transport=__proto__&sid=unknown",
        "transport=nope&EIO=3",
    ] {
        assert_eq!(http("GET", query), "0", "{query}");
        assert_eq!(http("POST", query), "0", "{query}");
        assert_eq!(upgrade(query), "0", "{query}");
    }
    let no_polling = Settings {
        polling: false,
        ..ALL
    };
    let no_websocket = Settings {
        websocket: false,
        ..ALL
    };
    let polling = "EIO=4&transport=polling&sid=polling";
    assert_eq!(asked_with(no_polling, "GET", polling, false), "0");
    let websocket = "EIO=4&transport=websocket";
    assert_eq!(asked_with(no_websocket, "GET", websocket, true), "0");
}

#[test]
fn unknown_sessions_come_before_the_rest() {
    for sid in ["nobody", "__proto__", "constructor", "%00"] {
        let query = format!("EIO=3&transport=polling&sid={sid}");
        for method in ["GET", "POST", "PUT", "OPTIONS"] {
            assert_eq!(http(method, &query), "1", "{sid}");
        }
        assert_eq!(
            upgrade(&format!("EIO=4&transport=websocket&sid={sid}")),
            "1"
        );
    }
}

#[test]
fn a_handshake_is_a_get_by_a_fitting_transport_in_revision_four() {
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        assert_eq!(http(method, "EIO=4&transport=polling"), "2", "{method}");
        assert_eq!(http(method, "EIO=3&transport=websocket"), "2", "{method}");
    }
    assert_eq!(http("GET", "EIO=4&transport=websocket"), "3");
    assert_eq!(http("GET", "EIO=3&transport=websocket"), "3");
    assert_eq!(upgrade("EIO=4&transport=polling"), "3");
    for query in ["EIO=3&transport=polling", "transport=polling"] {
        assert_eq!(http("GET", query), "5", "{query}");
    }
    assert_eq!(upgrade("EIO=3&transport=websocket"), "5");
    assert_eq!(upgrade("EIO=44&transport=websocket"), "5");
}

#[test]
fn requests_of_a_polling_session() {
    let query = "EIO=4&transport=polling&sid=polling";
    assert_eq!(http("GET", query), r#"Poll { sid: "polling" }"#);
    assert_eq!(http("POST", query), r#"Post { sid: "polling" }"#);
    for method in ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        assert_eq!(http(method, query), "Other", "{method}");
    }
    assert_eq!(
        http("GET", "EIO=4&transport=polling&sid=probing"),
        r#"Poll { sid: "probing" }"#
    );
    assert_eq!(http("GET", "EIO=3&transport=polling&sid=polling"), "3");
    assert_eq!(http("GET", "transport=polling&sid=polling"), "3");
    assert_eq!(http("GET", "EIO=4&transport=websocket&sid=polling"), "3");
}

#[test]
fn requests_of_a_session_that_has_a_websocket() {
    for method in ["GET", "POST", "PUT"] {
        for transport in ["polling", "websocket"] {
            let query = format!("EIO=4&transport={transport}&sid=websocket");
            assert_eq!(http(method, &query), "3", "{method} {query}");
        }
    }
}

#[test]
fn upgrades() {
    let taken_over = "EIO=4&transport=websocket&sid=polling";
    assert_eq!(upgrade(taken_over), r#"Upgrade { sid: "polling" }"#);
    assert_eq!(
        upgrade("EIO=4&transport=websocket&sid=probing"),
        "SecondUpgrade"
    );
    assert_eq!(
        upgrade("EIO=4&transport=websocket&sid=websocket"),
        "SecondUpgrade"
    );
    assert_eq!(upgrade("EIO=3&transport=websocket&sid=polling"), "3");
    assert_eq!(upgrade("EIO=4&transport=polling&sid=polling"), "3");
    assert_eq!(asked_with(ALL, "POST", taken_over, true), "3");
    let none = Settings {
        allow_upgrades: false,
        ..ALL
    };
    assert_eq!(asked_with(none, "GET", taken_over, true), "3");
}

#[test]
fn preflights_are_answered_whatever_they_say_if_there_are_rules() {
    let cors = Settings { cors: true, ..ALL };
    for query in ["", "transport=nope", "EIO=4&transport=polling&sid=nobody"] {
        assert_eq!(asked_with(cors, "OPTIONS", query, false), "Options");
    }
    assert_eq!(http("OPTIONS", "EIO=4&transport=polling"), "2");
}

#[test]
fn origins_of_strange_bytes() {
    for fine in ["", "null", "https://a.example", "https://é.example", "a\tb"] {
        assert!(!is_invalid(fine.as_bytes()), "{fine}");
    }
    for strange in ["a\x01b", "\0", "a\nb", "a\x7fb", "https://a\r"] {
        assert!(is_invalid(strange.as_bytes()), "{strange:?}");
    }
}
