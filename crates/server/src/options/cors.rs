//! Cross-origin rules.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Visitor},
};

use super::switch;

/// Which pages of other origins may talk to the server, with the meaning of npm's `cors`.
///
/// The same [`origin`](Self::origin) decides about WebSockets, which browsers do not ask about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CorsConfig {
    /// Whose pages. Default: `*`.
    pub origin: CorsOrigin,
    /// The methods a preflight names. Default: `GET,HEAD,PUT,PATCH,POST,DELETE`.
    #[serde(deserialize_with = "switch::list")]
    pub methods: Vec<String>,
    /// The headers a preflight allows. Default: those it asks for.
    #[serde(
        deserialize_with = "switch::optional_list",
        skip_serializing_if = "Option::is_none"
    )]
    pub allowed_headers: Option<Vec<String>>,
    /// The headers that a page may read. Default: none.
    #[serde(deserialize_with = "switch::list")]
    pub exposed_headers: Vec<String>,
    /// Whether requests may carry cookies. Not with `*`. Default: no.
    pub credentials: bool,
    /// How long a preflight is remembered, in **seconds** as in Node. Default: not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// The status of a preflight. Default: 204.
    pub options_success_status: u16,
    /// Whether others answer preflights: only `false`.
    #[serde(deserialize_with = "no_continue")]
    pub preflight_continue: bool,
}

impl Default for CorsConfig {
    fn default() -> Self {
        let methods = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"];
        Self {
            origin: CorsOrigin::Any,
            methods: methods.map(str::to_owned).to_vec(),
            allowed_headers: None,
            exposed_headers: Vec::new(),
            credentials: false,
            max_age: None,
            options_success_status: 204,
            preflight_continue: false,
        }
    }
}

impl CorsConfig {
    /// Rules for one origin, a list of them, or [`CorsOrigin::Any`].
    pub fn new(origin: impl Into<CorsOrigin>) -> Self {
        Self {
            origin: origin.into(),
            ..Self::default()
        }
    }

    /// Sets [`methods`](Self::methods).
    pub fn with_methods<T: Into<String>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.methods = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`allowed_headers`](Self::allowed_headers).
    pub fn with_allowed_headers(mut self, headers: Option<Vec<String>>) -> Self {
        self.allowed_headers = headers;
        self
    }

    /// Sets [`exposed_headers`](Self::exposed_headers).
    pub fn with_exposed_headers(mut self, headers: Vec<String>) -> Self {
        self.exposed_headers = headers;
        self
    }

    /// Sets [`credentials`](Self::credentials).
    pub fn with_credentials(mut self, credentials: bool) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets [`max_age`](Self::max_age).
    pub fn with_max_age(mut self, seconds: Option<u64>) -> Self {
        self.max_age = seconds;
        self
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        let visible = |text: &String| text.bytes().all(|b| (b' '..=b'~').contains(&b));
        let headers = self.allowed_headers.iter().flatten();
        let mut texts = self.methods.iter().chain(headers);
        let texts_fit = texts.all(visible) && self.exposed_headers.iter().all(visible);
        if !texts_fit || !self.origin.listed().iter().all(visible) {
            return Some("must be visible ASCII characters");
        }
        if self.origin.listed().iter().any(String::is_empty) {
            return Some("must not have an empty origin: false switches it off");
        }
        if matches!(&self.origin, CorsOrigin::List(list) if list.iter().any(|o| o == "*")) {
            return Some("must have \"*\" alone, not in a list");
        }
        if self.origin == CorsOrigin::Any && self.credentials {
            return Some("must name origins when credentials is true: \"*\" would be everybody's");
        }
        if self.preflight_continue {
            return Some("must not have preflightContinue: nobody else answers here");
        }
        if !(200..300).contains(&self.options_success_status) {
            return Some("must have an optionsSuccessStatus from 200 to 299");
        }
        None
    }
}

/// Whose pages may talk to the server.
///
/// In JSON `false`, `"*"`, `true`, one origin or a list of origins. An origin is a scheme, a host and,
/// if it is no usual one, a port: `https://example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsOrigin {
    /// There are no rules, and no headers.
    Off,
    /// Everybody's, without their cookies.
    Any,
    /// Everybody's, each told its own origin. With [`credentials`](CorsConfig::credentials) any page
    /// can act in the name of whoever looks at it.
    Reflect,
    /// One origin's, which everybody is told.
    One(String),
    /// These origins', each told its own.
    List(Vec<String>),
}

impl CorsOrigin {
    /// The origins that are named.
    pub(super) fn listed(&self) -> &[String] {
        match self {
            Self::One(origin) => std::slice::from_ref(origin),
            Self::List(origins) => origins,
            Self::Off | Self::Any | Self::Reflect => &[],
        }
    }
}

impl From<&str> for CorsOrigin {
    fn from(origin: &str) -> Self {
        match origin {
            "*" => Self::Any,
            origin => Self::One(origin.to_owned()),
        }
    }
}

impl<const N: usize> From<[&str; N]> for CorsOrigin {
    fn from(origins: [&str; N]) -> Self {
        Self::List(origins.map(str::to_owned).to_vec())
    }
}

impl From<Vec<String>> for CorsOrigin {
    fn from(origins: Vec<String>) -> Self {
        Self::List(origins)
    }
}

impl Serialize for CorsOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_bool(false),
            Self::Any => serializer.serialize_str("*"),
            Self::Reflect => serializer.serialize_bool(true),
            Self::One(origin) => serializer.serialize_str(origin),
            Self::List(origins) => origins.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CorsOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OriginVisitor;

        impl<'de> Visitor<'de> for OriginVisitor {
            type Value = CorsOrigin;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("false, true, \"*\", an origin or a list of origins")
            }

            fn visit_unit<E: de::Error>(self) -> Result<CorsOrigin, E> {
                Ok(CorsOrigin::Off)
            }

            fn visit_bool<E: de::Error>(self, reflect: bool) -> Result<CorsOrigin, E> {
                Ok(if reflect {
                    CorsOrigin::Reflect
                } else {
                    CorsOrigin::Off
                })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CorsOrigin, E> {
                Ok(text.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<CorsOrigin, A::Error> {
                let mut origins = Vec::new();
                while let Some(origin) = seq.next_element()? {
                    origins.push(origin);
                }
                Ok(CorsOrigin::List(origins))
            }
        }

        deserializer.deserialize_any(OriginVisitor)
    }
}

fn no_continue<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if bool::deserialize(deserializer)? {
        let why = "preflightContinue must be false: nobody else answers here";
        return Err(de::Error::custom(why));
    }
    Ok(false)
}
