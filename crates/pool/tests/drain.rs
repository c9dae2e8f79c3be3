//! Draining: the rate, the refusal of newcomers, the deadline, cancellation.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod fake;

use std::{sync::Arc, time::Duration};

use fake::Fake;
use switchboard_connection::{Connection, Disconnect};
use switchboard_pool::{
    AddError, Drain, DrainError, DrainOutcome, OnDuplicate, Pool, PoolConfig, Removed,
};
use tokio::time::{Instant, advance, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// `n` members spread over `namespaces`.
fn crowd(pool: &Pool, n: usize, namespaces: usize) -> Vec<Arc<Fake>> {
    let add = |n: usize| {
        let connection = Fake::new(&format!("ns{}", n % namespaces), &n.to_string());
        pool.add(connection.clone()).unwrap();
        connection
    };
    (0..n).map(add).collect()
}

/// When the closes began, in order, since `start`.
fn begins(crowd: &[Arc<Fake>], start: Instant) -> Vec<Duration> {
    let mut begins: Vec<_> = crowd
        .iter()
        .filter_map(|one| one.close_began())
        .map(|at| at - start)
        .collect();
    begins.sort();
    begins
}

fn most_in_a_second(begins: &[Duration]) -> usize {
    let within = |from: &Duration| {
        begins
            .iter()
            .filter(|at| (*from..*from + SECOND).contains(at))
            .count()
    };
    begins.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn c4_seven_by_three_close_in_chunks_of_3_3_1() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 7, 2);
    let start = Instant::now();
    pool.drain(Drain::per_second(3)).unwrap().await;
    let begins = begins(&crowd, start);
    assert!(most_in_a_second(&begins) <= 3, "{begins:?}");
    let in_second = |n: u64| begins.iter().filter(|at| at.as_secs() == n).count();
    assert_eq!(
        [in_second(0), in_second(1), in_second(2)],
        [3, 3, 1],
        "{begins:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn c16_drain_of_50_at_10_per_second_takes_4_seconds_over_all_namespaces() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 50, 5);
    let start = Instant::now();
    let report = pool.drain(Drain::per_second(10)).unwrap().await;
    let begins = begins(&crowd, start);
    assert_eq!(begins.len(), 50);
    assert!(most_in_a_second(&begins) <= 10, "{begins:?}");
    assert!(start.elapsed() >= 4 * SECOND && start.elapsed() <= 5 * SECOND + SECOND / 20);
    assert_eq!(report.outcome, DrainOutcome::Completed);
    assert_eq!(
        (report.begun, report.closed, report.left.len()),
        (50, 50, 0)
    );
    assert_eq!(report.elapsed, start.elapsed());
    assert_eq!(report.last_removals.len(), 5);
    assert!(pool.is_empty() && pool.namespaces().is_empty());
    assert_eq!(crowd[0].close_reason(), Some(Disconnect::GOING_AWAY));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_at_100_per_second_are_begun_by_10_seconds() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 1_000, 3);
    let start = Instant::now();
    pool.drain(Drain::per_second(100)).unwrap().await;
    let begins = begins(&crowd, start);
    assert_eq!(most_in_a_second(&begins), 100);
    assert!(
        begins[999] <= Duration::from_millis(10_050),
        "{:?}",
        begins[999]
    );
}

#[tokio::test(start_paused = true)]
async fn without_jitter_closes_are_evenly_spaced() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 4, 1);
    let start = Instant::now();
    let reason = Disconnect::new(4200, "Server is closing.");
    let drain = Drain::per_second(4)
        .without_jitter()
        .disconnect(reason.clone());
    pool.drain(drain).unwrap().await;
    let expected: Vec<_> = (0..4).map(|n| Duration::from_millis(250 * n)).collect();
    let begins = begins(&crowd, start);
    for (at, expected) in begins.iter().zip(expected) {
        assert!(
            *at >= expected && *at <= expected + Duration::from_millis(2),
            "{begins:?}"
        );
    }
    assert_eq!(crowd[0].close_reason(), Some(reason));
}

#[tokio::test(start_paused = true)]
async fn closes_are_in_random_order() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 100, 1);
    pool.drain(Drain::per_second(100)).unwrap().await;
    assert!(!crowd.iter().map(|one| one.close_began()).is_sorted());
}

