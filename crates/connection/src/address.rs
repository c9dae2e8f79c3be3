//! Names of what a message can be addressed to.
//!
//! A connection is found by its [`Address`]: a [`ConnectionId`] that is unique inside a
//! [`Namespace`]. A [`Room`] is a label that many connections of a namespace share; a [`UserId`]
//! names who is behind a connection, and a [`NodeId`] the process that holds it.
//!
//! Each name is 1 to [`MAX_NAME_LEN`] bytes of UTF-8, checked once when the name is made, and cheap
//! to clone.

use std::{borrow::Borrow, fmt, ops::Deref, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
pub const MAX_NAME_LEN: usize = 256;

/// Why a text is not a usable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    #[error("name is empty")]
    Empty,
    /// The text is longer than [`MAX_NAME_LEN`].
    #[error("name is {0} bytes long, more than {MAX_NAME_LEN}")]
    TooLong(usize),
}

fn checked(name: &str) -> Result<&str, NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        1..=MAX_NAME_LEN => Ok(name),
        len => Err(NameError::TooLong(len)),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `name` and keeps a copy of it.
            pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
                Ok(Self(checked(name.as_ref())?.into()))
            }

            /// The name from a literal of the program.
            ///
            /// # Panics
            ///
            /// When `name` is empty or too long, so use it for literals only.
            #[must_use]
            #[track_caller]
            pub fn from_static(name: &'static str) -> Self {
                match checked(name) {
                    Ok(name) => Self(name.into()),
                    Err(error) => panic!("{name:?}: {error}"),
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), &*self.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = NameError;

            fn try_from(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

name! {
    /// A named, isolated set of connections; ids are unique inside it.
    Namespace
}
name! {
    /// Names one connection within its namespace.
    ConnectionId
}
name! {
    /// A label that many connections share within a namespace.
    Room
}
name! {
    /// Names who is behind a connection.
    UserId
}
name! {
    /// Names one node: a process that holds connections.
    NodeId
}

impl ConnectionId {
    /// A new id of 128 bits from the operating system's random source, as 22 URL-safe characters.
    ///
    /// # Panics
    ///
    /// When the operating system has no random bytes to give.
    #[must_use]
    pub fn random() -> Self {
        Self(random_token().into())
    }
}

impl NodeId {
    /// A new id of 128 bits from the operating system's random source.
    ///
    /// # Panics
    ///
    /// When the operating system has no random bytes to give.
    #[must_use]
    pub fn random() -> Self {
        Self(random_token().into())
    }
}

fn random_token() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    let mut bits = u128::from_be_bytes(random);
    let mut token = String::with_capacity(22);
    for _ in 0..22 {
        token.push(char::from(ALPHABET[(bits & 63) as usize]));
        bits >>= 6;
    }
    token
}

/// Where one connection is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The connection's id, unique inside the namespace.
    pub id: ConnectionId,
    /// The namespace it belongs to.
    pub namespace: Namespace,
}

impl Address {
    /// The address of connection `id` in `namespace`.
    pub fn new(id: ConnectionId, namespace: Namespace) -> Self {
        Self { id, namespace }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.id)
    }
}

/// What another process needs to name a connection: `{"id", "namespace", "node"}` in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RemoteConnection {
    /// The connection's address, `id` and `namespace` in JSON.
    #[serde(flatten)]
    pub address: Address,
    /// The node that holds the connection.
    pub node: NodeId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_when_made() {
        assert_eq!(Room::new(""), Err(NameError::Empty));
        assert_eq!(Room::new("x".repeat(257)), Err(NameError::TooLong(257)));
        assert_eq!(Room::new("x".repeat(256)).unwrap().len(), 256);
        assert!(serde_json::from_str::<Room>("\"\"").is_err());
    }

    #[test]
    fn random_ids_are_22_url_safe_characters_and_differ() {
        let (a, b) = (ConnectionId::random(), ConnectionId::random());
        assert_ne!(a, b);
        assert_eq!(a.len(), 22);
        assert!(
            a.bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
        );
    }
}
