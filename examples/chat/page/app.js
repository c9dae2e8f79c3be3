// The page of the chat example: wires the line (line.js), the model and the view.
//
// A chat message of the server goes line -> receive() -> model -> view; what the reader does goes the
// other way, and is drawn when the server says so. The protocol is described in ../PROTOCOL.md.

import { $ } from "./dom.js";
import { makeLine } from "./line.js";
import { Model, roomKey } from "./model.js";
import { length, nickname } from "./names.js";
import { View } from "./view.js";

const LOBBY = "lobby";
const MOST = { name: 32, room: 64, text: 2000 };
const COUNT_FROM = 200; // characters left at which they are counted

const parameters = new URLSearchParams(location.search);
const namespace = parameters.get("namespace") || "chat";
// The bundle of socket.io-client defines `io`; index.html asks for it, and it may not be there.
const client = parameters.has("plain") ? undefined : globalThis.io;
// Who has it may take over from an earlier connection of this page, should the node not know that it is lost.
const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

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
const who = () => ({ name: model.me.name, key });
const line = makeLine(client, { namespace, who, onState: lineState, onMessage: receive });

let lineIs = { state: "connecting" };
let draining = false;
let greeted = false;

function lineState(now) {
  const before = lineIs.state;
  lineIs = now;
  if (now.state === "refused" && now.free) return takeName(now.free);
  if (before === "open" && now.state !== "open") {
    view.countsLost();
    model.noteAll("Connection lost");
    model.unconfirmed();
  }
  if (before !== "open" && now.state === "open" && now.recovered) {
    model.noteAll("Connected again, nothing was missed");
    // What was changed meanwhile, the server does not know.
    if (model.people.get(model.me.id)?.name !== model.me.name) ask("name", { name: model.me.name });
    joinRooms();
  }
  view.line(now, line.kind, draining);
  if (now.state === "open") draining = false;
  view.changed();
}

/** The name is somebody else's: goes by another one for now. */
function takeName(free) {
  view.toast(`“${model.me.name}” is taken here: you are “${free}” for now.`);
  keepName(free);
  line.connect();
}

function keepName(name) {
  model.me.name = name;
  stored.set("name", name);
  view.changed();
}

/** Brings the rooms that the server has this tab in together with those that it wants to be in. */
function joinRooms() {
  const rooms = model.people.get(model.me.id)?.rooms ?? [];
  const wanted = model.joined();
  for (const room of wanted) if (!rooms.includes(room)) ask("join", { room });
  for (const room of rooms) if (!wanted.includes(room)) ask("leave", { room });
}

/** Sends a message whose answer is of interest only when it is a refusal; false when the line is not open. */
function ask(type, data) {
  const answer = line.ask(type, data);
  answer?.then((answer) => answer.type === "error" && refused(answer), () => { /* the line was lost */ });
  return answer !== null;
}

function refused({ code, message, about }) {
  view.toast(message ? `${message} (${code})` : code);
  if (about === "name") view.changed();
}

// The countdown of a waiting line.
setInterval(() => lineIs.state === "waiting" && view.line(lineIs, line.kind, draining), 200);

const handlers = {
  welcome(message) {
    model.welcome(message);
    stored.set("name", model.me.name);
    joinRooms();
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
    else view.line(lineIs, line.kind, draining);
  },
  error: refused,
};

function receive(message) {
  if (!Object.hasOwn(handlers, message.type)) return; // a newer server may say more
  handlers[message.type](message);
  view.changed();
}

// --- what the reader does ---

function openRoom(room) {
  const { key } = model.openRoom(room);
  ask("join", { room });
  remember();
  show(key);
}

function leaveRoom(room) {
  ask("leave", { room });
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

/** Sends the text as `make(text)`, a type and its data; it stays in the field when it cannot be sent. */
function submit(make) {
  const field = $("message-text");
  const text = field.value.trim();
  field.focus();
  if (!text) return;
  if (length(text) > MOST.text) return view.toast(`A message has at most ${MOST.text} characters.`);
  const message = make(text);
  if (!message) return view.toast("Join a room first.");
  const answer = line.ask(...message);
  if (!answer) return view.toast("Not connected. Your text is kept.");
  field.value = "";
  view.hint();
  answer.then((answer) => {
    if (answer.type === "report") return delivered(answer);
    refused(answer);
    if (field.value === "") field.value = text;
  }, () => view.toast("The connection was lost: this may not have arrived."));
}

function delivered(report) {
  model.delivered(report);
  const reached = `Queued to ${report.queued} connection${report.queued === 1 ? "" : "s"}`;
  view.hint(report.dropped ? `${reached}, dropped for ${report.dropped}` : reached);
  view.changed();
}

const toConversation = (text) => {
  const conversation = model.conversation;
  if (conversation?.kind === "private") return ["private", { to: conversation.id, text }];
  return conversation && ["say", { room: conversation.name, text }];
};

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit(toConversation);
});
$("broadcast").addEventListener("click", () => submit((text) => ["broadcast", { text }]));
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
    if (ask("name", { name })) return; // drawn when the server agrees
    keepName(name); // told with the next connection
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
  ask("drain", { perSecond: $("per-second").valueAsNumber });
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
