//! The chat's page in headless Chromium; the steps stand in `tests-node/chat-page.mjs`.

use crate::support::{Example, browser};

async fn page(scenario: &str) {
    let chat = Example::start("chat", &[], &[]).await;
    browser(
        "chat-page.mjs",
        &[&format!("http://{}/", chat.host()), scenario],
    )
    .await;
}

#[tokio::test]
async fn c9_browser_tabs_chat_across_each_other() {
    page("chat").await;
}

#[tokio::test]
async fn c10_browser_tabs_that_close_leave_nothing_behind() {
    page("leave").await;
}

#[tokio::test]
async fn c17_browser_pages_come_back_after_a_drain() {
    page("drain").await;
}
