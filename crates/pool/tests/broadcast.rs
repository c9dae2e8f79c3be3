//! One message to many: whom it reaches, in which order, and what the report says.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod fake;

use std::sync::Arc;

use fake::Fake;
use serde_json::json;
use switchboard_connection::{Connection, Disconnect, Frame, Room, SendError, Sent};
use switchboard_pool::Pool;

/// Members `0..n` of namespace `default`.
fn crowd(pool: &Pool, n: usize) -> Vec<Arc<Fake>> {
    let add = |n: usize| {
        let connection = Fake::new("default", &n.to_string());
        pool.add(connection.clone()).unwrap();
        connection
    };
    (0..n).map(add).collect()
}

fn join(pool: &Pool, room: &str, members: &[&Arc<Fake>]) {
    for member in members {
        pool.join(member, &Room::new(room).unwrap()).unwrap();
    }
}

fn received(crowd: &[Arc<Fake>]) -> Vec<usize> {
    crowd
        .iter()
        .map(|connection| connection.frames().len())
        .collect()
}

fn chosen(recipients: &switchboard_pool::Recipients<'_>) -> Vec<String> {
    recipients
        .connections()
        .iter()
        .map(|one| one.address().id.to_string())
        .collect()
}

#[test]
fn c2_json_reaches_only_that_namespace_in_insertion_order() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 200);
    let other = Fake::new("other", "1");
    pool.add(other.clone()).unwrap();
    let hello = json!({"type": "hello", "data": "world"});
    let report = pool.namespace("default").send_json(&hello).unwrap();
    assert_eq!((report.queued, report.recipients()), (200, 200));
    assert!(report.is_complete());
    for connection in &crowd {
        let frames = connection.frames();
        let sent: serde_json::Value = serde_json::from_str(frames[0].as_text().unwrap()).unwrap();
        assert_eq!(sent, hello);
    }
    assert!(other.texts().is_empty());
    let order: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(chosen(&pool.namespace("default")), order);
}

#[test]
fn c18_a_broadcast_encodes_once() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 3);
    assert_eq!(pool.namespace("default").send("one allocation").queued, 3);
    let bytes: Vec<_> = crowd
        .iter()
        .map(|one| one.frames()[0].as_bytes().as_ptr())
        .collect();
    assert!(bytes.iter().all(|at| *at == bytes[0]));
}

#[test]
fn text_binary_and_ready_frames() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 1);
    let everyone = pool.namespace("default");
    let _ = everyone.send("text");
    let _ = everyone.send(vec![7_u8, 8]);
    let _ = everyone.send(Frame::text("frame"));
    assert_eq!(crowd[0].texts(), ["text", "[7, 8]", "frame"]);
}

#[test]
fn several_rooms_and_exceptions_reach_each_once() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 6);
    join(&pool, "x", &[&crowd[2], &crowd[0], &crowd[1]]);
    join(&pool, "y", &[&crowd[1], &crowd[3]]);
    join(&pool, "muted", &[&crowd[3], &crowd[4]]);
    let default = pool.namespace("default");

    assert_eq!(chosen(&default.clone().to("x")), ["2", "0", "1"]);
    assert_eq!(
        chosen(&default.clone().to("x").to("y")),
        ["2", "0", "1", "3"]
    );
    assert_eq!(chosen(&default.clone().to("x").to("x")), ["2", "0", "1"]);
    assert_eq!(chosen(&default.clone().to("x").except("0")), ["2", "1"]);
    assert_eq!(
        chosen(&default.clone().to_all(["x", "y"]).except_room("muted")),
        ["2", "0", "1"]
    );
    assert_eq!(
        chosen(&default.clone().except_room("muted")),
        ["0", "1", "2", "5"]
    );
    assert_eq!(
        chosen(&default.clone().except_all(["0", "9", "1"])),
        ["2", "3", "4", "5"]
    );
    assert_eq!(
        chosen(&default.clone().except(&crowd[0].address().id)),
        ["1", "2", "3", "4", "5"]
    );
    assert!(
        chosen(&default.clone().to_all([] as [&str; 0])).is_empty(),
        "no rooms is nobody"
    );

    let report = default
        .clone()
        .to("x")
        .to("y")
        .to("empty")
        .except("0")
        .send("hi");
    assert_eq!((report.queued, report.absent), (3, 1));
    assert!(!report.is_complete());
    assert_eq!(received(&crowd), [0, 1, 1, 1, 0, 0]);
}

#[test]
fn a_namespace_that_is_not_there_is_told() {
    let pool = Pool::default();
    assert_eq!(pool.namespace("ghost").send("hi").absent, 1);
    assert_eq!(pool.namespace("ghost").to("x").to("y").send("hi").absent, 2);
}

#[test]
fn c18_one_bad_peer_does_not_stop_the_rest_and_is_counted() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 7);
    crowd[0].close(Disconnect::NORMAL);
    crowd[1].answer(Err(SendError::SlowConsumer));
    crowd[2].answer(Err(SendError::TooLarge));
    crowd[3].answer(Ok(Sent::Dropped));
    crowd[4].answer(Ok(Sent::Displaced(2)));
    let report = pool.namespace("default").send("hi");
    assert_eq!((report.queued, report.closed, report.slow), (3, 1, 1));
    assert_eq!(
        (report.too_large, report.dropped, report.displaced),
        (1, 1, 2)
    );
    assert_eq!(report.recipients(), 7);
    assert_eq!(received(&crowd), [0, 0, 0, 0, 1, 1, 1]);
}

#[test]
fn volatile_messages_are_dropped_by_who_is_busy() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 2);
    crowd[0].answer(Err(SendError::Full));
    let report = pool.namespace("default").volatile().send("tick");
    assert_eq!((report.queued, report.dropped), (1, 1));
}

#[test]
fn c6_an_error_to_many_is_sent_to_each_and_closes_each() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 3);
    crowd[2].close(Disconnect::NORMAL);
    let reason = Disconnect::new(4100, "over capacity");
    let report = pool
        .namespace("default")
        .except("0")
        .send_error("try later", &reason);
    assert_eq!((report.queued, report.closed, report.ended), (1, 1, 1));
    assert!(!crowd[0].is_closed());
    let told = r#"{"message":"try later","code":4100,"reason":"over capacity"}"#;
    assert_eq!(crowd[1].texts(), [told]);
    assert_eq!(crowd[1].close_reason(), Some(reason));
    assert_eq!(crowd[2].close_reason(), Some(Disconnect::NORMAL));
}

#[test]
fn closing_some_counts_what_it_began() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 3);
    join(&pool, "x", &[&crowd[0], &crowd[1]]);
    crowd[1].close(Disconnect::NORMAL);
    assert_eq!(
        pool.namespace("default").to("x").close(&Disconnect::POLICY),
        1
    );
    assert_eq!(crowd[0].close_reason(), Some(Disconnect::POLICY));
    assert!(!crowd[2].is_closed());
}

#[test]
fn who_left_gets_nothing_and_who_came_back_does() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 2);
    assert_eq!(pool.namespace("default").send("1").queued, 2);
    pool.remove(&crowd[0]);
    assert_eq!(pool.namespace("default").send("2").queued, 1);
    pool.add(crowd[0].clone()).unwrap();
    assert_eq!(pool.namespace("default").send("3").queued, 2);
    assert_eq!(crowd[0].texts(), ["1", "3"]);
    assert_eq!(crowd[1].texts(), ["1", "2", "3"]);
}
