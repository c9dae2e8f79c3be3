//! The cookie of a polling session, by which balancers keep its requests on one node.

use std::fmt::Write;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Sid;
use crate::options::{CookieConfig, SameSite};

/// What JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The value of `Set-Cookie`, for the answer that opens a polling session and for no other.
///
/// `None` only for a configuration that was not checked.
pub(crate) fn set_cookie(config: &CookieConfig, sid: &Sid) -> Option<HeaderValue> {
    let value = utf8_percent_encode(sid.as_str(), COMPONENT);
    let mut cookie = format!("{}={value}", config.name);
    if let Some(seconds) = config.max_age {
        let _ = write!(cookie, "; Max-Age={seconds}");
    }
    if let Some(domain) = &config.domain {
        let _ = write!(cookie, "; Domain={domain}");
    }
    if let Some(path) = &config.path {
        let _ = write!(cookie, "; Path={path}");
    }
    if config.http_only {
        cookie += "; HttpOnly";
    }
    if config.secure {
        cookie += "; Secure";
    }
    cookie += match config.same_site {
        SameSite::Lax => "; SameSite=Lax",
        SameSite::Strict => "; SameSite=Strict",
        SameSite::None => "; SameSite=None",
        SameSite::Unset => "",
    };
    HeaderValue::from_str(&cookie).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(json: &str) -> String {
        let config: CookieConfig = serde_json::from_str(json).unwrap();
        let sid = Sid::parse("YVJ1TMM_79308AzUAAAN").unwrap();
        let value = set_cookie(&config, &sid).unwrap();
        value.to_str().unwrap().to_owned()
    }

    /// Captured from `socket.io` with the same options.
    #[test]
    fn spelled_as_node_does() {
        assert_eq!(
            cookie("{}"),
            "io=YVJ1TMM_79308AzUAAAN; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            cookie(
                r#"{"name": "sid", "path": "/x", "maxAge": 3600, "domain": "example.com",
                    "secure": true, "sameSite": "none"}"#
            ),
            "sid=YVJ1TMM_79308AzUAAAN; Max-Age=3600; Domain=example.com; Path=/x; HttpOnly; Secure; \
             SameSite=None"
        );
        assert_eq!(
            cookie(r#"{"httpOnly": false, "sameSite": true, "path": false}"#),
            "io=YVJ1TMM_79308AzUAAAN; SameSite=Strict"
        );
        assert_eq!(
            cookie(r#"{"sameSite": false}"#),
            "io=YVJ1TMM_79308AzUAAAN; Path=/; HttpOnly"
        );
    }
}
