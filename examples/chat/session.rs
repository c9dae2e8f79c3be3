//! One connection: from its welcome to its last message.

use std::sync::Arc;

use switchboard::{
    connection::{Rate, SendError, TokenBucket},
    prelude::*,
};
use tokio::time::Instant;

use crate::{
    chat::{Chat, Presence},
    protocol::{Code, Fate, FromClient, Kind, Name, ToClient, pace, room, text},
};

/// What one connection may send. The burst is for pages that come back and join all their rooms.
const MESSAGES: Rate = Rate::new(20, 60);

/// The life of one connection. It is in the pool before this begins and until this returns.
pub(crate) async fn run(chat: Arc<Chat>, mut socket: WebSocket) {
    let mut session = Session {
        here: chat.welcome(&socket),
        limit: TokenBucket::new(MESSAGES, Instant::now()),
        chat,
    };
    while let Some(event) = socket.next().await {
        let sent = match event {
            Event::Text(text) => session.received(&text).await,
            Event::Binary(_) => session.refuse(Code::BadMessage, None).await,
            // Pings are answered by the library, and a close is followed by the end of the loop.
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
    // `session.here` goes out of scope: the others are told, even if this task had panicked.
}

struct Session {
    chat: Arc<Chat>,
    here: Presence,
    limit: TokenBucket,
}

impl Session {
    /// Answers one message. Fails only when the connection takes no more answers.
    async fn received(&mut self, text: &str) -> Result<(), SendError> {
        self.chat.counters.received();
        let (about, message) = match FromClient::read(text) {
            Ok(read) => read,
            Err((code, about)) => return self.refuse(code, about.as_deref()).await,
        };
        if !self.limit.try_take(Instant::now()) {
            return self.refuse(Code::RateLimited, Some(&about)).await;
        }
        match self.handle(message) {
            Ok(Answer::Sent) => Ok(()),
            Ok(Answer::Report(fate)) => {
                self.send(&ToClient::Report {
                    about: &about,
                    fate,
                })
                .await
            }
            Err(code) => self.refuse(code, Some(&about)).await,
        }
    }

    /// Does what the client asks for. On an error nothing has happened.
    fn handle(&self, message: FromClient) -> Result<Answer, Code> {
        let pool = self.chat.pool();
        let connection = self.here.connection();
        match message {
            FromClient::Join { room: name } => {
                // The limit is the pool's, which counts and joins in one step.
                pool.join(connection, &room(&name)?)
                    .map_err(|_| Code::TooManyRooms)?;
                self.here.changed();
            }
            FromClient::Leave { room: name } => {
                pool.leave(connection, &room(&name)?);
                self.here.changed();
            }
            FromClient::Name { name } => {
                self.here.rename(Name::new(name)?);
                self.here.changed();
            }
            FromClient::Say {
                room: name,
                text: said,
            } => {
                let said = text(&said)?;
                let room = room(&name).map_err(|_| Code::NotInRoom)?;
                if !pool.is_in(connection, &room) {
                    return Err(Code::NotInRoom);
                }
                let frame = self.here.message(Kind::Room, Some(&room), None, said);
                return Ok(
                    self.delivered(pool.namespace(self.here.namespace()).to(&room).send(frame))
                );
            }
            FromClient::Broadcast { text: said } => {
                let frame = self.here.message(Kind::Broadcast, None, None, text(&said)?);
                return Ok(self.delivered(self.chat.everybody(self.here.namespace()).send(frame)));
            }
            FromClient::Private { to, text: said } => {
                let said = text(&said)?;
                let other = pool
                    .get(self.here.namespace(), &to)
                    .ok_or(Code::NoSuchConnection)?;
                let frame = self.here.message(Kind::Private, None, Some(&to), said);
                let sent = other.try_send(&frame, Delivery::Policy);
                if !Arc::ptr_eq(&other, connection) {
                    // The sender's own copy. If it is not taken, the answer will not be either.
                    connection.try_send(&frame, Delivery::Policy).ok();
                }
                return Ok(self.delivered(sent));
            }
            FromClient::Drain { per_second } => {
                self.chat.drain_for_a_page(pace(per_second)?, connection);
            }
        }
        Ok(Answer::Sent)
    }

    fn delivered(&self, fate: impl Into<Fate>) -> Answer {
        let fate = fate.into();
        self.chat.counters.delivered(fate.queued);
        Answer::Report(fate)
    }

    async fn refuse(&self, code: Code, about: Option<&str>) -> Result<(), SendError> {
        self.send(&ToClient::Error {
            code,
            message: code.message(),
            about,
        })
        .await
    }

    /// Waits for room in the outbox: whoever does not read the answers is not read either.
    async fn send(&self, message: &ToClient<'_>) -> Result<(), SendError> {
        self.here.connection().send(message.frame()).await
    }
}

/// What is left to answer.
enum Answer {
    /// Nothing: an announcement was the answer.
    Sent,
    Report(Fate),
}
