//! Sorts what comes.

use std::sync::Arc;

use bytes::Bytes;
use switchboard_adapter::{Arrival, Target};
use switchboard_wire::cluster::{
    ClusterError, Options,
    classic::{Broadcast, Channel, RawResponse},
};
use tokio::time::Instant;
use tracing::debug;

use super::{Node, Route, Space};
use crate::{
    envelope::{Beat, Letter, State},
    link::Topic,
};

impl Node {
    pub(super) fn hear(self: &Arc<Self>, topic: &Topic, channel: &Bytes, payload: &Bytes) {
        let route = self.spaces.read().by_topic.get(topic).cloned();
        let result = match route {
            Some(Route::Events(space)) => self.hear_event(&space, channel, payload),
            Some(Route::Requests(space)) => self.serve(&space, payload),
            Some(Route::Answers) => self.hear_answer(None, payload),
            Some(Route::Inbox) => self.hear_letter(payload),
            Some(Route::Beats) => self.hear_beat(Beat::decode(payload)),
            // Of a namespace that has just been closed.
            None => Ok(()),
        };
        if let Err(error) = result {
            self.stats.undecodable.add(1);
            debug!(%error, channel = %channel.escape_ascii(), "a message cannot be read");
        }
    }

    fn hear_event(
        &self,
        space: &Space,
        channel: &Bytes,
        payload: &Bytes,
    ) -> Result<(), ClusterError> {
        let Some(local) = self.local() else {
            return Ok(());
        };
        // A pattern may match more than was meant.
        let Ok(channel) = std::str::from_utf8(channel) else {
            return Ok(());
        };
        let Some(Channel::Broadcast { room }) = space.channels.parse(channel) else {
            return Ok(());
        };
        if room.is_some_and(|room| !local.has_room(&space.namespace, room)) {
            return Ok(());
        }
        let event = Broadcast::decode(&self.limits, payload)?;
        if event.uid == self.uid || event.namespace.as_str() != space.namespace.as_str() {
            return Ok(());
        }
        let target = target(&event.options);
        let mut arrival = Arrival::new(&space.namespace, &target, &event.event, &event.args);
        arrival.volatile = event.options.flags.volatile;
        arrival.compress = event.options.flags.compress;
        local.deliver(&arrival);
        Ok(())
    }

    /// `from` says who answers, if it is a node of ours.
    fn hear_answer(
        &self,
        from: Option<switchboard_connection::NodeId>,
        payload: &Bytes,
    ) -> Result<(), ClusterError> {
        if self.is_closed() {
            return Ok(());
        }
        let answer = RawResponse::parse(&self.limits, payload)?;
        // Most answers are for others.
        if let Some(question) = self.questions.find(answer.request_id()) {
            question.answer(from, answer.read()?);
        }
        Ok(())
    }

    fn hear_letter(&self, payload: &Bytes) -> Result<(), ClusterError> {
        let (from, letter) = Letter::decode(payload).ok_or(ClusterError::Malformed)?;
        match letter {
            Letter::Notice(notice) => {
                if let Some(local) = self.local() {
                    local.notice(&from, notice);
                }
                Ok(())
            }
            Letter::Answer(answer) => self.hear_answer(Some(from), &answer),
            Letter::Beat(beat) => self.hear_beat(Some(beat)),
        }
    }

    fn hear_beat(&self, beat: Option<Beat>) -> Result<(), ClusterError> {
        let beat = beat.ok_or(ClusterError::Malformed)?;
        if beat.uid == self.uid {
            return Ok(());
        }
        let greets = beat.greets && beat.state != State::Gone;
        let uid = beat.uid.clone();
        let changes = self.members.heard(beat, Instant::now());
        self.changed(&changes);
        if greets {
            self.greet_back(&uid);
        }
        Ok(())
    }
}

pub(super) fn target(options: &Options) -> Target {
    Target::new(&options.rooms, &options.except)
}
