//! Who may enter, and where.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use async_trait::async_trait;
use http::{StatusCode, request::Parts};
use switchboard_connection::{Address, ConnectionId, Metadata, Namespace};

/// A request for a WebSocket, before it is answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct UpgradeRequest<'a> {
    /// Method, path, query and headers.
    pub head: &'a Parts,
    /// The namespace that the path names, if the path has one and it is a usable name.
    pub namespace: Option<Namespace>,
    /// The address the transport comes from.
    pub peer: SocketAddr,
    /// The client's address, told by trusted proxies.
    pub client: IpAddr,
}

impl UpgradeRequest<'_> {
    /// The value of a query parameter, percent-decoded; `None` when it is absent or no UTF-8.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.head.uri.query()?;
        let (_, value) = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|pair| {
                percent_encoding::percent_decode_str(pair.0)
                    .decode_utf8()
                    .is_ok_and(|n| n == name)
            })?;
        let value = value.replace('+', " ");
        Some(
            percent_encoding::percent_decode_str(&value)
                .decode_utf8()
                .ok()?
                .into_owned(),
        )
    }
}

/// Where an accepted connection is found, and what is kept with it.
#[derive(Debug)]
pub struct Admission {
    pub(crate) address: Address,
    pub(crate) metadata: Vec<Keep>,
}

/// Puts one value into a connection's metadata.
pub(crate) struct Keep(pub(crate) Box<dyn FnOnce(&Metadata) + Send>);

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keep")
    }
}

impl Admission {
    /// Accepts as `address`.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            metadata: Vec::new(),
        }
    }

    /// Accepts in `namespace`, with a random id.
    pub fn to(namespace: Namespace) -> Self {
        Self::new(Address::new(ConnectionId::random(), namespace))
    }

    /// Keeps `value` in the connection's metadata, where the handler finds it.
    ///
    /// The request itself is not kept: an idle connection should cost little.
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.metadata
            .push(Keep(Box::new(|metadata| drop(metadata.insert(value)))));
        self
    }
}

/// Why a request was not accepted, as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable word for programs, in the body's `code`.
    pub code: &'static str,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Refuses with `status` and a stable `code` such as `UNAUTHENTICATED`.
    pub fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            retry_after: None,
        }
    }

    /// Tells the client when to try again.
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }
}

/// Decides about each request for a WebSocket. Implemented by functions that need no waiting.
///
/// ```
/// # use http::StatusCode;
/// # use switchboard_connection::Namespace;
/// use switchboard_server::{Admission, Refusal, UpgradeRequest};
///
/// fn admit(request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
///     match request.query("token").as_deref() {
///         Some("sesame") => Ok(Admission::to(Namespace::from_static("members"))),
///         _ => Err(Refusal::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")),
///     }
/// }
/// # fn is_hook<H: switchboard_server::Admit>(_: H) {}
/// # is_hook(admit);
/// ```
#[async_trait]
pub trait Admit: Send + Sync + 'static {
    /// Accepts or refuses. Limits, origin and drain were checked before; a request that is dropped
    /// meanwhile, or takes longer than `admit_timeout`, drops the future.
    async fn admit(&self, request: &UpgradeRequest<'_>) -> Result<Admission, Refusal>;
}

#[async_trait]
impl<F> Admit for F
where
    F: Fn(&UpgradeRequest<'_>) -> Result<Admission, Refusal> + Send + Sync + 'static,
{
    async fn admit(&self, request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
        self(request)
    }
}

/// What happens without a hook: the path names the namespace, the id is random.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdmitByPath;

#[async_trait]
impl Admit for AdmitByPath {
    async fn admit(&self, request: &UpgradeRequest<'_>) -> Result<Admission, Refusal> {
        match &request.namespace {
            Some(namespace) => Ok(Admission::to(namespace.clone())),
            None => Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_NAMESPACE")),
        }
    }
}