#[tokio::test(start_paused = true)]
async fn c17_newcomer_during_drain_is_refused_from_the_first_moment() {
    let pool = Pool::new(PoolConfig::default().with_on_duplicate(OnDuplicate::Replace));
    let crowd = crowd(&pool, 20, 1);
    assert!(!pool.refuses_newcomers());
    let draining = pool.drain(Drain::per_second(10)).unwrap();
    // Not even polled yet.
    assert!(pool.refuses_newcomers() && pool.is_draining());
    assert_eq!(pool.add(Fake::new("new", "1")), Err(AddError::Draining));
    assert_eq!(pool.add(Fake::new("ns0", "1")), Err(AddError::Draining));
    assert!(!pool.has_namespace("new"));
    assert!(!crowd[1].is_closed(), "nobody was replaced");
    assert_eq!(pool.len(), 20);
    draining.await;

    assert!(pool.refuses_newcomers() && !pool.is_draining());
    assert_eq!(
        pool.enter(Fake::new("new", "1")).unwrap_err(),
        AddError::Draining
    );
    assert!(pool.reopen());
    assert!(!pool.reopen());
    assert!(pool.add(Fake::new("new", "1")).is_ok());
}

#[tokio::test]
async fn c18_drain_zero_is_an_error() {
    let pool = Pool::default();
    assert_eq!(
        pool.drain(Drain::per_second(0)).unwrap_err(),
        DrainError::ZeroPace
    );
    assert!(!pool.refuses_newcomers());
}

#[tokio::test(start_paused = true)]
async fn c18_drain_resolves_at_the_last_end_and_not_before() {
    let pool = Pool::default();
    let slow = Fake::lingering("default", "slow");
    let membership = pool.enter(slow.clone()).unwrap();
    let draining = tokio::spawn(pool.drain(Drain::per_second(100)).unwrap());
    sleep(5 * SECOND).await;
    assert!(slow.is_closed() && !draining.is_finished());
    assert!(pool.holds(&slow), "closing is not gone");
    slow.end();
    // The normal path is as good as the drain's own.
    let last_for_owner = membership.leave().is_last();
    let report = draining.await.unwrap();
    assert_eq!(report.outcome, DrainOutcome::Completed);
    assert_eq!(
        usize::from(last_for_owner) + report.last_removals.len(),
        1,
        "told once"
    );
}

#[tokio::test(start_paused = true)]
async fn one_drain_at_a_time() {
    let pool = Pool::default();
    crowd(&pool, 2, 1);
    let first = pool.drain(Drain::per_second(1)).unwrap();
    assert_eq!(
        pool.drain(Drain::per_second(1)).unwrap_err(),
        DrainError::AlreadyDraining
    );
    assert!(!pool.reopen(), "not while it runs");
    first.await;
    let again = pool.drain(Drain::per_second(1)).unwrap().await;
    assert_eq!((again.outcome, again.closed), (DrainOutcome::Completed, 0));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_it_with_an_account_of_who_was_left() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 30, 2);
    let lingering = Fake::lingering("default", "slow");
    pool.add(lingering.clone()).unwrap();
    let start = Instant::now();
    let draining = pool.drain(Drain::per_second(10).until(2 * SECOND)).unwrap();
    let report = draining.await;
    assert_eq!(report.outcome, DrainOutcome::DeadlinePassed);
    assert!(start.elapsed() >= 2 * SECOND && start.elapsed() < 2 * SECOND + SECOND / 100);
    let begun = begins(&crowd, start).len() + usize::from(lingering.is_closed());
    assert_eq!(report.begun, begun);
    assert!((19..=20).contains(&begun), "{begun}");
    assert!(
        report.left.contains(lingering.address()),
        "begun or not, it has not ended"
    );
    assert_eq!(report.left.len(), 31 - report.closed);
    for connection in &crowd {
        assert_eq!(
            report.left.contains(connection.address()),
            !connection.is_closed()
        );
        assert_eq!(pool.holds(connection), !connection.is_closed());
    }
    assert!(pool.refuses_newcomers());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_call() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 2, 1);
    let draining = pool.drain(Drain::per_second(1).until(SECOND)).unwrap();
    advance(2 * SECOND).await;
    let report = draining.await;
    assert_eq!(
        (report.outcome, report.begun),
        (DrainOutcome::DeadlinePassed, 0)
    );
    assert_eq!(report.left.len(), crowd.len());
}

