//! Whether the process lives, and whether it wants newcomers: for a load balancer or Kubernetes.

use http::{HeaderValue, Method, Response, StatusCode, header};

use crate::{io::io::Io, service::Body};

impl Io {
    /// Answers `GET /live` and `GET /ready`; `None` for everything else.
    ///
    /// `/live` is 200 as long as the process answers at all. `/ready` is 503 from the first moment of a drain
    /// or a [`close`](Self::close) on, so that nobody sends newcomers here any more.
    ///
    /// ```
    /// # use switchboard_server::{Io, IoConfig};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let io = Io::new(IoConfig::default()).unwrap();
    /// let answer = io.health(&http::Method::GET, "/ready").unwrap();
    /// assert_eq!(answer.status(), 200);
    /// io.close().await;
    /// let answer = io.health(&http::Method::GET, "/ready").unwrap();
    /// assert_eq!(answer.status(), 503);
    /// assert_eq!(io.health(&http::Method::GET, "/live").unwrap().status(), 200);
    /// assert!(io.health(&http::Method::GET, "/").is_none());
    /// # }
    /// ```
    pub fn health(&self, method: &Method, path: &str) -> Option<Response<Body>> {
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let (status, body) = match path {
            "/live" => (StatusCode::OK, r#"{"status":"live"}"#),
            "/ready" if self.is_ready() => (StatusCode::OK, r#"{"status":"ready"}"#),
            "/ready" => (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"status":"not ready","code":"DRAINING"}"#,
            ),
            _ => return None,
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Some(response)
    }
}
