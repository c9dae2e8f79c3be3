//! Closes a whole namespace and waits for its end.

use std::{future::Future, sync::Arc};

use futures_util::stream::{FuturesUnordered, StreamExt};
use switchboard_connection::{AnyConnection, Cork, Disconnect, Namespace};

use crate::{
    name::NameOf,
    pool::{Pool, Removed},
};

/// What [`Pool::close_all`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Connections that have ended.
    pub closed: usize,
    /// Those of them whose close this call began; the others were closing already.
    pub begun: usize,
    /// How often this call took the last connection out of the namespace, so that nobody else is told:
    /// 0 or 1, unless others came meanwhile.
    pub last_removals: usize,
}

/// Closing many.
impl Pool {
    /// Closes each connection of `namespace`, and resolves when all of them have ended.
    ///
    /// The closes begin at the call, all at once; [`Pool::drain`] is for a pace. Connections that come
    /// in afterwards are not closed. Each is taken out of the pool when it has ended, unless whoever
    /// put it there was faster. Dropping the future leaves the closes begun.
    ///
    /// ```
    /// # use switchboard_connection::Disconnect;
    /// # async fn example(pool: switchboard_pool::Pool) {
    /// let report = pool.close_all("default", &Disconnect::new(1000, "Closing the connection.")).await;
    /// println!("{} closed", report.closed);
    /// # }
    /// ```
    pub fn close_all<N: NameOf<Namespace> + ?Sized>(
        &self,
        namespace: &N,
        disconnect: &Disconnect,
    ) -> impl Future<Output = CloseReport> + Send + use<N> {
        let connections = self.connections(namespace);
        let mut report = CloseReport::default();
        let ends = FuturesUnordered::new();
        let cork = Cork::new();
        for connection in &connections {
            report.begun += usize::from(connection.close(disconnect.clone()));
            ends.push(end_of(Arc::clone(connection)));
        }
        drop(cork);
        tracing::debug!(
            namespace = namespace.as_name(),
            begun = report.begun,
            "closing all"
        );
        let pool = self.clone();
        async move {
            let mut ends = ends;
            while let Some(ended) = ends.next().await {
                report.closed += 1;
                report.last_removals +=
                    usize::from(pool.remove(&ended) == Removed::LastInNamespace);
            }
            report
        }
    }
}

/// Resolves to `connection` when it has ended.
pub(crate) async fn end_of(connection: AnyConnection) -> AnyConnection {
    connection.closed().await;
    connection
}
