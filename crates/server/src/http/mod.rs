//! The HTTP side of an Engine.IO 4 server: what a request asks for, and the bytes of each answer.
//!
//! Nothing here holds a session. A request is read ([`EngineQuery`]), judged ([`judge()`]) against what
//! is known of its session, and answered ([`answer`]) in the form that `engine.io` gives its answers,
//! so that stock clients find nothing changed. Cross-origin headers ([`Cors`]) and the client's files
//! ([`ClientFiles`]) stand beside it.
#![cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the Socket.IO server that calls these is being built beside them"
    )
)]

pub(crate) mod answer;
mod client_files;
mod compress;
mod cookie;
mod cors;
mod fuzz;
mod jsonp;
mod judge;
mod query;
mod request_error;
mod route;
mod sid;
#[cfg(test)]
mod wire_tests;

pub(crate) use client_files::{ClientFile, ClientFiles};
pub(crate) use compress::Compression;
pub(crate) use cookie::set_cookie;
pub(crate) use cors::Cors;
pub use fuzz::fuzz_request;
pub(crate) use jsonp::Jsonp;
pub(crate) use judge::{Asked, SessionView, Settings, judge};
pub(crate) use query::EngineQuery;
pub(crate) use request_error::RequestError;
pub(crate) use route::Route;
pub(crate) use sid::Sid;
