//! The chat's page in headless Chromium; the steps stand in `tests-node/chat-page.mjs`.

use crate::support::{Example, PLAIN, STOCK, browser};

/// Runs a scenario against a chat with, or without, a client to serve.
async fn run(client: (&str, &str), scenario: &[&str]) {
    let chat = Example::start("chat", &[], &[client]).await;
    let url = format!("http://{}/", chat.host());
    let mut words = vec![&*url];
    words.extend(scenario);
    browser("chat-page.mjs", &words).await;
}

#[tokio::test]
async fn c9_browser_tabs_chat_across_each_other() {
    run(STOCK, &["chat", "plain"]).await;
}

#[tokio::test]
async fn c10_browser_tabs_that_close_leave_nothing_behind() {
    run(STOCK, &["leave", "plain"]).await;
}

#[tokio::test]
async fn c17_browser_pages_come_back_after_a_drain() {
    run(STOCK, &["drain", "plain"]).await;
}

#[tokio::test]
async fn the_browser_runs_the_stock_client() {
    run(STOCK, &["stock"]).await;
}

#[tokio::test]
async fn c9_browser_tabs_chat_over_socket_io() {
    run(STOCK, &["chat"]).await;
}

#[tokio::test]
async fn c10_browser_tabs_that_close_leave_nothing_behind_in_socket_io() {
    run(STOCK, &["leave"]).await;
}

#[tokio::test]
async fn c17_browser_pages_come_back_to_socket_io_after_a_drain() {
    run(STOCK, &["drain"]).await;
}

#[tokio::test]
async fn browser_tabs_of_both_ways_talk_with_each_other() {
    run(STOCK, &["mixed"]).await;
}

#[tokio::test]
async fn a_browser_that_loses_its_line_misses_nothing() {
    run(STOCK, &["recover"]).await;
}

#[tokio::test]
async fn a_browser_takes_over_from_its_own_ghost() {
    run(STOCK, &["ghost"]).await;
}

#[tokio::test]
async fn a_browser_falls_back_to_a_plain_websocket_where_the_client_is_missing() {
    run(PLAIN, &["fallback"]).await;
}
