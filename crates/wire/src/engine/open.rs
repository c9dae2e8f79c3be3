//! The greeting of a session.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the server says first: who the client is, and the rules of the session.
///
/// Its fields are in the order in which Node writes them.
///
/// ```
/// use std::time::Duration;
/// use switchboard_wire::engine::Open;
///
/// let open = Open {
///     sid: "QUBCWG7Hbr_rHXg9AAAA".into(),
///     upgrades: vec!["websocket".into()],
///     ping_interval: Duration::from_secs(25),
///     ping_timeout: Duration::from_secs(20),
///     max_payload: 1_000_000,
/// };
/// let packet = r#"0{"sid":"QUBCWG7Hbr_rHXg9AAAA","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
/// assert_eq!(open.encode(), packet);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// Names the session in each later request. It is a secret, unlike the id of a socket.
    pub sid: String,
    /// The transports that the client may move to.
    pub upgrades: Vec<String>,
    /// The pause between the server's pings; milliseconds on the wire.
    #[serde(with = "millis")]
    pub ping_interval: Duration,
    /// How long the server waits for a pong; milliseconds on the wire.
    #[serde(with = "millis")]
    pub ping_timeout: Duration,
    /// The most bytes that the server takes in one body or message.
    pub max_payload: u64,
}

impl Open {
    /// The whole packet, digit included.
    pub fn encode(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        super::Packet::Open(&json).encode()
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_back() {
        let json = r#"{"sid":"s","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000,"new":1}"#;
        let open: Open = serde_json::from_str(json).unwrap();
        assert_eq!(open.ping_interval, Duration::from_millis(300));
        assert_eq!(
            open.encode(),
            format!("0{}", json.replace(",\"new\":1", ""))
        );
    }
}
