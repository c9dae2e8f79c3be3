// The page of the chat example: wires the line (socket.js), the model and the view.
//
// A chat message of the server goes line -> receive() -> model -> view; what the reader does goes the
// other way, and is drawn when the server answers. The protocol is described in ../PROTOCOL.md.

import { $ } from "./dom.js";
import { Model, roomKey } from "./model.js";
import { length, nickname } from "./names.js";
import { Line } from "./socket.js";
import { View } from "./view.js";

const LOBBY = "lobby";
const MOST = { name: 32, room: 64, text: 2000 };
const COUNT_FROM = 200; // characters left at which they are counted

const namespace = new URLSearchParams(location.search).get("namespace") || "chat";

// Session storage belongs to one tab, so each tab is a person of its own.
const stored = {
  get(key) {
    try { return sessionStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { sessionStorage.setItem(key, value); } catch { /* a page without storage still chats */ }
  },
};

const model = new Model(stored.get("name") || nickname());
const view = new View(model, { openRoom, leaveRoom, openThread, show, closeThread });
const line = new Line({ url: socketUrl, onState: lineState, onMessage: receive });

let lineIs = { state: "connecting" };
let draining = false;
let refusable = null; // what was sent last, given back if the server refuses it
let greeted = false;

function socketUrl() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/namespace/${encodeURIComponent(namespace)}?name=${encodeURIComponent(model.me.name)}`;
}

function lineState(now) {
  const before = lineIs.state;
  lineIs = now;
  if (before === "open" && now.state !== "open") {
    view.countsLost();
    model.noteAll("Connection lost");
  }
  view.line(now, draining);
  if (now.state === "open") draining = false;
  view.changed();
}

// The countdown of a waiting line.
setInterval(() => lineIs.state === "waiting" && view.line(lineIs, draining), 200);

const handlers = {
  welcome(message) {
    model.welcome(message);
    stored.set("name", model.me.name);
    for (const room of model.joined()) line.send({ type: "join", room });
    if (greeted) model.noteAll("Connected again");
    greeted = true;
  },
  arrived: ({ who }) => model.upsert(who),
  changed({ who }) {
    model.upsert(who);
    if (who.id === model.me.id) stored.set("name", who.name);
  },
  left: ({ who }) => model.remove(who),
  rooms: (message) => model.listRooms(message),
  message: (message) => model.receive(message),
  counts: (message) => view.counts(message),
  draining(message) {
    draining = !message.done;
    if (draining) view.drain(message);
    else view.line(lineIs, draining);
  },
  report({ queued, dropped }) {
    const reached = `Queued to ${queued} connection${queued === 1 ? "" : "s"}`;
    view.hint(dropped ? `${reached}, dropped for ${dropped}` : reached);
  },
  error({ code, message, about }) {
    view.toast(message ? `${message} (${code})` : code);
    const sent = refusable;
    if (sent && about === sent.type && $("message-text").value === "") $("message-text").value = sent.text;
    if (about === "name") view.changed();
  },
};

function receive(message) {
  if (!Object.hasOwn(handlers, message.type)) return; // a newer server may say more
  handlers[message.type](message);
  view.changed();
}

// --- what the reader does ---

function openRoom(room) {
  const { key } = model.openRoom(room);
  line.send({ type: "join", room });
  remember();
  show(key);
}

function leaveRoom(room) {
  line.send({ type: "leave", room });
  model.close(roomKey(room));
  remember();
  view.changed();
}

function openThread(id, name) {
  if (id !== model.me.id) show(model.openThread(id, name).key);
}

function closeThread(key) {
  model.close(key);
  view.changed();
}

function show(key) {
  model.activate(key);
  view.pane("chat");
  view.changed();
  if (!view.phone) $("message-text").focus(); // on a phone the keyboard would cover what was opened
}

const remember = () => stored.set("rooms", JSON.stringify(model.joined()));

/** Sends the text as `make(text)`; it stays in the field when it cannot be sent. */
function submit(make) {
  const field = $("message-text");
  const text = field.value.trim();
  field.focus();
  if (!text) return;
  if (length(text) > MOST.text) return view.toast(`A message has at most ${MOST.text} characters.`);
  const message = make(text);
  if (!message) return view.toast("Join a room first.");
  if (!line.send(message)) return view.toast("Not connected. Your text is kept.");
  refusable = message;
  field.value = "";
  view.hint();
}

const toConversation = (text) => {
  const conversation = model.conversation;
  if (conversation?.kind === "private") return { type: "private", to: conversation.id, text };
  return conversation && { type: "say", room: conversation.name, text };
};

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(toConversation);
});
$("broadcast").addEventListener("click", () => submit((text) => ({ type: "broadcast", text })));
$("message-text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit(toConversation);
});
$("message-text").addEventListener("input", ({ target }) => {
  const left = MOST.text - length(target.value);
  if (left <= COUNT_FROM) view.hint(`${left} characters left`);
});

$("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const room = $("room-name").value.trim().replace(/^#+/, "");
  if (!room) return;
  if (length(room) > MOST.room) return view.toast(`The name of a room has at most ${MOST.room} characters.`);
  $("room-name").value = "";
  openRoom(room);
});

function rename() {
  const name = $("my-name").value.trim();
  if (!name || length(name) > MOST.name) $("my-name").value = model.me.name;
  else if (name !== model.me.name) {
    if (line.send({ type: "name", name })) return; // drawn when the server agrees
    model.me.name = name; // told with the next connection
    stored.set("name", name);
    view.changed();
  }
}
$("my-name").addEventListener("change", rename);
$("my-name").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  $("my-name").value = model.me.name;
  $("my-name").blur();
});
$("me-form").addEventListener("submit", (event) => {
  event.preventDefault();
  $("my-name").blur();
});

$("drain-form").addEventListener("submit", (event) => {
  event.preventDefault();
  line.send({ type: "drain", perSecond: $("per-second").valueAsNumber });
});
$("banner-button").addEventListener("click", () => line.connect());

function watch() {
  model.watching = document.visibilityState === "visible";
  model.seen();
  view.changed();
}
document.addEventListener("visibilitychange", watch);

// --- begin ---

$("namespace").textContent = namespace;
$("my-name").value = model.me.name;
stored.set("name", model.me.name);
for (const room of new Set([LOBBY, ...savedRooms()])) model.openRoom(room);
model.activate(roomKey(LOBBY));
watch();
line.connect();

function savedRooms() {
  try {
    const rooms = JSON.parse(stored.get("rooms"));
    return Array.isArray(rooms) ? rooms.filter((room) => typeof room === "string") : [];
  } catch {
    return [];
  }
}
