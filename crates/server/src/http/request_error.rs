//! Why a request was refused, in Engine.IO's words.

use std::borrow::Cow;

use http::StatusCode;

/// A refusal with Engine.IO's code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The transport is missing, unknown or switched off.
    UnknownTransport,
    /// No session has this id, here and now.
    UnknownSid,
    /// A handshake by another method than GET.
    BadHandshakeMethod,
    /// The request does not fit its session or its transport.
    BadRequest,
    /// The application refused, perhaps with a text of its own.
    Forbidden(Cow<'static, str>),
    /// Not Engine.IO 4.
    UnsupportedProtocol,
}

impl RequestError {
    /// The number that clients see.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden(_) => 4,
            Self::UnsupportedProtocol => 5,
        }
    }

    /// The text that clients see.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden(text) if text.is_empty() => "Forbidden",
            Self::Forbidden(text) => text,
            Self::UnsupportedProtocol => "Unsupported protocol version",
        }
    }

    /// The status of a plain request; an upgrade always gets 400.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The body of a plain request's answer.
    pub(crate) fn to_json(&self) -> String {
        let message = serde_json::Value::from(self.message());
        format!(r#"{{"code":{},"message":{message}}}"#, self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_those_of_engine_io() {
        let cases = [
            (
                RequestError::UnknownTransport,
                r#"{"code":0,"message":"Transport unknown"}"#,
            ),
            (
                RequestError::UnknownSid,
                r#"{"code":1,"message":"Session ID unknown"}"#,
            ),
            (
                RequestError::BadHandshakeMethod,
                r#"{"code":2,"message":"Bad handshake method"}"#,
            ),
            (
                RequestError::BadRequest,
                r#"{"code":3,"message":"Bad request"}"#,
            ),
            (
                RequestError::Forbidden("".into()),
                r#"{"code":4,"message":"Forbidden"}"#,
            ),
            (
                RequestError::UnsupportedProtocol,
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
            ),
        ];
        for (error, json) in cases {
            assert_eq!(error.to_json(), json);
        }
    }

    #[test]
    fn only_a_refusal_of_the_application_is_403_and_its_text_is_escaped() {
        let refused = RequestError::Forbidden("not \"you\"".into());
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(refused.to_json(), r#"{"code":4,"message":"not \"you\""}"#);
        assert_eq!(RequestError::UnknownSid.status(), StatusCode::BAD_REQUEST);
    }
}
