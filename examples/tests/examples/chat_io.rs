//! The chat's protocol over Socket.IO, by the stock client; the steps stand in `tests-node/chat-io.mjs`.

use crate::support::{Example, PLAIN, run_node};

#[tokio::test]
async fn the_chat_keeps_its_promises_to_stock_clients() {
    // What is served to browsers does not matter here.
    let chat = Example::start("chat", &[], &[PLAIN]).await;
    run_node("chat-io.mjs", &[&format!("http://{}/", chat.host())]).await;
}
