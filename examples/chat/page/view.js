// Draws the model, except for the messages (messages.js). Asks nothing of the server.

import { $, el, icon, reconcile, setText } from "./dom.js";
import { MessageList } from "./messages.js";
import { roomKey, threadKey } from "./model.js";
import { paintAvatar } from "./names.js";
import { Sparkline } from "./sparkline.js";

const SHOWN_PEOPLE = 200;
const NBSP = "\u00a0";
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const STATES = { connecting: "Connecting", open: "Connected", waiting: "Reconnecting", closed: "Disconnected", refused: "Refused" };

const OVER = { polling: " by polling", websocket: " over WebSocket" };

/** "1 person", "2 people". */
const plural = (count, one, many = `${one}s`) => `${whole.format(count)} ${count === 1 ? one : many}`;

export class View {
  #model;
  #actions;
  #messages;
  #spark = new Sparkline($("spark"));
  #counts = null; // the last one, and when it came
  #dirty = false;
  #toast = 0;
  #hint = 0;

  /** `actions`: openRoom(room), leaveRoom(room), openThread(id, name), show(key), closeThread(key). */
  constructor(model, actions) {
    this.#model = model;
    this.#actions = actions;
    this.#messages = new MessageList({ onPerson: actions.openThread });
    $("another").href = location.href;
    for (const tab of $("tabs").children) tab.addEventListener("click", () => this.pane(tab.dataset.pane));
    this.hint();
  }

  /** Draws soon; many changes in a row are drawn once. A timer, as hidden tabs get no frames. */
  changed() {
    if (this.#dirty) return;
    this.#dirty = true;
    setTimeout(() => {
      this.#dirty = false;
      this.#draw();
    }, 16);
  }

  /** On a phone, shows one part of the page. */
  pane(name) {
    $("layout").dataset.pane = name;
    for (const tab of $("tabs").children) tab.setAttribute("aria-pressed", String(tab.dataset.pane === name));
  }

  get phone() {
    return getComputedStyle($("tabs")).display !== "none";
  }

  #draw() {
    const model = this.#model;
    paintAvatar($("me-avatar"), model.me.name);
    if (document.activeElement !== $("my-name")) $("my-name").value = model.me.name;
    setText($("node-id"), model.node?.id ? `node ${model.node.id}` : "");
    setText($("here"), whole.format(model.here));
    this.#drawRooms();
    this.#drawThreads();
    this.#drawPeople();
    this.#drawHead();
    this.#messages.show(model.conversation);
    $("empty").hidden = Boolean(model.conversation?.messages.some(({ kind }) => kind !== "notice"));

    const unread = model.unread;
    badge($("tab-unread"), unread);
    const title = model.conversation ? this.#title(model.conversation) : "Switchboard chat";
    document.title = `${unread ? `(${unread}) ` : ""}${title} · Switchboard chat`;
  }

