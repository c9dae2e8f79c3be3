//! What a pool can be told.

use serde::{Deserialize, Serialize};

/// Settings of a [`Pool`](crate::Pool). Unknown keys are refused.
///
/// ```
/// # use switchboard_pool::{OnDuplicate, Pool, PoolConfig};
/// let pool = Pool::new(PoolConfig::default().with_on_duplicate(OnDuplicate::Replace));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct PoolConfig {
    /// What happens when a connection's address is taken. Default: reject the newcomer.
    pub on_duplicate: OnDuplicate,
    /// The most rooms one connection may be in. Default: no limit.
    pub max_rooms_per_connection: Option<usize>,
    /// Whether each connection is, from the start, in the room that its id names, so that a room is all
    /// that is needed to address one connection. It costs no memory, does not count for the limit, and
    /// a connection may leave it. Default: no.
    pub own_rooms: bool,
}

impl PoolConfig {
    /// Sets [`on_duplicate`](Self::on_duplicate).
    pub fn with_on_duplicate(mut self, on_duplicate: OnDuplicate) -> Self {
        self.on_duplicate = on_duplicate;
        self
    }

    /// Sets [`max_rooms_per_connection`](Self::max_rooms_per_connection); `None` lifts the limit.
    pub fn with_max_rooms_per_connection(mut self, limit: impl Into<Option<usize>>) -> Self {
        self.max_rooms_per_connection = limit.into();
        self
    }

    /// Sets [`own_rooms`](Self::own_rooms).
    pub fn with_own_rooms(mut self, own_rooms: bool) -> Self {
        self.own_rooms = own_rooms;
        self
    }
}

/// Who wins when two connections have one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OnDuplicate {
    /// The one that is there; the newcomer gets [`AddError::Duplicate`](crate::AddError::Duplicate).
    #[default]
    Reject,
    /// The newcomer. The old one is taken out, with its rooms, and closed with
    /// [`Disconnect::REPLACED`](switchboard_connection::Disconnect::REPLACED).
    Replace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_camel_case_and_refuses_typos() {
        let config: PoolConfig =
            serde_json::from_str(r#"{"onDuplicate":"replace","maxRoomsPerConnection":8}"#).unwrap();
        assert_eq!(
            config,
            PoolConfig::default()
                .with_on_duplicate(OnDuplicate::Replace)
                .with_max_rooms_per_connection(8)
        );
        assert!(serde_json::from_str::<PoolConfig>(r#"{"onDuplicat":"replace"}"#).is_err());
    }
}
