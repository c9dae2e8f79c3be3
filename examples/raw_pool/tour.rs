//! Every snippet of the README beside its Rust twin.
//!
//! As there, connections are dialled, wrapped with an id and a namespace, and put into a pool. The pool
//! holds dialled and accepted connections alike.

use anyhow::{bail, ensure};
use switchboard::{
    connection::AnyConnection,
    pool::{Pool, Removed},
    prelude::*,
};

/// Walks through all of it, and fails where something is not as the README says.
pub(crate) async fn run(server: &Server) -> anyhow::Result<()> {
    let tour = Tour {
        url: format!("ws://localhost:{}", server.local_addr().port()),
        endpoint: server.endpoint().clone(),
    };
    tour.connections().await?;
    tour.connections_pool().await?;
    tour.removing_connections().await?;
    tour.close_all_connections().await?;
    tour.draining_the_pool().await?;
    println!("tour: done");
    Ok(())
}

struct Tour {
    url: String,
    /// Dials; its connections share their settings.
    endpoint: Endpoint,
}

impl Tour {
    /// Section "Connections".
    async fn connections(&self) -> anyhow::Result<()> {
        // new WebSocket(…), then on 'open' new Connection('1', 'default', ws): here one step, and
        // what it returns is open.
        let address = Address::new(
            ConnectionId::from_static("1"),
            Namespace::from_static("default"),
        );
        let mut connection = self
            .endpoint
            .dial(&self.url)
            .address(address)
            .connect()
            .await?;
        println!("connections: {} is open", connection.address());

        // connection.send('Hello world!')
        connection.send("Hello world!").await?;

        // connection.on('message', …): a loop instead of a callback. The server greets, and hands out
        // what anybody says.
        for _ in 0..2 {
            let event = connection.next().await;
            let Some(Event::Text(message)) = event else {
                bail!("expected a message, not {event:?}");
            };
            println!("connections: received {message}");
        }

        // Dropped, a connection closes itself with 1000.
        Ok(())
    }

    /// Section "Connections Pool".
    async fn connections_pool(&self) -> anyhow::Result<()> {
        // new ConnectionsPool()
        let pool = Pool::default();
        let connection = self.open("1").await?;

        // pool.newConnection(connection). An id that is taken is an error here, not a silent loss.
        pool.add(connection.clone())?;
        println!("pool: {} connection in default", pool.count("default"));

        // pool.broadcastMessage('default', 'Hello world!'). The answer says what became of it.
        let report = pool.namespace("default").send("Hello world!");
        ensure!(report.is_complete(), "{report:?}");
        println!("pool: broadcast queued to {}", report.queued);

        // pool.send('default', '1', 'Hello world!'). Nobody of that name would be an error.
        pool.send_to("default", "1", "Hello world!").await?;
        println!("pool: sent to 1");

        connection.close_and_wait(Disconnect::NORMAL).await;
        Ok(())
    }

    /// Section "Removing connections".
    async fn removing_connections(&self) -> anyhow::Result<()> {
        let pool = Pool::default();
        let (first, last) = (self.open("1").await?, self.open("2").await?);
        pool.add(first.clone())?;
        pool.add(last.clone())?;

        // pool.removeConnection(connection). The connection stays open: it is only not found any more.
        ensure!(pool.remove(&first) == Removed::Member);
        ensure!(!pool.has("default", "1"));
        println!("removing: 1 is out, others remain");

        // pool.removeConnection(connection, () => …): the answer instead of a callback. However many
        // tasks remove connections, one of them is told.
        if pool.remove(&last) == Removed::LastInNamespace {
            println!("removing: No more connections in the namespace.");
        }
        ensure!(!pool.has_namespace("default"));

        first.close_and_wait(Disconnect::NORMAL).await;
        last.close_and_wait(Disconnect::NORMAL).await;
        Ok(())
    }

    /// Section "Close all connections".
    async fn close_all_connections(&self) -> anyhow::Result<()> {
        let pool = self.filled_pool(3).await?;

        // pool.closeAll('default', 1000, 'Closing the connection.'), and wait for the end.
        // `Disconnect::default()` is 1000 without a reason.
        let reason = Disconnect::new(1000, "Closing the connection.");
        let report = pool.close_all("default", &reason).await;
        println!("close all: {} closed", report.closed);
        ensure!(report.closed == 3 && pool.is_empty(), "{report:?}");
        Ok(())
    }

    /// Section "Draining the pool".
    async fn draining_the_pool(&self) -> anyhow::Result<()> {
        let pool = self.filled_pool(12).await?;

        // pool.drainConnections(10, 'Closed by the server.', 1000). Ten a second over all namespaces
        // together; whoever wants to come in meanwhile is refused. By default the code is 1001, after
        // which clients know that they should come back.
        let farewell = Disconnect::new(1000, "Closed by the server.");
        let report = pool
            .drain(Drain::per_second(10).disconnect(farewell))?
            .await;
        println!("draining: {} closed at 10 a second", report.closed);
        ensure!(report.left.is_empty() && pool.is_empty(), "{report:?}");

        // After a drain the pool stays shut until told otherwise: the process usually ends now.
        ensure!(pool.refuses_newcomers() && pool.reopen());
        Ok(())
    }

    /// A pool with the connections '1', '2', … in the namespace "default".
    async fn filled_pool(&self, connections: u32) -> anyhow::Result<Pool> {
        let pool = Pool::default();
        for id in 1..=connections {
            pool.add(self.open(&id.to_string()).await?)?;
        }
        Ok(pool)
    }

    /// Dials as `id` in the namespace "default".
    async fn open(&self, id: &str) -> anyhow::Result<AnyConnection> {
        let address = Address::new(ConnectionId::new(id)?, Namespace::from_static("default"));
        let mut socket = self
            .endpoint
            .dial(&self.url)
            .address(address)
            .connect()
            .await?;
        let connection = socket.connection();
        // Somebody has to read, or the peer's answers, its close among them, are never seen.
        tokio::spawn(async move { while socket.next().await.is_some() {} });
        Ok(connection)
    }
}
