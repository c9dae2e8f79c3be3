//! Settings with which no server could work, or that mean something other than they seem to.

use std::time::Duration;

use switchboard_connection::Rate;

use super::{CookieConfig, CorsConfig, CorsOrigin, IoConfig, switch};

/// A setting that a server refuses to start with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
#[non_exhaustive]
pub struct IoConfigError {
    /// The setting's name as in JSON.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Beyond this many milliseconds a browser's timer fires at once.
const LONGEST_TIMER: Duration = Duration::from_millis(i32::MAX as u64);

const ZERO: &str = "must not be zero";

impl IoConfig {
    /// Refuses what could not work, and what would be unsafe.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong; nothing was started.
    pub fn check(&self) -> Result<(), IoConfigError> {
        let mut problems = self.zeros().into_iter().chain(self.rest());
        match problems.find(|(_, problem)| problem.is_some()) {
            Some((setting, Some(problem))) => Err(IoConfigError { setting, problem }),
            _ => Ok(()),
        }
    }

    fn zeros(&self) -> Vec<(&'static str, Option<&'static str>)> {
        let times = [
            ("connectTimeout", self.connect_timeout),
            ("pingInterval", self.ping_interval),
            ("pingTimeout", self.ping_timeout),
            ("upgradeTimeout", self.upgrade_timeout),
            ("pollingCloseTimeout", self.polling_close_timeout),
            ("middlewareTimeout", self.middleware_timeout),
            ("ackTimeout", self.ack_timeout),
            ("attachmentTimeout", self.attachment_timeout),
            ("admitTimeout", self.admit_timeout),
            ("handshakeTimeout", self.handshake_timeout),
            ("writeTimeout", self.write_timeout),
        ];
        let counts = [
            ("maxHttpBufferSize", self.max_http_buffer_size),
            ("maxHeadSize", self.max_head_size),
            ("maxHeaders", self.max_headers),
            ("outboxBytes", self.outbox_bytes),
            ("outboxMessages", self.outbox_messages),
            ("maxFragments", self.max_fragments),
            (
                "maxNamespacesPerConnection",
                self.max_namespaces_per_connection,
            ),
            ("maxPendingAcks", self.max_pending_acks),
            ("handlerQueue.messages", self.handler_queue.messages),
            ("handlerQueue.bytes", self.handler_queue.bytes),
            ("handlerConcurrency", self.handler_concurrency),
            ("maxDepth", self.max_depth),
        ];
        let rates = [
            ("connectRate", self.connect_rate),
            ("messageRate", self.message_rate),
            ("controlRate", self.control_rate),
        ];
        let caps = [
            ("maxConnections", self.max_connections),
            ("maxConnectionsPerAddress", self.max_connections_per_address),
        ];
        let caps = caps.map(|(name, cap)| (name, cap == Some(0)));
        let times = times.map(|(name, time)| (name, time == Duration::ZERO));
        let counts = counts.map(|(name, count)| (name, count == 0));
        let rates = rates.map(|(name, rate)| {
            let zero = matches!(
                rate,
                Some(Rate { per_second: 0, .. } | Rate { burst: 0, .. })
            );
            (name, zero)
        });
        let all = times.into_iter().chain(counts).chain(caps).chain(rates);
        all.map(|(name, zero)| (name, zero.then_some(ZERO)))
            .collect()
    }

    fn rest(&self) -> [(&'static str, Option<&'static str>); 11] {
        let unless = |fine: bool, problem| (!fine).then_some(problem);
        let cors_problem = self.cors.as_ref().and_then(CorsConfig::problem);
        let any = matches!(&self.cors, Some(cors) if cors.origin == CorsOrigin::Any);
        let cookie_problem = self.cookie.as_ref().and_then(CookieConfig::problem);
        let cookie_for_all =
            "must not be set when cors.origin is \"*\": name the origins whose pages may send it";
        let recovery = self.connection_state_recovery.as_ref();
        [
            ("path", path_problem(&self.path)),
            (
                "pingInterval",
                unless(
                    self.ping_interval.saturating_add(self.ping_timeout) <= LONGEST_TIMER,
                    "and pingTimeout must be less than 24 days together: JavaScript's timers end there",
                ),
            ),
            (
                "transports",
                unless(!self.transports.is_empty(), "must not be empty"),
            ),
            (
                "perMessageDeflate",
                unless(!self.per_message_deflate, strip(switch::NO_DEFLATE)),
            ),
            (
                "allowEIO3",
                unless(!self.allow_eio3, strip(switch::NO_EIO3)),
            ),
            ("cors", cors_problem),
            ("cookie", cookie_problem),
            (
                "cookie",
                unless(self.cookie.is_none() || !any, cookie_for_all),
            ),
            (
                "serveClient",
                unless(
                    self.serve_client != Some(true) || self.client_dir.is_some(),
                    "needs clientDir, the directory of the files: node_modules/socket.io-client/dist",
                ),
            ),
            (
                "handlerQueue.bytesWhileAsking",
                unless(
                    self.handler_queue.bytes_while_asking >= self.handler_queue.bytes,
                    "must not be less than handlerQueue.bytes",
                ),
            ),
            (
                "connectionStateRecovery",
                unless(
                    recovery.is_none_or(|r| !r.max_disconnection_duration.is_zero()),
                    "must have a maxDisconnectionDuration above zero",
                ),
            ),
        ]
    }
}

fn path_problem(path: &str) -> Option<&'static str> {
    let usable = |b: u8| b.is_ascii_graphic() && !b"?#{}".contains(&b);
    if !path.starts_with('/') {
        return Some("must begin with /");
    }
    (!path.bytes().all(usable)).then_some("must be visible ASCII characters without ?, #, { and }")
}

/// The sentence behind the setting's name.
fn strip(text: &'static str) -> &'static str {
    text.split_once(' ').map_or(text, |(_, problem)| problem)
}