  #title({ kind, name }) {
    return kind === "room" ? `#${name}` : name;
  }

  #drawRooms() {
    const model = this.#model;
    const names = new Set([...model.joined(), ...[...model.rooms.keys()].sort()]);
    reconcile($("room-list"), names, {
      key: (room) => room,
      make: (room) => entry({ testid: "room", room }, [el("span", { className: "hash", textContent: "#", "aria-hidden": "true" })], room, {
        open: () => this.#actions.openRoom(room),
        close: () => this.#actions.leaveRoom(room),
        closeLabel: `Leave ${room}`,
      }),
      update: (item, room) => {
        const key = roomKey(room);
        const conversation = model.conversations.get(key);
        const members = model.rooms.get(room) ?? 0;
        item.dataset.joined = String(Boolean(conversation));
        item.dataset.members = members;
        item.dataset.unread = conversation?.unread ?? 0;
        item.querySelector(".open").setAttribute("aria-current", String(key === model.active));
        setText(item.querySelector(".number"), whole.format(members));
        item.querySelector(".open").title = `${plural(members, "member")}${conversation ? "" : " · choose to join"}`;
        badge(item.querySelector(".badge"), conversation?.unread ?? 0);
      },
    });
  }

  #drawThreads() {
    const model = this.#model;
    const threads = [...model.conversations.values()].filter(({ kind }) => kind === "private");
    $("threads").hidden = threads.length === 0;
    reconcile($("thread-list"), threads, {
      key: ({ key }) => key,
      make: ({ key, id, name }) => entry({ testid: "thread", id }, [el("span", { className: "avatar", "aria-hidden": "true" })], name, {
        open: () => this.#actions.show(key),
        close: () => this.#actions.closeThread(key),
        closeLabel: `Close the thread with ${name}`,
      }),
      update: (item, { key, id, name, unread }) => {
        item.dataset.unread = unread;
        item.dataset.gone = String(!model.people.has(id));
        item.querySelector(".open").setAttribute("aria-current", String(key === model.active));
        paintAvatar(item.querySelector(".avatar"), name);
        setText(item.querySelector(".label"), name);
        badge(item.querySelector(".badge"), unread);
      },
    });
  }

  #drawPeople() {
    const model = this.#model;
    const room = model.conversation?.kind === "room" ? model.conversation.name : null;
    const rank = (who) => (who.id === model.me.id ? 0 : !room || who.rooms.includes(room) ? 1 : 2);
    const people = [...model.people.values()]
      .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
      .slice(0, SHOWN_PEOPLE);
    reconcile($("people-list"), people, {
      key: ({ id }) => id,
      make: ({ id, name }) => entry({ testid: "person", id }, [el("span", { className: "avatar", "aria-hidden": "true" })], name, {
        open: () => this.#actions.openThread(id, model.people.get(id)?.name ?? name),
      }),
      update: (item, who) => {
        const mine = who.id === model.me.id;
        item.dataset.name = who.name;
        item.dataset.me = String(mine);
        item.dataset.elsewhere = String(rank(who) === 2);
        paintAvatar(item.querySelector(".avatar"), who.name);
        setText(item.querySelector(".label"), who.name);
        const places = who.rooms.map((name) => `#${name}`).join(" ") || "in no room";
        setText(item.querySelector(".number"), mine ? "you" : rank(who) === 2 ? places : "");
        const open = item.querySelector(".open");
        open.disabled = mine;
        open.title = mine ? "This tab" : `Write privately · ${places}`;
        badge(item.querySelector(".badge"), model.conversations.get(threadKey(who.id))?.unread ?? 0);
      },
    });
    const hidden = model.here - people.length;
    $("people-more").hidden = hidden <= 0;
    setText($("people-more"), `and ${whole.format(Math.max(0, hidden))} more`);
  }

  #drawHead() {
    const { conversation, people, rooms } = this.#model;
    const thread = conversation?.kind === "private";
    $("chat").dataset.kind = conversation?.kind ?? "none";
    setText($("chat-title"), conversation ? this.#title(conversation) : "No room");
    let subtitle = "Join a room to read and write.";
    let empty = subtitle;
    if (thread) {
      const here = people.has(conversation.id);
      subtitle = here ? "Private: only the two of you see this." : "Has left. A person who comes back is a new connection.";
      empty = `Nothing between you and ${conversation.name} yet.`;
    } else if (conversation) {
      subtitle = plural(rooms.get(conversation.name) ?? 0, "member");
      empty = `Quiet in #${conversation.name}. Each tab is a person of its own: say hello to yourself.`;
    }
    setText($("chat-subtitle"), subtitle);
    setText($("empty-text"), empty);
    $("another").hidden = thread;
    $("send").hidden = thread;
    $("private").hidden = !thread;
    const label = thread ? `Private message to ${conversation.name}` : conversation ? `Message #${conversation.name}` : "Message to everybody";
    $("message-text").placeholder = label;
    setText($("message-label"), label);
  }

  /** Shows the state of the line (line.js): a badge always, a banner when there is something to say or do. */
  line({ state, transport, wait, until, reason, message, opened }, kind, draining) {
    $("state").dataset.state = state;
    setText($("state-text"), STATES[state]);
    Object.assign($("line-kind").dataset, { kind, transport: transport ?? "" });
    setText($("line-kind"), kind === "socket.io" ? `Socket.IO${OVER[transport] ?? ""}` : "Plain WebSocket");
    for (const id of ["send", "private", "broadcast", "drain"]) $(id).disabled = state !== "open";
    if (state === "open") this.banner(null);
    if (state === "connecting") setText($("banner-text"), "Connecting…");
    if (state === "waiting") {
      const cause = !opened ? "The node does not take connections right now." : draining
        ? "The drain has closed this connection." : `The connection was closed (${reason}).`;
      this.banner({ kind: "waiting", title: cause, button: "Try now", ...countdown(wait, until) });
    }
    if (state === "closed") {
      this.banner({
        kind: "closed", title: "The server has ended this connection.",
        text: `Reason: ${reason}. The page does not come back by itself.`, button: "Connect again",
      });
    }
    if (state === "refused") {
      this.banner({ kind: "closed", title: "The chat does not let this page in.", text: message, button: "Try again" });
    }
  }

  /** The progress of a drain: { perSecond, left, closed }. */
  drain({ perSecond, left, closed }) {
    $("drain").disabled = true;
    this.banner({
      kind: "drain", title: "This node drains.",
      text: `${whole.format(closed)} of ${plural(left + closed, "connection")} closed, at most ${whole.format(perSecond)} a second.`,
      value: closed, max: Math.max(1, left + closed),
    });
  }

  banner(content) {
    $("banner").hidden = !content;
    if (!content) return;
    const { kind, title, text, button, value, max } = content;
    $("banner").dataset.kind = kind;
    setText($("banner-title"), title);
    setText($("banner-text"), text);
    $("banner-button").hidden = !button;
    setText($("banner-button"), button ?? "");
    const progress = $("banner-progress");
    progress.hidden = value === undefined;
    progress.max = max ?? 1;
    progress.value = value ?? 0;
  }

  /** New counters of the node; rates are what changed since the last ones. */
  counts(counts) {
    const now = performance.now();
    const last = this.#counts;
    this.#counts = { ...counts, now };
    for (const cell of document.querySelectorAll("[data-count]")) {
      const value = counts[cell.dataset.count];
      if (!Number.isFinite(value)) continue;
      cell.dataset.value = value;
      setText(cell, cell.dataset.count === "bytesPerConnection" ? bytes(value) : value < 1e6 ? whole.format(value) : short.format(value));
    }
    $("layout").querySelector("[data-count=dropped]").classList.toggle("bad", counts.dropped > 0);
    if (!last) return;
    const rate = Math.max(0, (counts.deliveries - last.deliveries) / Math.max(0.001, (now - last.now) / 1000));
    this.#spark.push(rate);
    setText($("rate"), rate < 1e4 ? whole.format(Math.round(rate)) : short.format(rate));
  }

  /** Without a line there are no counters to compare with. */
  countsLost() {
    this.#counts = null;
  }

  /** Says something that went wrong, for a while. */
  toast(text) {
    clearTimeout(this.#toast);
    setText($("toast"), text);
    $("toast").classList.add("on");
    this.#toast = setTimeout(() => $("toast").classList.remove("on"), 5000);
  }

  /** Says something small under the message field, for a while. */
  hint(text) {
    clearTimeout(this.#hint);
    setText($("hint"), text ?? (this.phone ? "" : "Enter sends, Shift + Enter breaks the line"));
    if (text) this.#hint = setTimeout(() => this.hint(), 4000);
  }
}

/** A list item with a button that opens it and, if asked for, one that closes it. */
function entry(data, before, label, { open, close, closeLabel }) {
  const button = el("button", { type: "button", className: "open" }, ...before,
    el("bdi", { className: "label", textContent: label }),
    el("span", { className: "number" }),
    el("b", { className: "badge", hidden: true }));
  button.addEventListener("click", open);
  const item = el("li", { data }, button);
  if (close) {
    const cross = el("button", { type: "button", className: "close", "aria-label": closeLabel, title: closeLabel }, icon("close"));
    cross.addEventListener("click", close);
    item.append(cross);
  }
  return item;
}

function badge(element, unread) {
  element.hidden = unread === 0;
  setText(element, unread > 99 ? "99+" : unread);
  element.setAttribute("aria-label", `${unread} unread`);
}

/** The rest of a wait, where it is known how long that is. */
function countdown(wait, until) {
  if (wait === undefined) return { text: "Trying again by itself." };
  const left = Math.max(0, until - performance.now());
  return { text: `Trying again in ${Math.ceil(left / 1000)}${NBSP}s.`, value: wait - left, max: Math.max(1, wait) };
}

function bytes(value) {
  return value < 1000 ? `${Math.round(value)} B` : value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}
