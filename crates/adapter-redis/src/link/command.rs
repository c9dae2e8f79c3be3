//! A connection for commands: the `redis` crate over a stream of ours.

use std::{io, time::Duration};

use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, RedisError, Value,
    aio::MultiplexedConnection,
};
use tokio::{task::JoinHandle, time::timeout};

use super::dial::{Dialer, Login, Place};
use crate::error::BusError;

/// Commands and their replies, in order. Dropped, the connection ends.
#[derive(Debug)]
pub(crate) struct Conversation {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    response_timeout: Duration,
}

/// Connects and logs in; the server has answered once.
pub(crate) async fn open(
    dialer: &Dialer,
    place: &Place,
    login: &Login,
    response_timeout: Duration,
) -> Result<Conversation, BusError> {
    let stream = dialer.dial(place).await.map_err(broken)?;
    let mut who = RedisConnectionInfo::default()
        .set_skip_set_lib_name()
        .set_db(login.db);
    if let Some(user) = &login.user {
        who = who.set_username(user);
    }
    if let Some(password) = &login.password {
        who = who.set_password(password);
    }
    // The deadline is ours, around whole batches.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let opening = MultiplexedConnection::new_with_config(&who, stream, config);
    let opened = timeout(response_timeout, opening).await;
    let (connection, driver) = opened.map_err(broken)?.map_err(unanswered)?;
    let mut conversation = Conversation {
        connection,
        driver: tokio::spawn(driver),
        response_timeout,
    };
    // A server that accepts and does not answer is not there.
    conversation.ask(&redis::cmd("PING")).await?;
    Ok(conversation)
}

impl Conversation {
    /// One command.
    pub(crate) async fn ask(&mut self, command: &Cmd) -> Result<Value, BusError> {
        ask(&mut self.connection, command, self.response_timeout).await
    }

    /// Many commands in one write; each has its own reply, which may be a [`Value::ServerError`].
    pub(crate) async fn ask_all(&mut self, commands: &Pipeline) -> Result<Vec<Value>, BusError> {
        let asked = self
            .connection
            .send_packed_commands(commands, 0, commands.len());
        let replies = timeout(self.response_timeout, asked).await;
        let replies = replies.map_err(broken)?.map_err(unanswered)?;
        if replies.len() == commands.len() {
            Ok(replies)
        } else {
            Err(broken(io::Error::from(io::ErrorKind::InvalidData)))
        }
    }

    /// Another handle on the connection, for others than its owner.
    pub(crate) fn handle(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(&mut self) {
        let _ = (&mut self.driver).await;
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// One command on a handle.
pub(crate) async fn ask(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
    within: Duration,
) -> Result<Value, BusError> {
    let asked = timeout(within, connection.send_packed_command(command)).await;
    match asked.map_err(broken)?.map_err(unanswered)? {
        Value::ServerError(error) => Err(BusError::Refused(error.to_string())),
        value => Ok(value),
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BusError {
    BusError::Unanswered(error.into())
}

fn unanswered(error: RedisError) -> BusError {
    match error.code() {
        Some(_) => BusError::Refused(error.to_string()),
        None => BusError::Unanswered(Box::new(error)),
    }
}
