//! Who is in the pool: adding, removing, reading, rooms, and the verbs for one connection.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod fake;

use std::sync::Arc;

use fake::Fake;
use switchboard_connection::{
    AnyConnection, Connection, ConnectionExt, Disconnect, Room, SendError,
};
use switchboard_pool::{
    AddError, Added, Closing, JoinError, Joined, Left, OnDuplicate, Pool, PoolConfig, Removed,
    SendToError,
};

fn replacing() -> Pool {
    Pool::new(PoolConfig::default().with_on_duplicate(OnDuplicate::Replace))
}

fn room(name: &str) -> Room {
    Room::new(name).unwrap()
}

fn ids(connections: &switchboard_pool::Connections) -> Vec<&str> {
    connections
        .iter()
        .map(|found| found.address().id.as_str())
        .collect()
}

#[tokio::test]
async fn c1_send_then_close_is_one_message_and_one_close() {
    let pool = Pool::default();
    let one = Fake::new("default", "1");
    pool.add(one.clone()).unwrap();
    let bye = Disconnect::new(1000, "bye");
    pool.send_to_then_close("default", "1", "last words", bye.clone())
        .await
        .unwrap();
    assert_eq!(one.texts(), ["last words"]);
    assert_eq!(one.close_reason(), Some(bye.clone()));

    let two = Fake::new("default", "2");
    pool.add(two.clone()).unwrap();
    pool.send_json_to_then_close("default", "2", &[1, 2], bye.clone())
        .await
        .unwrap();
    assert_eq!(two.texts(), ["[1,2]"]);
    assert_eq!(two.close_reason(), Some(bye));
}

#[tokio::test]
async fn c5_text_json_code_and_reason_arrive_exactly() {
    let pool = Pool::default();
    let connection = Fake::new("default", "1");
    pool.add(connection.clone()).unwrap();
    pool.send_to("default", "1", "Hello world!").await.unwrap();
    pool.send_json_to("default", "1", "quoted").await.unwrap();
    pool.get("default", "1")
        .unwrap()
        .send(vec![1, 2])
        .await
        .unwrap();
    assert_eq!(connection.texts(), ["Hello world!", "\"quoted\"", "[1, 2]"]);
    let reason = Disconnect::new(4001, "no token");
    assert_eq!(pool.close("default", "1", reason.clone()), Closing::Begun);
    assert_eq!(
        pool.close("default", "1", Disconnect::NORMAL),
        Closing::Already
    );
    assert_eq!(connection.close_reason(), Some(reason));
}

