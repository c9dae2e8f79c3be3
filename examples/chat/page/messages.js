// The messages of the active conversation: grouped by sender, bounded, and kept at the newest unless
// the reader has scrolled up.

import { $, el, icon, setText } from "./dom.js";
import { KEEP } from "./model.js";
import { paintAvatar } from "./names.js";

const TOGETHER = 5 * 60_000; // ms: messages of one sender within this time share a heading
const NEAR = 80; // px from the end that still counts as reading the newest

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const MARKS = {
  sent: () => "Sent",
  delivered: ({ queued }) => `Delivered to ${queued} connection${queued === 1 ? "" : "s"}`,
  unconfirmed: () => "The connection was lost: this may not have arrived",
};

const TAGS = { broadcast: ["horn", "to everybody"], private: ["lock", "private"] };

export class MessageList {
  #list = $("messages");
  #scroller = $("scroller");
  #pill = $("to-end");
  #onPerson;
  #key = null;
  #last = null; // the newest message shown
  #following = true; // the end is in sight
  #behind = 0; // messages below what is in sight
  #unmarked = []; // own messages that may yet be delivered, with their elements

  /** `onPerson(id, name)` is called when a sender's name is chosen. */
  constructor({ onPerson }) {
    this.#onPerson = onPerson;
    this.#scroller.addEventListener("scroll", () => {
      this.#following = this.#atEnd();
      if (this.#following) this.#caughtUp();
    }, { passive: true });
    this.#pill.addEventListener("click", () => this.#toEnd());
    new ResizeObserver(() => this.#following && this.#toEnd()).observe(this.#scroller);
  }

  /** Shows `conversation`: adds what is new of the one on show, or turns to another one. */
  show(conversation) {
    if (conversation?.key !== this.#key) this.#turnTo(conversation);
    this.#unmarked = this.#unmarked.filter(mark);
    const seen = this.#last?.seq ?? 0;
    const fresh = conversation?.messages.filter(({ seq }) => seq > seen) ?? [];
    if (fresh.length === 0) return;

    const follow = this.#following || fresh.some(({ mine }) => mine);
    const fragment = new DocumentFragment();
    for (const message of fresh) {
      fragment.append(this.#item(message));
      this.#last = message;
    }
    this.#list.append(fragment);
    while (this.#list.childElementCount > KEEP) this.#list.firstElementChild.remove();
    this.#list.firstElementChild.classList.remove("follows"); // the oldest one says who speaks
    if (follow) this.#toEnd();
    else this.#fallBehind(fresh.length);
  }

  #turnTo(conversation) {
    this.#key = conversation?.key ?? null;
    this.#last = null;
    this.#unmarked = [];
    this.#scroller.setAttribute("aria-live", "off"); // the past is not news
    setTimeout(() => this.#scroller.setAttribute("aria-live", "polite"), 200);
    this.#list.replaceChildren();
    this.#following = true;
    this.#caughtUp();
  }

  #item(message) {
    const { kind, from, text, at, mine, aside } = message;
    const when = new Date(at);
    if (kind === "notice") {
      return el("li", { className: "notice", data: { testid: "message", kind, from: "" }, title: moment.format(when) },
        el("bdi", { textContent: text }));
    }
    const time = el("time", { dateTime: when.toISOString(), title: moment.format(when), textContent: clock.format(when) });
    const name = el("bdi", { textContent: mine ? "You" : from.name });
    const follows = this.#follows(message);
    const who = mine || follows
      ? el("span", { className: "who" }, name)
      : el("button", { className: "who", type: "button", title: "Write privately" }, name);
    const [symbol, label] = TAGS[kind] ?? [];
    const avatar = el("span", { className: "avatar", "aria-hidden": "true" });
    paintAvatar(avatar, from.name);
    const item = el("li", {
      className: follows ? "message follows" : "message",
      data: { testid: "message", kind, from: from.id, name: from.name, mine: String(mine) },
    },
    avatar,
    el("div", { className: "head" }, who, label && el("span", { className: "tag" }, icon(symbol), label), time),
    el("div", { className: "bubble", title: clock.format(when) }, el("p", { className: "text", dir: "auto", textContent: text })));
    if (message.delivery) {
      const sign = el("span", { className: "mark", role: "img" }, icon("check"));
      item.lastElementChild.append(sign);
      const own = { item, sign, delivery: message.delivery };
      if (mark(own)) this.#unmarked.push(own);
    }

    const answer = () => this.#onPerson(from.id, from.name);
    if (who.type === "button") who.addEventListener("click", answer);
    if (aside) {
      const reply = el("button", { className: "reply", type: "button", textContent: "Reply privately" });
      reply.addEventListener("click", answer);
      item.lastElementChild.append(reply);
    }
    return item;
  }

  #follows({ kind, from, at, aside }) {
    const last = this.#last;
    return last?.kind === kind && last.from?.id === from.id && last.from.name === from.name
      && !last.aside === !aside && at - last.at < TOGETHER;
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #toEnd() {
    this.#following = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#caughtUp();
  }

  #caughtUp() {
    this.#behind = 0;
    this.#pill.hidden = true;
  }

  #fallBehind(count) {
    this.#behind += count;
    setText($("to-end-text"), this.#behind === 1 ? "1 new message" : `${this.#behind} new messages`);
    this.#pill.hidden = false;
  }
}

/** Shows what became of an own message; true while that may change. */
function mark({ item, sign, delivery }) {
  item.dataset.delivery = delivery.state;
  sign.title = MARKS[delivery.state](delivery);
  sign.setAttribute("aria-label", sign.title);
  return delivery.state === "sent";
}
