//! The files of the JavaScript client, from a directory on this machine.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use flate2::Compression as Level;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use tokio::sync::OnceCell;

use super::{answer::empty, compress::Coding, cors::vary};
use crate::service::Body;

/// What may be asked for. No other name ever reaches the file system.
const NAMES: [&str; 8] = [
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
];

/// One of the client's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientFile(usize);

impl ClientFile {
    /// By its exact name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().position(|&known| known == name).map(Self)
    }

    fn name(self) -> &'static str {
        NAMES[self.0]
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(if self.name().strip_suffix(".map").is_some() {
            "application/json; charset=utf-8"
        } else {
            "application/javascript; charset=utf-8"
        })
    }
}

/// Serves the files of an installed `socket.io-client`.
///
/// A file is read and compressed when it is first asked for, and kept: eight files, about 1.5 MB, and
/// no request costs more than a copy. A directory that changes is seen after a restart.
#[derive(Clone)]
pub(crate) struct ClientFiles(Arc<Inner>);

struct Inner {
    /// `socket.io-client/dist`.
    dist: PathBuf,
    etag: OnceCell<HeaderValue>,
    plain: [OnceCell<Bytes>; NAMES.len()],
    gzip: [OnceCell<Bytes>; NAMES.len()],
}

impl fmt::Debug for ClientFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientFiles").field(&self.0.dist).finish()
    }
}

impl ClientFiles {
    /// Of a directory that has the files, next to the `package.json` that tells their version.
    pub(crate) fn new(dist: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            dist: dist.into(),
            etag: OnceCell::new(),
            plain: Default::default(),
            gzip: Default::default(),
        }))
    }

    /// Answers a request for `file`. 404 when the directory lacks it; the log says why.
    pub(crate) async fn serve(
        &self,
        file: ClientFile,
        method: &Method,
        request: &HeaderMap,
    ) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        match self.0.answer(file, request).await {
            Ok(response) => response,
            Err(error) => {
                let dist = self.0.dist.display();
                tracing::warn!(file = file.name(), %dist, %error, "a file of the client is missing");
                empty(StatusCode::NOT_FOUND)
            }
        }
    }
}

impl Inner {
    async fn answer(&self, file: ClientFile, request: &HeaderMap) -> io::Result<Response<Body>> {
        let etag = self.etag.get_or_try_init(|| etag(&self.dist)).await?;
        if is_known(etag, request) {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().insert(header::ETAG, etag.clone());
            return Ok(response);
        }
        let is_gzip = Coding::accepted(request) == Some(Coding::Gzip);
        let body = if is_gzip {
            self.gzip(file).await?
        } else {
            self.plain(file).await?
        };
        let mut response = Response::new(Body::new(body));
        let headers = response.headers_mut();
        let cache = HeaderValue::from_static("public, max-age=0");
        headers.insert(header::CACHE_CONTROL, cache);
        headers.insert(header::CONTENT_TYPE, file.content_type());
        headers.insert(header::ETAG, etag.clone());
        vary(headers, header::ACCEPT_ENCODING.as_str());
        if is_gzip {
            let gzip = HeaderValue::from_static("gzip");
            headers.insert(header::CONTENT_ENCODING, gzip);
        }
        Ok(response)
    }

    async fn plain(&self, file: ClientFile) -> io::Result<Bytes> {
        let path = self.dist.join(file.name());
        let read = || async { tokio::fs::read(path).await.map(Bytes::from) };
        self.plain[file.0].get_or_try_init(read).await.cloned()
    }

    async fn gzip(&self, file: ClientFile) -> io::Result<Bytes> {
        let compress = || async {
            let plain = self.plain(file).await?;
            let work = move || Coding::Gzip.encode(&plain, Level::default());
            tokio::task::spawn_blocking(work).await?
        };
        self.gzip[file.0].get_or_try_init(compress).await.cloned()
    }
}

