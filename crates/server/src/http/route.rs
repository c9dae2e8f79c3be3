//! Which paths are Socket.IO's.

use super::ClientFile;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A file of the client.
    File(ClientFile),
    /// A request of Engine.IO.
    Engine,
}

impl Route {
    /// Of a path, where `engine` is the configured path as `IoConfig::engine_path` gives it.
    ///
    /// With its trailing slash whatever lies below belongs to Engine.IO too, as in Node. `None` is
    /// somebody else's.
    pub(crate) fn of(path: &str, engine: &str) -> Option<Self> {
        let rest = path.strip_prefix(engine)?;
        let below = if engine.ends_with('/') {
            Some(rest)
        } else {
            rest.strip_prefix('/')
        };
        if let Some(file) = below.and_then(ClientFile::named) {
            return Some(Self::File(file));
        }
        (rest.is_empty() || below.is_some()).then_some(Self::Engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_trailing_slash() {
        let of = |path| Route::of(path, "/socket.io/");
        assert_eq!(of("/socket.io/"), Some(Route::Engine));
        assert_eq!(of("/socket.io/below"), Some(Route::Engine));
        assert_eq!(of("/socket.io"), None);
        assert_eq!(of("/socket.iox/"), None);
        assert_eq!(of("/"), None);
    }

    #[test]
    fn without_one() {
        let of = |path| Route::of(path, "/socket.io");
        assert_eq!(of("/socket.io"), Some(Route::Engine));
        assert_eq!(of("/socket.io/"), Some(Route::Engine));
        assert_eq!(of("/socket.iox"), None);
    }

    #[test]
    fn files_of_the_client() {
        for engine in ["/socket.io/", "/socket.io"] {
            let file = Route::of("/socket.io/socket.io.min.js", engine);
            assert!(matches!(file, Some(Route::File(_))), "{engine}");
            for other in [
                "/socket.io/../socket.io.js",
                "/socket.io/socket.io.js/",
                "/socket.io/%2e%2e/package.json",
                "/socket.io/socket.io.esm.js",
            ] {
                assert_eq!(Route::of(other, engine), Some(Route::Engine), "{other}");
            }
        }
    }
}
