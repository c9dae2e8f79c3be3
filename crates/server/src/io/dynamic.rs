//! Namespaces that are made when they are asked for.

use std::sync::Arc;

use crate::io::{handler::guarded, handlers::Handlers, handshake::Handshake};

/// Says which names may be asked for: a [`Regex`](regex::Regex), or a function.
pub trait NamespaceMatcher: Send + Sync + 'static {
    /// Whether the client of `handshake` may have a namespace of this name. Must not wait: what needs
    /// waiting is for a middleware.
    fn matches(&self, name: &str, handshake: &Handshake) -> bool;

    /// Whether a name matches whoever asks.
    #[doc(hidden)]
    fn matches_anybody(&self, name: &str) -> bool {
        let _ = name;
        false
    }
}

impl NamespaceMatcher for regex::Regex {
    fn matches(&self, name: &str, _: &Handshake) -> bool {
        self.is_match(name)
    }

    fn matches_anybody(&self, name: &str) -> bool {
        self.is_match(name)
    }
}

impl<F: Fn(&str, &Handshake) -> bool + Send + Sync + 'static> NamespaceMatcher for F {
    fn matches(&self, name: &str, handshake: &Handshake) -> bool {
        self(name, handshake)
    }
}

/// A matcher and the handlers of what it lets be.
pub(crate) struct Dynamic {
    pub(crate) matcher: Box<dyn NamespaceMatcher>,
    pub(crate) handlers: Arc<Handlers>,
}

impl Dynamic {
    /// A matcher that panics matches nothing.
    pub(crate) fn matches(&self, name: &str, handshake: &Handshake) -> bool {
        guarded(|| self.matcher.matches(name, handshake)).unwrap_or(false)
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        guarded(|| self.matcher.matches_anybody(name)).unwrap_or(false)
    }
}
