//! Closing a namespace and waiting for its end.

mod fake;

use fake::Fake;
use switchboard_connection::{Connection, Disconnect};
use switchboard_pool::{Pool, Removed};
use tokio::task::yield_now;

#[tokio::test]
async fn c3_close_all_closes_only_that_namespace() {
    let pool = Pool::default();
    let (a, b, other) = (
        Fake::new("default", "a"),
        Fake::new("default", "b"),
        Fake::new("x", "a"),
    );
    for connection in [&a, &b, &other] {
        pool.add(connection.clone()).unwrap();
    }
    let reason = Disconnect::new(1000, "Closing the connection.");
    let report = pool.close_all("default", &reason).await;
    assert_eq!(
        (report.closed, report.begun, report.last_removals),
        (2, 2, 1)
    );
    assert_eq!(a.close_reason(), Some(reason.clone()));
    assert_eq!(b.close_reason(), Some(reason));
    assert!(!other.is_closed());
    assert!(!pool.has_namespace("default"));
    assert!(pool.holds(&other));
}

#[tokio::test]
async fn c18_close_all_resolves_when_closed() {
    let pool = Pool::default();
    let (a, b) = (
        Fake::lingering("default", "a"),
        Fake::lingering("default", "b"),
    );
    pool.add(a.clone()).unwrap();
    pool.add(b.clone()).unwrap();
    b.close(Disconnect::POLICY);
    let closing = tokio::spawn(pool.close_all("default", &Disconnect::NORMAL));
    yield_now().await;
    assert!(a.is_closed() && !closing.is_finished());
    a.end();
    for _ in 0..4 {
        yield_now().await;
    }
    assert!(!closing.is_finished(), "b has not ended");
    assert!(
        !pool.holds(&a) && pool.holds(&b),
        "each goes when it has ended"
    );
    b.end();
    let report = closing.await.unwrap();
    assert_eq!(
        (report.closed, report.begun, report.last_removals),
        (2, 1, 1)
    );
    assert!(pool.is_empty());
}

#[tokio::test]
async fn dropping_the_future_leaves_the_closes_begun() {
    let pool = Pool::default();
    let a = Fake::lingering("default", "a");
    pool.add(a.clone()).unwrap();
    drop(pool.close_all("default", &Disconnect::NORMAL));
    assert!(a.is_closed());
    assert_eq!(pool.remove(&a), Removed::LastInNamespace);
}

#[tokio::test]
async fn the_last_removal_is_told_once_even_when_the_owner_is_faster() {
    let pool = Pool::default();
    let a = Fake::lingering("default", "a");
    let membership = pool.enter(a.clone()).unwrap();
    let closing = pool.close_all("default", &Disconnect::NORMAL);
    a.end();
    assert_eq!(membership.leave(), Removed::LastInNamespace);
    assert_eq!(closing.await.last_removals, 0);
}
