//! The chat says goodbye: to the pages that ask for it, and before its process ends.

use crate::support::{Example, PLAIN, Person, Script, soon};
use serde_json::json;
use switchboard::{connection::DialError, prelude::*};

#[tokio::test]
async fn c17_a_drain_that_a_page_asked_for_refuses_newcomers_then_opens_again() {
    let chat = Example::start("chat", &[], &[PLAIN]).await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    let mut bob = Person::connect(&chat, "other", "Bob").await;

    let answer = ada.ask(json!({"type": "drain", "perSecond": 1})).await;
    assert_eq!(
        answer,
        json!({"type": "draining", "perSecond": 1, "left": 2, "closed": 0, "done": false})
    );
    // Everybody is told, in whatever namespace.
    bob.expect(json!({"type": "draining", "left": 2})).await;
    let refused = dial(&chat).await.unwrap_err();
    let DialError::Refused(response) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "3");

    for person in [&mut ada, &mut bob] {
        let closed = person.closed().await;
        assert_eq!(closed.disconnect, Disconnect::GOING_AWAY, "{closed:?}");
    }
    soon("the node that opens again", async {
        while dial(&chat).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn c17_a_second_drain_does_not_change_the_first() {
    let chat = Example::start("chat", &[], &[PLAIN]).await;
    let mut ada = Person::connect(&chat, "team", "Ada").await;
    let mut bob = Person::connect(&chat, "team", "Bob").await;
    ada.ask(json!({"type": "drain", "perSecond": 1})).await;
    // The drain closes in random order; whoever is left asks again.
    bob.expect(json!({"type": "draining"})).await;
    for person in [&mut ada, &mut bob] {
        let again = json!({"type": "drain", "perSecond": 10_000});
        if person.socket.send(again.to_string()).await.is_ok() {
            let rates: Vec<_> = read_drain_rates(person).await;
            assert!(rates.iter().all(|&rate| rate == 1), "{rates:?}");
        }
    }
}

/// The `perSecond` of every `draining` until the close.
async fn read_drain_rates(person: &mut Person) -> Vec<u64> {
    let mut rates = Vec::new();
    soon("the close", async {
        while let Some(event) = person.socket.next().await {
            let Event::Text(text) = event else { continue };
            let message: serde_json::Value = serde_json::from_str(&text).unwrap();
            rates.extend(message["perSecond"].as_u64());
        }
    })
    .await;
    rates
}

#[tokio::test]
async fn c17_sigterm_closes_stock_clients_at_a_pace_and_ends_well() {
    let chat = Example::start("chat", &[], &[PLAIN, ("DRAIN_PER_SECOND", "1")]).await;
    let mut clients = Script::start("ws-client.mjs", &[]);
    let names = ["a", "b", "c"];
    let connect = |id: &str| {
        let url = format!("ws://{}/namespace/team?name={id}", chat.host());
        json!({"cmd": "connect", "id": id, "url": url})
    };
    for id in names {
        clients.tell(connect(id)).await;
        clients.expect(json!({"event": "open", "id": id})).await;
    }

    chat.terminate().await;
    let mut steps = Vec::new();
    let mut asked = false;
    let mut closed = Vec::new();
    while closed.len() < names.len() {
        let event = clients.next().await.expect("an event");
        match event["event"].as_str() {
            Some("message") => {
                let message: serde_json::Value =
                    serde_json::from_str(event["text"].as_str().unwrap()).unwrap();
                if message["type"] == "draining" {
                    steps.push((message["left"].clone(), message["closed"].clone()));
                    if !asked {
                        asked = true;
                        clients.tell(connect("newcomer")).await;
                    }
                }
            }
            Some("unexpected-response") => {
                assert_eq!(event["id"], "newcomer");
                assert_eq!(event["status"], 503);
                assert_eq!(event["headers"]["retry-after"], "3");
                assert_eq!(event["body"], r#"{"code":"DRAINING"}"#);
                clients
                    .expect(json!({"event": "close", "id": "newcomer"}))
                    .await;
                steps.push((json!("refused"), json!(null)));
            }
            Some("close") => {
                assert_eq!(
                    (&event["code"], &event["reason"]),
                    (&json!(1001), &json!("DRAINING"))
                );
                closed.push(event["id"].clone());
            }
            other => assert!(matches!(other, Some("ready" | "pong" | "ping")), "{event}"),
        }
    }

    assert!(
        steps.contains(&(json!("refused"), json!(null))),
        "{steps:?}"
    );
    // At a pace: those who are left see one after the other go.
    for step in [(3, 0), (2, 1), (1, 2)] {
        assert!(
            steps.contains(&(json!(step.0), json!(step.1))),
            "{step:?} is not in {steps:?}"
        );
    }
    let (status, lines) = chat.finish().await;
    assert!(status.success(), "{status}");
    assert_eq!(lines.last().unwrap(), "bye; 0 left behind");
}

/// Runs the steps of `chat-drain.mjs` to their end.
async fn both_ways(script: &mut Script) {
    loop {
        let event = script.next().await.expect("the script says how it ends");
        match event["event"].as_str() {
            Some("step") => {}
            Some("done") => return,
            _ => panic!("{event}"),
        }
    }
}

#[tokio::test]
async fn c17_one_drain_that_a_page_asked_for_is_for_both_ways() {
    let chat = Example::start("chat", &[], &[PLAIN]).await;
    let url = format!("http://{}/", chat.host());
    let mut script = Script::start("chat-drain.mjs", &[&url, "page"]);
    script.expect(json!({"event": "ready"})).await;
    both_ways(&mut script).await;
}

#[tokio::test]
async fn c17_sigterm_closes_people_of_both_ways_at_one_pace_and_ends_well() {
    let chat = Example::start("chat", &[], &[PLAIN, ("DRAIN_PER_SECOND", "1")]).await;
    let url = format!("http://{}/", chat.host());
    let mut script = Script::start("chat-drain.mjs", &[&url, "sigterm"]);
    script.expect(json!({"event": "ready"})).await;
    chat.terminate().await;
    both_ways(&mut script).await;
    let (status, lines) = chat.finish().await;
    assert!(status.success(), "{status}");
    assert_eq!(lines.last().unwrap(), "bye; 0 left behind");
}

async fn dial(chat: &Example) -> Result<WebSocket, DialError> {
    let endpoint = Endpoint::new(ConnectionConfig::default()).unwrap();
    endpoint
        .dial(format!("ws://{}/namespace/team", chat.host()))
        .connect()
        .await
}
