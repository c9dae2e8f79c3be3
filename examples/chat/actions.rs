//! What each message of a client does, whatever way it came.

use switchboard::{events::Event, prelude::*};

use crate::{
    chat::message,
    fate::Fate,
    presence::Presence,
    protocol::{Answer, Broadcast, DrainNode, Join, Kind, Leave, Private, Rename, Report, Say},
    rules::{Code, Name, pace, room, text},
};

/// A message that does something. On an error nothing has happened.
pub(crate) trait Action: Event<Ack = Answer> {
    fn act(self, me: &Presence) -> Result<Answer, Code>;
}

impl Presence {
    /// Does what the client asks for, if it may, and says how it went.
    pub(crate) fn answer<A: Action>(&self, message: A) -> Answer {
        let result = if self.is_within_limit() {
            message.act(self)
        } else {
            Err(Code::RateLimited)
        };
        result.unwrap_or_else(|code| Answer::refusal(code, Some(A::NAME)))
    }
}

impl Action for Join {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let room = room(&self.room)?;
        let changed = me.change(|people, seat, way| {
            way.join(&room)?;
            people.join(me.namespace(), seat, &room);
            Ok(())
        });
        changed.map(Answer::Changed)
    }
}

impl Action for Leave {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let room = room(&self.room)?;
        let changed = me.change(|people, seat, way| {
            way.leave(&room);
            people.leave(me.namespace(), seat, &room);
            Ok(())
        });
        changed.map(Answer::Changed)
    }
}

impl Action for Rename {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let name = Name::new(self.name)?;
        let changed = me.change(|people, seat, way| {
            people.rename(me.namespace(), seat, name.clone())?;
            way.remember(&name);
            Ok(())
        });
        changed.map(Answer::Changed)
    }
}

impl Action for Say {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let text = text(self.text)?;
        let room = room(&self.room).map_err(|_| Code::NotInRoom)?;
        if !me.is_in(&room) {
            return Err(Code::NotInRoom);
        }
        let said = message(me.who(), Kind::Room, Some(room.clone()), None, text);
        let fate = me.chat().room(me.namespace(), &room).send(&said);
        Ok(report::<Self>(me, fate))
    }
}

impl Action for Broadcast {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let said = message(me.who(), Kind::Broadcast, None, None, text(self.text)?);
        let fate = me.chat().everybody(me.namespace()).send(&said);
        Ok(report::<Self>(me, fate))
    }
}

impl Action for Private {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let text = text(self.text)?;
        let (other, own) = me.ways_to(&self.to).ok_or(Code::NoSuchConnection)?;
        let to = ConnectionId::new(&self.to).map_err(|_| Code::NoSuchConnection)?;
        let said = message(me.who(), Kind::Private, None, Some(to), text);
        let fate = other.tell(&said);
        if let Some(own) = own {
            // The sender's own copy. If it is not taken, the answer will not be either.
            own.tell(&said);
        }
        Ok(report::<Self>(me, fate))
    }
}

impl Action for DrainNode {
    fn act(self, me: &Presence) -> Result<Answer, Code> {
        let draining = me.chat().drain_for_a_page(pace(self.per_second)?);
        Ok(Answer::Draining(draining))
    }
}

fn report<A: Action>(me: &Presence, fate: Fate) -> Answer {
    me.chat().counters.delivered(fate.queued);
    Answer::Report(Report {
        about: A::NAME.to_owned(),
        fate,
    })
}
