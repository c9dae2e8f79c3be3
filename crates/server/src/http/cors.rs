//! Cross-origin rules for the HTTP side, with the meaning that npm's `cors` gives them.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::answer::empty;
use crate::{
    options::{CorsConfig, CorsOrigin},
    service::Body,
};

/// Answers preflights, and adds headers to every other answer, refusals included.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    origin: Origin,
    methods: Option<HeaderValue>,
    allowed_headers: AllowedHeaders,
    exposed_headers: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
    success: StatusCode,
}

#[derive(Clone, Debug)]
enum Origin {
    Any,
    /// Said to everybody, whether it is theirs or not.
    Fixed(HeaderValue),
    /// Said to those who are on the list.
    Listed(Vec<HeaderValue>),
    /// Whoever asks.
    Reflected,
}

#[derive(Clone, Debug)]
enum AllowedHeaders {
    /// Whatever is asked for.
    Reflected,
    Fixed(Option<HeaderValue>),
}

impl Cors {
    /// The rules of a checked configuration; `None` when it switches them off.
    pub(crate) fn new(config: &CorsConfig) -> Option<Self> {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let listed = |list: &[String]| Some(list.join(",")).filter(|text| !text.is_empty());
        let origin = match &config.origin {
            CorsOrigin::Off => return None,
            CorsOrigin::Any => Origin::Any,
            CorsOrigin::Reflect => Origin::Reflected,
            CorsOrigin::One(origin) => Origin::Fixed(value(origin)?),
            CorsOrigin::List(origins) => {
                Origin::Listed(origins.iter().filter_map(|origin| value(origin)).collect())
            }
        };
        let allowed_headers = match &config.allowed_headers {
            None => AllowedHeaders::Reflected,
            Some(list) => AllowedHeaders::Fixed(listed(list).and_then(|text| value(&text))),
        };
        Some(Self {
            origin,
            methods: listed(&config.methods).and_then(|text| value(&text)),
            allowed_headers,
            exposed_headers: listed(&config.exposed_headers).and_then(|text| value(&text)),
            credentials: config.credentials,
            max_age: config.max_age.map(HeaderValue::from),
            success: StatusCode::from_u16(config.options_success_status)
                .unwrap_or(StatusCode::NO_CONTENT),
        })
    }

    /// The whole answer to an `OPTIONS` request.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = empty(self.success);
        let headers = response.headers_mut();
        self.apply(request, headers);
        if let Some(methods) = &self.methods {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
        }
        let allowed = match &self.allowed_headers {
            AllowedHeaders::Fixed(list) => list.clone(),
            AllowedHeaders::Reflected => {
                vary(headers, header::ACCESS_CONTROL_REQUEST_HEADERS.as_str());
                let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
                asked.filter(|asked| !asked.is_empty()).cloned()
            }
        };
        if let Some(allowed) = allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        if let Some(max_age) = &self.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.clone());
        }
        response
    }

    /// Adds what every answer to `request` must say, the 101 of an upgrade included.
    pub(crate) fn apply(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        let asking = request.get(header::ORIGIN).filter(|o| !o.is_empty());
        let allowed = match &self.origin {
            Origin::Any => Some(HeaderValue::from_static("*")),
            Origin::Fixed(origin) => Some(origin.clone()),
            Origin::Listed(origins) => asking.filter(|o| origins.contains(o)).cloned(),
            Origin::Reflected => asking.cloned(),
        };
        if let Some(allowed) = allowed {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
        if !matches!(self.origin, Origin::Any) {
            vary(answer, header::ORIGIN.as_str());
        }
        if self.credentials {
            let value = HeaderValue::from_static("true");
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, value);
        }
        if let Some(exposed) = &self.exposed_headers {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }
}

/// Says that an answer depends on a header of the request.
pub(super) fn vary(answer: &mut HeaderMap, name: &str) {
    let said = answer.get(header::VARY).and_then(|v| v.to_str().ok());
    let said = said.unwrap_or_default();
    let covered = |field: &str| field == "*" || field.eq_ignore_ascii_case(name);
    if said.split(',').map(str::trim).any(covered) {
        return;
    }
    let all = match said {
        "" => spelled(name),
        said => format!("{said}, {}", spelled(name)),
    };
    if let Ok(value) = HeaderValue::try_from(all) {
        answer.insert(header::VARY, value);
    }
}

/// `access-control-request-headers` as people write it.
fn spelled(name: &str) -> String {
    let mut starts = true;
    let spell = |c: char| {
        let c = if starts { c.to_ascii_uppercase() } else { c };
        starts = c == '-';
        c
    };
    name.chars().map(spell).collect()
}

#[cfg(test)]
mod tests;
