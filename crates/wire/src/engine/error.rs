//! Why a request was refused.

use std::borrow::Cow;

/// Why a server refuses a request, in the numbers and words that clients of Engine.IO know.
///
/// ```
/// use switchboard_wire::engine::RequestError;
///
/// assert_eq!(RequestError::UnknownSid.to_json(), r#"{"code":1,"message":"Session ID unknown"}"#);
/// assert_eq!(RequestError::Forbidden("try later".into()).status(), 403);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
#[non_exhaustive]
pub enum RequestError {
    /// 0: no transport of that name.
    UnknownTransport,
    /// 1: no session of that id; it may have been one.
    UnknownSid,
    /// 2: a session begins with a `GET`.
    BadHandshakeMethod,
    /// 3: anything else that makes no sense.
    BadRequest,
    /// 4: the server does not want this client, for the reason given; `Forbidden` when it is empty.
    Forbidden(Cow<'static, str>),
    /// 5: another version of the protocol.
    UnsupportedProtocol,
}

impl RequestError {
    /// The number of the error.
    pub fn code(&self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden(_) => 4,
            Self::UnsupportedProtocol => 5,
        }
    }

    /// The words of the error. On a request to upgrade they are the whole body.
    pub fn message(&self) -> &str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden(message) if message.is_empty() => "Forbidden",
            Self::Forbidden(message) => message,
            Self::UnsupportedProtocol => "Unsupported protocol version",
        }
    }

    /// The status of the answer; a request to upgrade is answered 400, whatever it is.
    pub fn status(&self) -> u16 {
        match self {
            Self::Forbidden(_) => 403,
            _ => 400,
        }
    }

    /// The body of the answer.
    pub fn to_json(&self) -> String {
        let message = serde_json::Value::from(self.message());
        format!(r#"{{"code":{},"message":{message}}}"#, self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_nodes() {
        for (error, json, status) in [
            (
                RequestError::UnknownTransport,
                r#"{"code":0,"message":"Transport unknown"}"#,
                400,
            ),
            (
                RequestError::UnknownSid,
                r#"{"code":1,"message":"Session ID unknown"}"#,
                400,
            ),
            (
                RequestError::BadHandshakeMethod,
                r#"{"code":2,"message":"Bad handshake method"}"#,
                400,
            ),
            (
                RequestError::BadRequest,
                r#"{"code":3,"message":"Bad request"}"#,
                400,
            ),
            (
                RequestError::Forbidden("".into()),
                r#"{"code":4,"message":"Forbidden"}"#,
                403,
            ),
            (
                RequestError::Forbidden("a \"b\"".into()),
                r#"{"code":4,"message":"a \"b\""}"#,
                403,
            ),
            (
                RequestError::UnsupportedProtocol,
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
                400,
            ),
        ] {
            assert_eq!(error.to_json(), json);
            assert_eq!(error.status(), status);
            assert_eq!(error.to_string(), error.message());
        }
    }
}
