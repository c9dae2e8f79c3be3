//! Which server to speak to: the one there is, the master that Sentinels name, or nodes of a cluster.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use redis::{Cmd, Value};

use super::{
    command::{Conversation, open},
    dial::{Address, Dialer, Login, Place},
};
use crate::{
    config::{RedisConfig, Topology},
    error::{BusError, StartError},
};

/// Knows the ways to all servers.
#[derive(Debug)]
pub(crate) struct Locator {
    addresses: Vec<Place>,
    topology: Topology,
    login: Login,
    dialer: Dialer,
    response_timeout: Duration,
    turn: AtomicUsize,
}

impl Locator {
    pub(crate) fn new(config: &RedisConfig) -> Result<Self, StartError> {
        config.check()?;
        let addresses: Vec<Address> = config
            .url
            .iter()
            .map(Address::parse)
            .collect::<Result<_, _>>()?;
        let first = &addresses[0];
        Ok(Self {
            topology: config.topology.clone(),
            login: first.login.clone(),
            dialer: Dialer::new(config, first.tls)?,
            response_timeout: config.response_timeout,
            turn: AtomicUsize::new(0),
            addresses: addresses.into_iter().map(|address| address.place).collect(),
        })
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.topology == Topology::Cluster
    }

    /// Whether the server must be asked whether it is a master.
    pub(crate) fn checks_role(&self) -> bool {
        matches!(self.topology, Topology::Sentinel { .. })
    }

    /// Where to connect: the server, the master, any node of a cluster. Each call may answer another place, so that a dead one is not tried for ever.
    pub(crate) async fn find(&self) -> Result<Place, BusError> {
        let turn = self.turn.fetch_add(1, Relaxed);
        match &self.topology {
            Topology::Single | Topology::Cluster => {
                Ok(self.addresses[turn % self.addresses.len()].clone())
            }
            Topology::Sentinel {
                master,
                sentinel_password,
            } => {
                let login = Login {
                    password: sentinel_password.as_ref().map(|secret| secret.0.clone()),
                    ..Login::default()
                };
                let mut last = BusError::Away;
                for index in 0..self.addresses.len() {
                    let sentinel = &self.addresses[(turn + index) % self.addresses.len()];
                    match self.ask_sentinel(sentinel, &login, master).await {
                        Ok(place) => return Ok(place),
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    async fn ask_sentinel(
        &self,
        sentinel: &Place,
        login: &Login,
        master: &str,
    ) -> Result<Place, BusError> {
        let mut connection = self.open(sentinel, login).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("get-master-addr-by-name").arg(master);
        let answer = connection.ask(&command).await?;
        let refused = || BusError::Refused(format!("{sentinel} knows no master named {master}"));
        let (host, port): (String, u16) = redis::from_redis_value(answer).map_err(|_| refused())?;
        Ok(Place::Tcp { host, port })
    }

    /// All nodes of the cluster that can be asked, as a node of it tells.
    pub(crate) async fn nodes(&self) -> Result<Vec<Place>, BusError> {
        let shards = self.shards().await?;
        let mut nodes: Vec<Place> = Vec::new();
        for shard in shards {
            for node in std::iter::once(shard.master).chain(shard.replicas) {
                if !nodes.contains(&node) {
                    nodes.push(node);
                }
            }
        }
        Ok(nodes)
    }

    /// Who holds which slots, as the first node tells that answers.
    pub(crate) async fn shards(&self) -> Result<Vec<Shard>, BusError> {
        let mut last = BusError::Away;
        let turn = self.turn.fetch_add(1, Relaxed);
        for index in 0..self.addresses.len() {
            let node = &self.addresses[(turn + index) % self.addresses.len()];
            match self.ask_slots(node).await {
                Ok(shards) => return Ok(shards),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask_slots(&self, node: &Place) -> Result<Vec<Shard>, BusError> {
        let mut connection = self.open(node, &self.login).await?;
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        let answer = connection.ask(&command).await?;
        let Value::Array(ranges) = answer else {
            return Err(BusError::Refused(format!("{node} tells no slots")));
        };
        let shards: Vec<Shard> = ranges
            .into_iter()
            .filter_map(|range| Shard::read(range, node))
            .collect();
        if shards.is_empty() {
            return Err(BusError::Refused(format!("{node} holds no slots")));
        }
        Ok(shards)
    }

    /// A connection for commands to `place`.
    pub(crate) async fn open(
        &self,
        place: &Place,
        login: &Login,
    ) -> Result<Conversation, BusError> {
        open(&self.dialer, place, login, self.response_timeout).await
    }
}

/// A range of slots and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) first: u16,
    pub(crate) last: u16,
    pub(crate) master: Place,
    pub(crate) replicas: Vec<Place>,
}

impl Shard {
    /// One element of what `CLUSTER SLOTS` answers; `teller` stands for a node that does not know its address.
    fn read(range: Value, teller: &Place) -> Option<Self> {
        let Value::Array(parts) = range else {
            return None;
        };
        let mut parts = parts.into_iter();
        let first = number(&parts.next()?)?;
        let last = number(&parts.next()?)?;
        let mut nodes = parts.filter_map(|node| {
            let Value::Array(node) = node else {
                return None;
            };
            let port = number(node.get(1)?)?;
            let host = match node.first()? {
                Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
                Value::SimpleString(host) => host.clone(),
                _ => String::new(),
            };
            let host = match (host.as_str(), teller) {
                ("" | "?", Place::Tcp { host, .. }) => host.clone(),
                _ => host,
            };
            Some(Place::Tcp { host, port })
        });
        Some(Self {
            first,
            last,
            master: nodes.next()?,
            replicas: nodes.collect(),
        })
    }
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    }
}

/// `ROLE` as a check: refuses what is not a master.
pub(crate) fn role() -> Cmd {
    redis::cmd("ROLE")
}

/// Whether the answer to [`role`] is a master's.
pub(crate) fn is_master(answer: &Value) -> bool {
    match answer {
        Value::Array(parts) => {
            matches!(parts.first(), Some(Value::BulkString(role)) if role == b"master")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_and_nonsense_is_not() {
        let teller = Place::Tcp {
            host: "known".to_owned(),
            port: 1,
        };
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port), Value::Nil]);
        let range = Value::Array(vec![
            Value::Int(0),
            Value::Int(5460),
            node(Value::Nil, 7000),
            node(Value::BulkString(b"10.0.0.2".to_vec()), 7001),
            node(Value::BulkString(b"10.0.0.3".to_vec()), 70_010),
        ]);
        let shard = Shard::read(range, &teller).unwrap();
        assert_eq!((shard.first, shard.last), (0, 5460));
        assert_eq!(shard.master.to_string(), "known:7000");
        assert_eq!(shard.replicas.len(), 1);
        for nonsense in [
            Value::Nil,
            Value::Array(vec![]),
            Value::Array(vec![Value::Int(0), Value::Int(99_999)]),
            Value::Array(vec![Value::Int(0), Value::Int(1)]),
        ] {
            assert_eq!(Shard::read(nonsense, &teller), None);
        }
        assert!(is_master(&Value::Array(vec![Value::BulkString(
            b"master".to_vec()
        )])));
        assert!(!is_master(&Value::Array(vec![Value::BulkString(
            b"slave".to_vec()
        )])));
    }
}
