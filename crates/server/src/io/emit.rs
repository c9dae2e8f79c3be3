//! Sending to one client.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use switchboard_connection::{Connection, ConnectionExt, Delivery, Frame, SendError, Sent};
use tokio::time::{Instant, timeout_at};

use crate::io::{
    ack::{AckError, Question},
    send::{EmitError, frame},
    socket::{SEND_DEADLINE, Socket, SocketCore, Stage},
};

/// Sending to this client.
///
/// `data` becomes the event's arguments: a tuple that many, `()` none, everything else one. Bytes travel as
/// binary attachments (`Vec<u8>` through `serde_bytes`).
impl Socket {
    /// Sends an event. Ready at once while the client's outbox has room; waits for room, at most 10 s, when
    /// it has none. Dropping the future before it is ready sends nothing.
    pub async fn emit<T>(&self, event: &str, data: &T) -> Result<(), EmitError>
    where
        T: Serialize + Sync + ?Sized,
    {
        let namespace = self.0.namespace();
        if self.0.stage() == Stage::Left {
            return Err(EmitError::Disconnected);
        }
        let Some(recovery) = &namespace.recovery else {
            let parser = namespace.parser();
            let encoded = parser.event(namespace.name(), None, event, data, None)?;
            let frame = frame(&encoded);
            let len = frame.len();
            send(&self.0, frame).await?;
            namespace.core().metrics.sent(1, len);
            return Ok(());
        };
        let deadline = Instant::now() + SEND_DEADLINE;
        loop {
            // Encoded anew each time, since its place in the log is another.
            let (sent, len) = recovery.emit_to_one(&self.0, event, data, Delivery::Refuse)?;
            match sent {
                Err(SendError::Full) => {}
                sent => return Ok(sent.map(drop)?),
            }
            timeout_at(deadline, self.0.ready(len))
                .await
                .map_err(|_| SendError::TimedOut)??;
        }
    }

    /// Sends an event if the client's outbox has room, and never waits: without room it does what the
    /// slow-consumer policy says.
    pub fn try_emit<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Sent, EmitError> {
        self.emit_once(event, data, Delivery::Policy)
    }

    /// Sends an event only if the client takes bytes right now: for what is stale a moment later.
    pub fn emit_volatile<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
    ) -> Result<Sent, EmitError> {
        self.emit_once(event, data, Delivery::Volatile)
    }

    /// Sends an event and waits for the client's answer, at most `ackTimeout` of the settings.
    ///
    /// The answer's first argument is read as `R`, or all of them when `R` is a tuple. Dropping the future
    /// forgets the question; the client may have got it.
    pub async fn emit_with_ack<R, T>(&self, event: &str, data: &T) -> Result<R, AckError>
    where
        R: DeserializeOwned,
        T: Serialize + Sync + ?Sized,
    {
        let within = self.0.namespace().core().config.ack_timeout;
        self.timeout(within).emit_with_ack(event, data).await
    }

    /// Sets how long the next [`emit_with_ack`](Timed::emit_with_ack) waits.
    pub fn timeout(&self, within: Duration) -> Timed {
        Timed {
            socket: self.clone(),
            within,
        }
    }

    fn emit_once<T: Serialize + ?Sized>(
        &self,
        event: &str,
        data: &T,
        delivery: Delivery,
    ) -> Result<Sent, EmitError> {
        let namespace = self.0.namespace();
        if self.0.stage() == Stage::Left {
            return Err(EmitError::Disconnected);
        }
        let session = self.0.session();
        let Some(recovery) = &namespace.recovery else {
            let parser = namespace.parser();
            let encoded = parser.event(namespace.name(), None, event, data, None)?;
            let frame = frame(&encoded);
            let sent = session.try_send(&frame, delivery)?;
            let queued = usize::from(sent != Sent::Dropped);
            namespace.core().metrics.sent(queued, frame.len());
            return Ok(sent);
        };
        Ok(recovery.emit_to_one(&self.0, event, data, delivery)?.0?)
    }
}

/// A socket whose next question has its own deadline; from [`Socket::timeout`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit_with_ack`"]
pub struct Timed {
    socket: Socket,
    within: Duration,
}

impl Timed {
    /// Sends an event and waits for the client's answer; see [`Socket::emit_with_ack`].
    pub async fn emit_with_ack<R, T>(&self, event: &str, data: &T) -> Result<R, AckError>
    where
        R: DeserializeOwned,
        T: Serialize + Sync + ?Sized,
    {
        let core = &self.socket.0;
        let namespace = core.namespace();
        if core.stage() == Stage::Left {
            return Err(AckError::Disconnected);
        }
        let id = namespace.next_ack();
        let parser = namespace.parser();
        let encoded = parser.event(namespace.name(), Some(id), event, data, None)?;
        let mut question = Question::ask(core, id)?;
        let frame = frame(&encoded);
        let len = frame.len();
        let sent = send(core, frame).await;
        sent.map_err(|error| AckError::Emit(error.into()))?;
        namespace.core().metrics.sent(1, len);
        question.answer(self.within).await
    }
}

/// Queues a frame, and waits for room only where there is none.
async fn send(core: &SocketCore, frame: Frame) -> Result<(), SendError> {
    match core.try_send(&frame, Delivery::Refuse) {
        Err(SendError::Full) => core.send(frame).await,
        sent => sent.map(drop),
    }
}
