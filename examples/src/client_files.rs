//! Where the files of the browser's Socket.IO client are.

use std::path::{Path, PathBuf};

/// The directory of the stock client's files: `CLIENT_DIR`, or where `cargo xtask setup` has put them in
/// this repository; `None` when they are in neither.
///
/// A server that is told so (`IoConfig::with_client_dir`) answers `/socket.io/socket.io.js` with them.
pub fn client_dir() -> Option<PathBuf> {
    let installed = || {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.join("../tests-node/node_modules/socket.io-client/dist")
    };
    let directory = std::env::var_os("CLIENT_DIR").map_or_else(installed, PathBuf::from);
    directory
        .join("socket.io.min.js")
        .is_file()
        .then_some(directory)
}
