//! Several servers in one process, joined by a bus whose faults are to order.

use std::fmt;

use switchboard_adapter::{Cluster as Bus, ClusterConfig};
use switchboard_connection::NodeId;
use switchboard_server::{Io, IoConfig};

use crate::{builder::ClientBuilder, client::TestClient};

/// A cluster of real servers. Clients connect to any of them, in memory.
///
/// ```
/// # use std::time::Duration;
/// # use switchboard_server::{Socket, extract::Data};
/// # use switchboard_testkit::Cluster;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let cluster = Cluster::builder(2)
///     .setup(|io| {
///         io.on("say", async |socket: Socket, Data(text): Data<String>| {
///             socket.broadcast().emit("said", &text).ok();
///         });
///     })
///     .build();
/// let ann = cluster.connect(0).await;
/// let bob = cluster.connect(1).await;
/// ann.emit("say", "hello");
/// assert_eq!(bob.expect_as::<String>("said").await, "hello");
///
/// cluster.partition(&[0], &[1]);
/// ann.emit("say", "is anybody there?");
/// bob.expect_silence(Duration::from_secs(1)).await;
/// cluster.heal();
/// # }
/// ```
pub struct Cluster {
    bus: Bus,
    servers: Vec<Io>,
}

/// Puts a [`Cluster`] together; from [`Cluster::builder`].
#[must_use = "nothing is made before `build`"]
pub struct ClusterBuilder {
    size: usize,
    config: IoConfig,
    bus: ClusterConfig,
    setup: Box<dyn Fn(&Io)>,
}

impl ClusterBuilder {
    /// The settings of each server. Default: [`IoConfig::default`].
    pub fn config(mut self, config: IoConfig) -> Self {
        self.config = config;
        self
    }

    /// How the bus behaves. Default: nothing is late, lost or repeated.
    pub fn bus(mut self, bus: ClusterConfig) -> Self {
        self.bus = bus;
        self
    }

    /// Gives each server its handlers.
    pub fn setup(mut self, setup: impl Fn(&Io) + 'static) -> Self {
        self.setup = Box::new(setup);
        self
    }

    /// Makes the servers.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and when the settings are no good.
    #[track_caller]
    pub fn build(self) -> Cluster {
        let mut cluster = Cluster {
            bus: Bus::new(self.bus),
            servers: Vec::new(),
        };
        for number in 0..self.size {
            let id = NodeId::new(format!("node-{number}"));
            let id = id.unwrap_or_else(|_| NodeId::random());
            let builder = Io::builder(self.config.clone()).with_node_id(id);
            match builder.with_adapter(cluster.bus.node()).build() {
                Ok(io) => {
                    (self.setup)(&io);
                    cluster.servers.push(io);
                }
                Err(error) => panic!("settings of the cluster: {error}"),
            }
        }
        cluster
    }
}

impl Cluster {
    /// So many servers, called `node-0`, `node-1` and so on.
    pub fn builder(size: usize) -> ClusterBuilder {
        ClusterBuilder {
            size,
            config: IoConfig::default(),
            bus: ClusterConfig::default(),
            setup: Box::new(|_| {}),
        }
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// The bus, for all other faults.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// One server.
    ///
    /// # Panics
    ///
    /// When there is none of this number; so does all below.
    #[track_caller]
    pub fn io(&self, number: usize) -> &Io {
        &self.servers[number]
    }

    /// Its name.
    #[track_caller]
    pub fn id(&self, number: usize) -> &NodeId {
        self.io(number).node_id()
    }

    /// A client of one server, in the namespace `/`.
    #[track_caller]
    pub fn connect(&self, number: usize) -> impl Future<Output = TestClient> + Send {
        ClientBuilder::default().connect(self.io(number))
    }

    /// Nothing passes between a server of `some` and one of `others`, until [`heal`](Self::heal).
    #[track_caller]
    pub fn partition(&self, some: &[usize], others: &[usize]) {
        for &a in some {
            for &b in others {
                self.bus.partition(self.id(a), self.id(b));
            }
        }
    }

    /// Takes all partitions back.
    pub fn heal(&self) {
        self.bus.heal_all();
    }

    /// Takes the bus away from one server.
    #[track_caller]
    pub fn isolate(&self, number: usize) {
        self.bus.isolate(self.id(number));
    }

    /// Gives it the bus back.
    #[track_caller]
    pub fn reconnect(&self, number: usize) {
        self.bus.reconnect(self.id(number));
    }

    /// One server hangs, as the others see it.
    #[track_caller]
    pub fn pause(&self, number: usize) {
        self.bus.pause(self.id(number));
    }

    /// It goes on.
    #[track_caller]
    pub fn resume(&self, number: usize) {
        self.bus.resume(self.id(number));
    }

    /// One server is gone without a word, as the others see it.
    #[track_caller]
    pub fn kill(&self, number: usize) {
        self.bus.kill(self.id(number));
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterBuilder")
            .field("size", &self.size)
            .field("bus", &self.bus)
            .finish_non_exhaustive()
    }
}