#[tokio::test]
async fn c6_send_error_wraps_message_code_and_reason_then_closes() {
    let pool = Pool::default();
    let connection = Fake::new("default", "1");
    pool.add(connection.clone()).unwrap();
    let reason = Disconnect::new(4001, "no token");
    pool.send_error_to("default", "1", "nope", reason.clone())
        .await
        .unwrap();
    assert_eq!(
        connection.texts(),
        [r#"{"message":"nope","code":4001,"reason":"no token"}"#]
    );
    assert_eq!(connection.close_reason(), Some(reason));
}

#[test]
fn c8_what_was_removed_is_not_found() {
    let pool = Pool::default();
    let connection = Fake::new("default", "1");
    assert_eq!(pool.add(connection.clone()), Ok(Added::FirstInNamespace));
    assert!(pool.has("default", "1"));
    assert_eq!(pool.remove(&connection), Removed::LastInNamespace);
    assert!(pool.get("default", "1").is_none());
}

#[test]
fn c10_nothing_is_kept_after_the_last_one_went() {
    let pool = Pool::default();
    let connections: Vec<_> = (0..300)
        .map(|n| Fake::new("default", &n.to_string()))
        .collect();
    for connection in &connections {
        pool.add(connection.clone()).unwrap();
        pool.join(connection, &room("all")).unwrap();
        pool.join(connection, &room(&connection.address().id))
            .unwrap();
    }
    let _ = pool.namespace("default").to("all").send("hi");
    for connection in &connections {
        pool.remove(connection);
        assert_eq!(Arc::strong_count(connection), 1);
    }
    assert!(pool.is_empty());
    assert!(pool.namespaces().is_empty());
    assert!(pool.rooms("default").is_empty());
}

#[test]
fn c12_counts_follow_members_and_rooms() {
    let pool = Pool::default();
    let (a, b) = (Fake::new("default", "a"), Fake::new("default", "b"));
    pool.add(a.clone()).unwrap();
    assert_eq!((pool.len(), pool.count("default")), (1, 1));
    pool.add(b.clone()).unwrap();
    assert_eq!((pool.len(), pool.count("default")), (2, 2));
    assert_eq!(pool.member_count("default", "x"), 0);
    assert_eq!(pool.join(&a, &room("x")), Ok(Joined::FirstInRoom));
    assert_eq!(pool.member_count("default", "x"), 1);
    assert_eq!(pool.join(&b, &room("x")), Ok(Joined::Member));
    assert_eq!(pool.member_count("default", "x"), 2);
    assert_eq!(pool.leave(&a, "x"), Left::Member);
    assert_eq!(pool.member_count("default", "x"), 1);
    assert_eq!(pool.remove(&b), Removed::Member);
    assert_eq!((pool.member_count("default", "x"), pool.len()), (0, 1));
}

#[test]
fn c18_reads_never_create_a_namespace() {
    let pool = Pool::default();
    let nobody = Fake::new("ghost", "1");
    assert!(pool.get("ghost", "1").is_none());
    assert!(!pool.has("ghost", "1"));
    assert!(!pool.holds(&nobody));
    assert_eq!(pool.count("ghost"), 0);
    assert!(pool.connections("ghost").is_empty());
    assert!(pool.members("ghost", "x").is_empty());
    assert!(pool.rooms("ghost").is_empty());
    assert!(pool.rooms_of(&nobody).is_empty());
    assert_eq!(pool.join(&nobody, &room("x")), Err(JoinError::Absent));
    assert_eq!(pool.leave(&nobody, "x"), Left::Absent);
    assert_eq!(pool.remove(&nobody), Removed::Absent);
    assert_eq!(pool.namespace("ghost").send("boo").absent, 1);
    assert_eq!(
        pool.close("ghost", "1", Disconnect::NORMAL),
        Closing::Absent
    );
    drop(pool.close_all("ghost", &Disconnect::NORMAL));
    assert!(!pool.has_namespace("ghost"));
    assert!(pool.namespaces().is_empty());
    assert!(format!("{pool:?}").contains("namespaces: 0"), "{pool:?}");
}

#[tokio::test]
async fn c18_an_absent_target_is_told() {
    let pool = Pool::default();
    let there = Fake::new("default", "1");
    pool.add(there.clone()).unwrap();
    let absent = pool.send_to("default", "2", "hi").await.unwrap_err();
    assert!(matches!(absent, SendToError::Absent));
    assert_eq!(absent.code(), "ABSENT");
    there.close(Disconnect::NORMAL);
    let closed = pool.send_to("default", "1", "hi").await.unwrap_err();
    assert!(matches!(closed, SendToError::Send(SendError::Closed)));
    assert!(there.texts().is_empty());
}

#[tokio::test]
async fn c18_what_is_no_json_is_an_error_and_leaves_the_connection_open() {
    let pool = Pool::default();
    let there = Fake::new("default", "1");
    pool.add(there.clone()).unwrap();
    let no_json = std::collections::HashMap::from([((1, 2), 3)]);
    let error = pool
        .send_json_to_then_close("default", "1", &no_json, Disconnect::NORMAL)
        .await;
    assert_eq!(error.unwrap_err().code(), "NOT_JSON");
    assert!(!there.is_closed());
    assert!(pool.namespace("default").send_json(&no_json).is_err());
    assert!(there.texts().is_empty());
}

#[test]
fn try_send_refuses_instead_of_waiting() {
    let pool = Pool::default();
    let there = Fake::new("default", "1");
    pool.add(there.clone()).unwrap();
    there.answer(Err(SendError::Full));
    let refused = pool.try_send_to("default", "1", "hi").unwrap_err();
    assert_eq!(refused.code(), "FULL");
    assert!(pool.try_send_to("default", "1", "hi").is_ok());
    assert_eq!(there.texts(), ["hi"]);
}

#[test]
fn c18_a_duplicate_is_rejected_by_default() {
    let pool = Pool::default();
    let (old, new) = (Fake::new("default", "1"), Fake::new("default", "1"));
    pool.add(old.clone()).unwrap();
    assert_eq!(pool.add(new.clone()), Err(AddError::Duplicate));
    assert_eq!(pool.add(old.clone()), Err(AddError::Duplicate));
    assert!(pool.holds(&old) && !pool.holds(&new));
    assert!(!old.is_closed() && !new.is_closed());
    assert_eq!(pool.len(), 1);
    // The same id in another namespace is another address.
    assert_eq!(
        pool.add(Fake::new("other", "1")),
        Ok(Added::FirstInNamespace)
    );
}

#[test]
fn c18_a_duplicate_replaces_and_closes_the_old_one_if_told_so() {
    let pool = replacing();
    let (old, new) = (Fake::new("default", "1"), Fake::new("default", "1"));
    pool.add(old.clone()).unwrap();
    pool.join(&old, &room("x")).unwrap();
    assert_eq!(
        pool.add(old.clone()),
        Err(AddError::Duplicate),
        "nobody replaces itself"
    );
    assert_eq!(pool.add(new.clone()), Ok(Added::Replaced));
    assert_eq!(old.close_reason(), Some(Disconnect::REPLACED));
    assert!(!new.is_closed());
    assert!(pool.holds(&new) && !pool.holds(&old));
    assert!(pool.rooms_of(&new).is_empty());
    assert_eq!(pool.member_count("default", "x"), 0);
    assert_eq!(pool.len(), 1);
    assert_eq!(Arc::strong_count(&old), 1);
}

#[test]
fn c18_removing_an_old_object_keeps_its_successor() {
    let pool = replacing();
    let (old, new) = (Fake::new("default", "1"), Fake::new("default", "1"));
    pool.add(old.clone()).unwrap();
    pool.add(new.clone()).unwrap();
    pool.join(&new, &room("x")).unwrap();
    assert_eq!(pool.remove(&old), Removed::Absent);
    assert_eq!(pool.leave(&old, "x"), Left::Absent);
    assert!(pool.leave_all(&old).is_empty());
    assert!(pool.rooms_of(&old).is_empty());
    assert_eq!(pool.join(&old, &room("y")), Err(JoinError::Absent));
    assert!(pool.holds(&new));
    assert!(pool.is_in(&new, "x") && !pool.is_in(&old, "x"));
    assert_eq!(pool.remove(&new), Removed::LastInNamespace);
}

#[test]
fn c18_last_one_out_fires_once() {
    let pool = Pool::default();
    for _ in 0..3 {
        let (a, b) = (Fake::new("default", "a"), Fake::new("default", "b"));
        assert_eq!(pool.add(a.clone()), Ok(Added::FirstInNamespace));
        assert_eq!(pool.add(b.clone()), Ok(Added::Member));
        assert_eq!(pool.remove(&a), Removed::Member);
        assert_eq!(pool.remove(&a), Removed::Absent);
        assert_eq!(pool.remove(&b), Removed::LastInNamespace);
        assert_eq!(pool.remove(&b), Removed::Absent);
        assert!(!pool.has_namespace("default"));
    }
}

#[test]
fn c18_who_is_closed_before_entering_is_refused() {
    let pool = Pool::default();
    let gone = Fake::new("default", "1");
    gone.end();
    assert_eq!(pool.add(gone), Err(AddError::Closed));
    assert!(pool.namespaces().is_empty());
}

#[test]
fn a_membership_ends_with_its_guard() {
    let pool = Pool::default();
    let (a, b) = (Fake::new("default", "a"), Fake::new("default", "b"));
    let first = pool.enter(a.clone()).unwrap();
    assert_eq!(first.added(), Added::FirstInNamespace);
    let second = pool.enter(b.clone()).unwrap();
    assert_eq!(second.added(), Added::Member);
    assert_eq!(pool.enter(b.clone()).unwrap_err(), AddError::Duplicate);
    drop(second);
    assert!(!pool.holds(&b) && !b.is_closed());
    assert_eq!(first.leave(), Removed::LastInNamespace);
}

#[test]
fn an_old_guard_does_not_take_the_successor_out() {
    let pool = replacing();
    let old = pool.enter(Fake::new("default", "1")).unwrap();
    let new = pool.enter(Fake::new("default", "1")).unwrap();
    assert_eq!(new.added(), Added::Replaced);
    assert_eq!(old.leave(), Removed::Absent);
    assert!(pool.holds(new.connection()));
}

#[test]
fn identity_is_the_same_through_any_handle() {
    let pool = Pool::default();
    let typed = Fake::new("default", "1");
    let any: AnyConnection = typed.clone();
    pool.add(typed.clone()).unwrap();
    assert!(pool.holds(&any) && pool.holds(&typed));
    assert_eq!(pool.remove(&any), Removed::LastInNamespace);
}

#[test]
fn rooms_say_who_came_first_and_who_went_last() {
    let pool = Pool::default();
    let (a, b) = (Fake::new("default", "a"), Fake::new("default", "b"));
    pool.add(a.clone()).unwrap();
    pool.add(b.clone()).unwrap();
    assert_eq!(pool.join(&b, &room("x")), Ok(Joined::FirstInRoom));
    assert_eq!(pool.join(&a, &room("x")), Ok(Joined::Member));
    assert_eq!(pool.join(&a, &room("x")), Ok(Joined::Already));
    assert_eq!(pool.join(&a, &room("y")), Ok(Joined::FirstInRoom));
    assert_eq!(
        ids(&pool.members("default", "x")),
        ["b", "a"],
        "in the order joined"
    );
    assert_eq!(pool.rooms_of(&a), [room("x"), room("y")]);
    assert_eq!(
        pool.leave_all(&a),
        [(room("x"), Left::Member), (room("y"), Left::LastInRoom)]
    );
    assert!(pool.leave_all(&a).is_empty());
    assert_eq!(pool.rooms("default"), [room("x")]);
    assert_eq!(pool.leave(&a, "x"), Left::Absent);
    assert_eq!(pool.leave(&b, "x"), Left::LastInRoom);
    assert!(pool.rooms("default").is_empty());
}

#[test]
fn rooms_per_connection_can_be_limited() {
    let pool = Pool::new(PoolConfig::default().with_max_rooms_per_connection(1));
    let a = Fake::new("default", "a");
    pool.add(a.clone()).unwrap();
    pool.join(&a, &room("x")).unwrap();
    assert_eq!(pool.join(&a, &room("x")), Ok(Joined::Already));
    assert_eq!(
        pool.join(&a, &room("y")),
        Err(JoinError::TooManyRooms { limit: 1 })
    );
    assert_eq!(pool.member_count("default", "y"), 0);
    pool.leave(&a, "x");
    assert!(pool.join(&a, &room("y")).unwrap().is_new());
}
