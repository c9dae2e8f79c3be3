//! The names on the wire: of namespaces and of events.
//!
//! Both are short nearly always, so they live inside the packet: a name of up to 23 bytes, `/` above
//! all, allocates nothing.

use std::{borrow::Borrow, fmt, ops::Deref};

use smol_str::SmolStr;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(SmolStr);

        impl $type {
            /// Keeps a copy of `name`, whatever it is.
            pub fn new(name: impl AsRef<str>) -> Self {
                Self(SmolStr::new(name))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), self.as_str())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $type {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }
    };
}

name! {
    /// Which namespace a packet belongs to, as the peer wrote it: `/` or `/admin`.
    ///
    /// A query is not special in this version of the protocol: `/admin?x=1` is a name of its own. The
    /// JSON parser ends a name at a comma; with msgpack a name may be any text. Whether it names
    /// anything is for the server to say.
    Name
}
name! {
    /// What an event is called.
    ///
    /// JavaScript allows numbers too; they arrive as the text that JavaScript would make of them, so
    /// that `42[7]` is the event `"7"`.
    EventName
}

impl Name {
    /// `/`, where every client may begin.
    pub const ROOT: Self = Self(SmolStr::new_static("/"));
}

impl Default for Name {
    fn default() -> Self {
        Self::ROOT
    }
}

/// Names that the libraries on both sides use for themselves.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

impl EventName {
    /// Whether `name` cannot travel: an event called `disconnect` would pass for the real one.
    ///
    /// ```
    /// use switchboard_wire::EventName;
    ///
    /// assert!(EventName::is_reserved("disconnect"));
    /// assert!(!EventName::is_reserved("message"));
    /// ```
    pub fn is_reserved(name: &str) -> bool {
        RESERVED.contains(&name)
    }

    /// The text of a number, as JavaScript writes it where it needs no exponent.
    pub(crate) fn of_number(number: f64) -> Self {
        let magnitude = number.abs();
        if magnitude == 0.0 {
            Self::new("0")
        } else if (1e-6..1e21).contains(&magnitude) {
            Self::from(number.to_string())
        } else {
            Self::from(format!("{number:e}"))
        }
    }
}