#[tokio::test(start_paused = true)]
async fn dropping_cancels_and_takes_newcomers_again() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 10, 1);
    drop(pool.drain(Drain::per_second(1)).unwrap());
    assert!(!pool.refuses_newcomers(), "even before the first poll");
    assert!(
        timeout(SECOND * 3, pool.drain(Drain::per_second(1)).unwrap())
            .await
            .is_err()
    );
    assert!(!pool.refuses_newcomers());
    sleep(10 * SECOND).await;
    let begun = crowd.iter().filter(|one| one.is_closed()).count();
    assert!((2..=4).contains(&begun), "{begun}");
}

#[tokio::test(start_paused = true)]
async fn a_handle_cancels_from_elsewhere() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 10, 1);
    let draining = pool.drain(Drain::per_second(1).without_jitter()).unwrap();
    let handle = draining.handle();
    let running = tokio::spawn(draining);
    sleep(SECOND * 5 / 2).await;
    assert!(handle.cancel());
    assert!(!pool.refuses_newcomers(), "at once");
    assert!(!handle.cancel(), "once");
    let report = running.await.unwrap();
    assert_eq!(report.outcome, DrainOutcome::Cancelled);
    assert_eq!((report.begun, report.left.len()), (3, 7));
    assert_eq!(crowd.iter().filter(|one| one.is_closed()).count(), 3);
    // The pool can be drained again, and a handle of the old drain does not reach the new one.
    let again = pool.drain(Drain::per_second(10)).unwrap();
    assert!(!handle.cancel());
    assert!(pool.is_draining());
    assert_eq!(again.await.begun, 7);
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_at_each_step() {
    let pool = Pool::default();
    crowd(&pool, 3, 1);
    let draining = pool.drain(Drain::per_second(1)).unwrap();
    let mut progress = draining.progress();
    assert_eq!(progress.borrow().total, 3);
    let running = tokio::spawn(draining);
    let mut last = *progress.borrow_and_update();
    while progress.changed().await.is_ok() {
        let now = *progress.borrow_and_update();
        assert!(now.begun >= last.begun && now.closed >= last.closed && now.closed <= now.begun);
        last = now;
        if last.closed == 3 {
            break;
        }
    }
    assert_eq!((last.total, last.begun, last.closed), (3, 3, 3));
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_their_turn_costs_no_time() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 40, 1);
    let start = Instant::now();
    let draining = pool.drain(Drain::per_second(1)).unwrap();
    let handle = draining.handle();
    let running = tokio::spawn(draining);
    tokio::task::yield_now().await;
    for connection in &crowd[..30] {
        pool.remove(connection);
    }
    // Those that close on their own are waited for, in no slot of the drain.
    for connection in &crowd[30..35] {
        connection.close(Disconnect::NORMAL);
    }
    let report = running.await.unwrap();
    assert_eq!(report.outcome, DrainOutcome::Completed);
    assert!(start.elapsed() <= 7 * SECOND, "{:?}", start.elapsed());
    assert!(pool.is_empty());
    assert!(!handle.cancel());
}

#[tokio::test(start_paused = true)]
async fn a_stalled_task_does_not_break_the_rate() {
    let pool = Pool::default();
    let crowd = crowd(&pool, 60, 1);
    let start = Instant::now();
    let mut draining = pool.drain(Drain::per_second(10)).unwrap();
    assert!(timeout(SECOND, &mut draining).await.is_err());
    // Nobody polls it for three seconds.
    sleep(3 * SECOND).await;
    draining.await;
    let begins = begins(&crowd, start);
    assert_eq!(begins.len(), 60);
    assert!(most_in_a_second(&begins) <= 10, "{begins:?}");
}

#[tokio::test(start_paused = true)]
async fn an_empty_pool_is_drained_at_once() {
    let pool = Pool::default();
    let report = pool.drain(Drain::per_second(1)).unwrap().await;
    assert_eq!(
        (report.outcome, report.elapsed),
        (DrainOutcome::Completed, Duration::ZERO)
    );
    let gone = Fake::new("default", "1");
    assert_eq!(pool.remove(&gone), Removed::Absent);
}
