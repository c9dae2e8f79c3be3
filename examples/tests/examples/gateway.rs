//! The twin of the NestJS gateway: the client of its README works as it is written.

use crate::support::{Example, run_node};

#[tokio::test]
async fn n16_the_gateway_and_the_client_of_the_readme_work_as_written() {
    let server = Example::start("gateway", &[], &[]).await;
    // The snippet names http://localhost:3000; the script sends what goes there to the server's own port.
    run_node("seed2-client.mjs", &[&server.url(), "--answers-errors"]).await;
}
