//! A connection to one Redis server: TCP, TLS or a Unix socket, and who we are to it.

use std::{fmt, fs, io, path::PathBuf, sync::Arc};

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    config::{ConfigError, RedisConfig, RedisUrl, TlsFiles},
    error::StartError,
};

/// Bytes from and to a server, however they travel.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Who we are to a server.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) db: i64,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login(<redacted>, db {})", self.db)
    }
}

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) tls: bool,
    pub(crate) login: Login,
}

impl Address {
    pub(crate) fn parse(url: &RedisUrl) -> Result<Self, ConfigError> {
        let wrong = |problem| ConfigError {
            setting: "url",
            problem,
        };
        let parsed = redis::parse_redis_url(&url.0).ok_or(wrong("is no redis:// address"))?;
        let tls = matches!(parsed.scheme(), "rediss" | "valkeys");
        let decode = |text: &str| {
            let mut bytes = Vec::with_capacity(text.len());
            let mut rest = text.bytes();
            while let Some(byte) = rest.next() {
                if byte != b'%' {
                    bytes.push(byte);
                    continue;
                }
                let mut digit = || rest.next().and_then(|byte| (byte as char).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(wrong("has a broken % in its login"));
                };
                bytes.extend(u8::try_from(high * 16 + low));
            }
            String::from_utf8(bytes).map_err(|_| wrong("has a login that is not UTF-8"))
        };
        let mut login = Login {
            user: Some(decode(parsed.username())?).filter(|user| !user.is_empty()),
            password: parsed.password().map(decode).transpose()?,
            db: 0,
        };
        if matches!(parsed.scheme(), "unix" | "redis+unix" | "valkey+unix") {
            for (name, value) in parsed.query_pairs() {
                match &*name {
                    "db" => login.db = value.parse().map_err(|_| wrong("has no number as db"))?,
                    "user" => login.user = Some(value.into_owned()),
                    "pass" => login.password = Some(value.into_owned()),
                    _ => return Err(wrong("has an unknown parameter")),
                }
            }
            return Ok(Self {
                place: Place::Unix(PathBuf::from(parsed.path())),
                tls: false,
                login,
            });
        }
        let host = parsed.host_str().ok_or(wrong("names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match parsed.path().trim_matches('/') {
            "" => {}
            db => login.db = db.parse().map_err(|_| wrong("has no number as db"))?,
        }
        Ok(Self {
            place: Place::Tcp {
                host: host.to_owned(),
                port: parsed.port().unwrap_or(6379),
            },
            tls,
            login,
        })
    }
}

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Dialer {
    tls: Option<TlsConnector>,
    nodelay: bool,
    limit: std::time::Duration,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer")
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl Dialer {
    pub(crate) fn new(config: &RedisConfig, tls: bool) -> Result<Self, StartError> {
        Ok(Self {
            tls: tls.then(|| tls_connector(&config.tls)).transpose()?,
            nodelay: config.tcp_nodelay,
            limit: config.connect_timeout,
        })
    }

    /// Connects, within the configured time.
    pub(crate) async fn dial(&self, place: &Place) -> io::Result<Box<dyn Stream>> {
        timeout(self.limit, self.connect(place)).await?
    }

    async fn connect(&self, place: &Place) -> io::Result<Box<dyn Stream>> {
        let (host, port) = match place {
            Place::Tcp { host, port } => (host.as_str(), *port),
            #[cfg(unix)]
            Place::Unix(path) => {
                return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
            }
            #[cfg(not(unix))]
            Place::Unix(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(self.nodelay)?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }
}

fn tls_connector(files: &TlsFiles) -> Result<TlsConnector, StartError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &files.ca_file {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(StartError::tls)?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StartError::tls)?
        .with_root_certificates(roots);
    let config = match (&files.cert_file, &files.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let bytes = fs::read(key).map_err(StartError::tls)?;
            let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(StartError::tls)?;
            builder
                .with_client_auth_cert(certificates(cert)?, key)
                .map_err(StartError::tls)?
        }
        _ => {
            return Err(StartError::Config(ConfigError {
                setting: "tls",
                problem: "needs certFile and keyFile together",
            }));
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let bytes = fs::read(path).map_err(StartError::tls)?;
    CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(StartError::tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, ConfigError> {
        Address::parse(&url.into())
    }

    #[test]
    fn addresses_are_taken_apart() {
        let address = parse("rediss://me:p%40ss@example.com:7000/3").unwrap();
        assert!(address.tls);
        assert_eq!(address.place.to_string(), "example.com:7000");
        let login = Login {
            user: Some("me".to_owned()),
            password: Some("p@ss".to_owned()),
            db: 3,
        };
        assert_eq!(address.login, login);
        assert_eq!(format!("{login:?}"), "Login(<redacted>, db 3)");
        let plain = parse("redis://127.0.0.1").unwrap();
        assert_eq!(
            (plain.place.to_string(), plain.tls),
            ("127.0.0.1:6379".to_owned(), false)
        );
        assert_eq!(plain.login, Login::default());
        assert_eq!(parse("redis://[::1]:1").unwrap().place.to_string(), "::1:1");
        let unix = parse("unix:///run/redis.sock?db=2&pass=x").unwrap();
        assert_eq!(unix.place, Place::Unix("/run/redis.sock".into()));
        assert_eq!(unix.login.db, 2);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "127.0.0.1:6379",
            "http://a",
            "redis://a/x",
            "redis://:%zz@a",
            "unix:///s?x=1",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