/// The version in quotes, from the `package.json` beside the directory.
async fn etag(dist: &Path) -> io::Result<HeaderValue> {
    #[derive(serde::Deserialize)]
    struct Package {
        version: String,
    }
    let path = dist.join("..").join("package.json");
    let text = tokio::fs::read(path).await?;
    let package: Package = serde_json::from_slice(&text)?;
    HeaderValue::try_from(format!("\"{}\"", package.version))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Whether the client has this version already.
fn is_known(etag: &HeaderValue, request: &HeaderMap) -> bool {
    let known = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes();
    let tags = request.get_all(header::IF_NONE_MATCH).iter();
    tags.flat_map(|value| value.as_bytes().split(|&b| b == b','))
        .any(|tag| known(tag.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;

    /// A directory of its own that goes when the test ends.
    struct Package(PathBuf);

    impl Package {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir_all(root.join("dist")).unwrap();
            std::fs::write(root.join("package.json"), r#"{"version": "4.8.4"}"#).unwrap();
            std::fs::write(root.join("dist/socket.io.js"), "client();".repeat(500)).unwrap();
            std::fs::write(root.join("dist/socket.io.js.map"), "{}").unwrap();
            Self(root)
        }

        fn files(&self) -> ClientFiles {
            ClientFiles::new(self.0.join("dist"))
        }
    }

    impl Drop for Package {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn get(
        files: &ClientFiles,
        name: &str,
        headers: &[(&'static str, &'static str)],
    ) -> (http::response::Parts, Vec<u8>) {
        let request = headers
            .iter()
            .map(|&(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect();
        let file = ClientFile::named(name).unwrap();
        let response = files.serve(file, &Method::GET, &request).await;
        let (head, body) = response.into_parts();
        (head, body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn files_have_the_headers_of_node() {
        let package = Package::new("switchboard-files");
        let files = package.files();
        let (head, body) = get(&files, "socket.io.js", &[]).await;
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["cache-control"], "public, max-age=0");
        assert_eq!(head.headers["etag"], "\"4.8.4\"");
        assert_eq!(
            head.headers["content-type"],
            "application/javascript; charset=utf-8"
        );
        assert_eq!(body.len(), 4_500);
        let (head, body) = get(&files, "socket.io.js.map", &[]).await;
        assert_eq!(
            head.headers["content-type"],
            "application/json; charset=utf-8"
        );
        assert_eq!(body, b"{}");
    }

    #[tokio::test]
    async fn who_has_the_version_gets_no_body() {
        let package = Package::new("switchboard-known");
        let files = package.files();
        for tag in ["\"4.8.4\"", "W/\"4.8.4\"", "\"1\", W/\"4.8.4\""] {
            let (head, body) = get(&files, "socket.io.js", &[("if-none-match", tag)]).await;
            assert_eq!((head.status.as_u16(), body.len()), (304, 0), "{tag}");
        }
        let (head, _) = get(&files, "socket.io.js", &[("if-none-match", "\"4.8.3\"")]).await;
        assert_eq!(head.status, 200);
    }

    #[tokio::test]
    async fn gzip_for_who_takes_it() {
        let package = Package::new("switchboard-gzip");
        let files = package.files();
        let (head, body) = get(&files, "socket.io.js", &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(head.headers["content-encoding"], "gzip");
        assert_eq!(head.headers["vary"], "Accept-Encoding");
        let mut back = String::new();
        flate2::read::GzDecoder::new(&body[..])
            .read_to_string(&mut back)
            .unwrap();
        assert_eq!(back.len(), 4_500);
    }

    #[tokio::test]
    async fn what_is_not_there_is_404_and_found_once_it_is() {
        let package = Package::new("switchboard-missing");
        let files = package.files();
        let (head, body) = get(&files, "socket.io.min.js", &[]).await;
        assert_eq!((head.status.as_u16(), body.len()), (404, 0));
        std::fs::write(package.0.join("dist/socket.io.min.js"), "x").unwrap();
        let (head, _) = get(&files, "socket.io.min.js", &[]).await;
        assert_eq!(head.status, 200);
        let nowhere = ClientFiles::new("/nonexistent/dist");
        let (head, _) = get(&nowhere, "socket.io.js", &[]).await;
        assert_eq!(head.status, 404);
    }

    #[tokio::test]
    async fn other_methods_and_other_names() {
        let package = Package::new("switchboard-methods");
        let file = ClientFile::named("socket.io.js").unwrap();
        let files = package.files();
        let response = files.serve(file, &Method::POST, &HeaderMap::new()).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        let response = files.serve(file, &Method::HEAD, &HeaderMap::new()).await;
        assert_eq!(response.status(), StatusCode::OK);
        for name in ["", "../package.json", "package.json", "SOCKET.IO.JS"] {
            assert_eq!(ClientFile::named(name), None);
        }
    }
}
