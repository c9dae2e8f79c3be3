// What this tab knows: itself, the people, the rooms, and its conversations. No DOM, no socket.
//
// A conversation is a room this tab is in, or a private thread with one person. Everything that can
// grow is bounded: messages per conversation and the number of private threads.

/** Messages kept, and shown, per conversation. */
export const KEEP = 500;
const THREADS = 50;
const CROWD = 30; // with more people than this, comings and goings are not written into the rooms

export const roomKey = (room) => `room:${room}`;
export const threadKey = (id) => `private:${id}`;

export class Model {
  me = { id: null, name: "" };
  node = null;
  here = 0;
  people = new Map(); // id -> { id, name, rooms }
  rooms = new Map(); // room -> members
  conversations = new Map(); // key -> { key, kind, name, id?, messages, unread }
  active = null; // key
  watching = true; // whether somebody looks at the active conversation
  #seq = 0;
  #sent = []; // own messages whose answer has not come, in the order sent, which is that of the answers

  constructor(name) {
    this.me.name = name;
  }

  /** The names of the rooms this tab wants to be in. */
  joined() {
    return [...this.conversations.values()].filter(({ kind }) => kind === "room").map(({ name }) => name);
  }

  get conversation() {
    return this.conversations.get(this.active) ?? null;
  }

  /** Unread messages in all conversations. */
  get unread() {
    let sum = 0;
    for (const { unread } of this.conversations.values()) sum += unread;
    return sum;
  }

  openRoom(room) {
    return this.#open({ key: roomKey(room), kind: "room", name: room });
  }

  openThread(id, name) {
    const threads = [...this.conversations.values()].filter(({ kind }) => kind === "private");
    if (!this.conversations.has(threadKey(id)) && threads.length >= THREADS) {
      const oldest = threads.find(({ key }) => key !== this.active);
      if (oldest) this.conversations.delete(oldest.key);
    }
    return this.#open({ key: threadKey(id), kind: "private", name, id });
  }

  #open(fresh) {
    let conversation = this.conversations.get(fresh.key);
    if (!conversation) {
      conversation = { ...fresh, messages: [], unread: 0 };
      this.conversations.set(fresh.key, conversation);
    }
    return conversation;
  }

  /** Forgets a conversation; the first one left becomes active if it was. */
  close(key) {
    this.conversations.delete(key);
    if (this.active === key) this.activate(this.conversations.keys().next().value ?? null);
  }

  activate(key) {
    this.active = key;
    this.seen();
  }

  /** The active conversation has been looked at. */
  seen() {
    if (this.watching && this.conversation) this.conversation.unread = 0;
  }

  // Each handler takes a message of the server, and what it changed is read from the model.

  welcome({ you, people = [], rooms = [], node = null }) {
    this.me = { id: you.id, name: you.name };
    this.node = node;
    this.people = new Map(people.map((who) => [who.id, who]));
    this.people.set(you.id, { rooms: [], ...this.people.get(you.id), ...this.me });
    this.listRooms({ rooms, here: this.people.size });
  }

  listRooms({ rooms, here }) {
    this.rooms = new Map(rooms.map(({ room, members }) => [room, members]));
    if (Number.isFinite(here)) this.here = here;
  }

  /** Somebody arrived, or has another name or other rooms. Twice is the same as once. */
  upsert(who) {
    const before = this.people.get(who.id);
    const now = { id: who.id, name: who.name, rooms: who.rooms ?? before?.rooms ?? [] };
    this.people.set(who.id, now);
    if (who.id === this.me.id) this.me.name = who.name;
    const thread = this.conversations.get(threadKey(who.id));
    if (thread) thread.name = who.name;
    if (!before) this.here += 1;
    else if (before.name !== now.name) this.#noteIn(now.rooms, `${before.name} is now ${now.name}`);
    if (who.id === this.me.id) return;
    const gained = now.rooms.filter((room) => !before?.rooms.includes(room));
    const lost = (before?.rooms ?? []).filter((room) => !now.rooms.includes(room));
    this.#noteIn(gained, `${now.name} joined`);
    this.#noteIn(lost, `${now.name} left`);
  }

  remove({ id }) {
    const who = this.people.get(id);
    if (!who) return;
    this.people.delete(id);
    this.here = Math.max(0, this.here - 1);
    this.#noteIn(who.rooms, `${who.name} left`);
    const thread = this.conversations.get(threadKey(id));
    if (thread) this.note(thread, `${who.name} left`);
  }

  /** Files a chat message; false when it belongs to no conversation of this tab. */
  receive({ kind, from, to, room, text, at }) {
    const item = { kind, from, text, at, mine: from.id === this.me.id };
    if (item.mine) this.#sent.push(item.delivery = { state: "sent" });
    if (kind === "broadcast") {
      for (const conversation of this.conversations.values()) {
        this.#add(conversation, item, conversation.key === this.active);
      }
      return true;
    }
    if (kind === "private") {
      const other = item.mine ? to : from.id;
      const name = item.mine ? this.people.get(to)?.name ?? "Somebody" : from.name;
      const thread = this.openThread(other, name);
      this.#add(thread, item, !item.mine);
      const shown = this.conversation;
      if (!item.mine && shown?.kind === "room") this.#add(shown, { ...item, aside: true }, false);
      return true;
    }
    const conversation = kind === "room" && this.conversations.get(roomKey(room));
    if (conversation) this.#add(conversation, item, !item.mine);
    return Boolean(conversation);
  }

  /** The oldest message without an answer has got it: it was queued to so many. */
  delivered({ queued }) {
    Object.assign(this.#sent.shift() ?? {}, { state: "delivered", queued });
  }

  /** No answers will come any more. */
  unconfirmed() {
    for (const delivery of this.#sent.splice(0)) delivery.state = "unconfirmed";
  }

  /** Writes a quiet line into one conversation. */
  note(conversation, text) {
    this.#add(conversation, { kind: "notice", text, at: Date.now() }, false);
  }

  /** Writes a quiet line into every conversation. */
  noteAll(text) {
    for (const conversation of this.conversations.values()) this.note(conversation, text);
  }

  #noteIn(rooms, text) {
    if (this.people.size > CROWD) return;
    for (const room of rooms) {
      const conversation = this.conversations.get(roomKey(room));
      if (conversation) this.note(conversation, text);
    }
  }

  #add(conversation, item, counts) {
    conversation.messages.push({ ...item, seq: ++this.#seq });
    if (conversation.messages.length > KEEP) conversation.messages.splice(0, conversation.messages.length - KEEP);
    const looking = this.watching && conversation.key === this.active;
    if (counts && !item.mine && !looking) conversation.unread += 1;
  }
}
