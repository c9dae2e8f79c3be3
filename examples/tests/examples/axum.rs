//! The example `axum`: sockets and REST routes on one port, met by npm's client and by a browser.

use crate::support::{Example, browser, run_node};

#[tokio::test]
async fn c15_axum_serves_rest_sockets_and_usage_on_one_port() {
    let server = Example::start("axum", &[], &[]).await;
    run_node("axum-client.mjs", &[&server.url()]).await;
}

#[tokio::test]
async fn axum_ends_with_a_drain() {
    let server = Example::start("axum", &[], &[("DRAIN_PER_SECOND", "1")]).await;
    run_node("axum-client.mjs", &[&server.url(), &server.pid()]).await;
    let (status, lines) = server.finish().await;
    assert!(status.success(), "{status}: {lines:?}");
    assert_eq!(
        lines,
        [
            "SIGTERM: closing 1 of 3 clients a second",
            "bye; 3 closed at the pace"
        ]
    );
}

#[tokio::test]
async fn axum_page_works_in_a_browser() {
    let server = Example::start("axum", &[], &[]).await;
    browser("axum-page.mjs", &[&server.url()]).await;
}
