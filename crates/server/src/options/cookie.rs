//! The session cookie.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// A cookie with the Engine.IO session's id, so that balancers keep a polling session on one node.
///
/// It is set when a polling session opens, never by a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CookieConfig {
    /// Its name. Default: `io`.
    pub name: String,
    /// The paths it is sent to; `false` leaves that to the browser. Default: `/`.
    #[serde(with = "optional_path")]
    pub path: Option<String>,
    /// Whether scripts cannot read it. Default: they cannot.
    pub http_only: bool,
    /// Whether other sites' requests carry it. Default: [`SameSite::Lax`].
    pub same_site: SameSite,
    /// How long it lives, in **seconds** as in Node. Default: as long as the browser.
    pub max_age: Option<u64>,
    /// The domain that shares it. Default: this host alone.
    pub domain: Option<String>,
    /// Whether it travels over TLS only. Default: no.
    pub secure: bool,
}

impl Default for CookieConfig {
    fn default() -> Self {
        Self {
            name: "io".to_owned(),
            path: Some("/".to_owned()),
            http_only: true,
            same_site: SameSite::Lax,
            max_age: None,
            domain: None,
            secure: false,
        }
    }
}

impl CookieConfig {
    /// Sets [`name`](Self::name).
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets [`path`](Self::path).
    pub fn with_path(mut self, path: Option<String>) -> Self {
        self.path = path;
        self
    }

    /// Sets [`http_only`](Self::http_only).
    pub fn with_http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Sets [`max_age`](Self::max_age).
    pub fn with_max_age(mut self, seconds: Option<u64>) -> Self {
        self.max_age = seconds;
        self
    }

    /// Sets [`domain`](Self::domain).
    pub fn with_domain(mut self, domain: Option<String>) -> Self {
        self.domain = domain;
        self
    }

    /// Sets [`same_site`](Self::same_site).
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sets [`secure`](Self::secure).
    pub fn with_secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let text = |text: &str| {
            text.bytes()
                .all(|b| (b' '..=b'~').contains(&b) && b != b';')
        };
        if self.name.is_empty() || !self.name.bytes().all(token) {
            return Some("must have a name of letters, digits and -_.");
        }
        let texts = [&self.path, &self.domain];
        if !texts.into_iter().flatten().all(|t| text(t)) {
            return Some("must have a path and domain of visible characters without ;");
        }
        if self.same_site == SameSite::None && !self.secure {
            return Some("must be secure with sameSite none: browsers drop it otherwise");
        }
        None
    }
}

/// Whether requests that other sites cause carry the cookie.
///
/// In JSON `"lax"`, `"strict"`, `"none"`; `true` is strict, `false` says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Only when somebody follows a link.
    #[default]
    Lax,
    /// Never.
    Strict,
    /// Always; browsers want [`secure`](CookieConfig::secure) then.
    None,
    /// The attribute is left out.
    Unset,
}

impl Serialize for SameSite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Lax => serializer.serialize_str("lax"),
            Self::Strict => serializer.serialize_str("strict"),
            Self::None => serializer.serialize_str("none"),
            Self::Unset => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for SameSite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SameSiteVisitor;

        impl Visitor<'_> for SameSiteVisitor {
            type Value = SameSite;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"lax\", \"strict\", \"none\", true or false")
            }

            fn visit_bool<E: de::Error>(self, strict: bool) -> Result<SameSite, E> {
                Ok(if strict {
                    SameSite::Strict
                } else {
                    SameSite::Unset
                })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SameSite, E> {
                match text.to_ascii_lowercase().as_str() {
                    "lax" => Ok(SameSite::Lax),
                    "strict" => Ok(SameSite::Strict),
                    "none" => Ok(SameSite::None),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(SameSiteVisitor)
    }
}

/// A path, or `false` for none.
mod optional_path {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        path: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => serializer.serialize_str(path),
            None => serializer.serialize_bool(false),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Path(String),
            Is(bool),
        }
        match Option::<Said>::deserialize(deserializer)? {
            Some(Said::Path(path)) => Ok(Some(path)),
            None | Some(Said::Is(false)) => Ok(None),
            Some(Said::Is(true)) => Err(D::Error::custom("path must be a text or false")),
        }
    }
}
