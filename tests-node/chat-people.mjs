// People in the chat, for scripts: clients of socket.io-client, and of ws for the plain way.

import { io } from "socket.io-client";
import WebSocket from "ws";

const PATIENCE = 10_000;

/** What both have: events that were heard, in order, and waiting for the next ones. */
class Hearing {
  events = []; // all, none taken away
  #unheard = [];
  #waiting = null;

  heard(event) {
    this.events.push(event);
    this.#unheard.push(event);
    this.#waiting?.();
  }

  /** The next event of this type that fits; others before it stay for later, those of this type do not. */
  async hears(type, fits = () => true) {
    const late = performance.now() + PATIENCE;
    for (;;) {
      const place = this.#unheard.findIndex((event) => event.type === type);
      if (place >= 0) {
        const [event] = this.#unheard.splice(place, 1);
        if (fits(event)) return event;
        continue;
      }
      const left = late - performance.now();
      if (left <= 0) throw new Error(`no ${type} within ${PATIENCE} ms`);
      await new Promise((resolve) => {
        this.#waiting = resolve;
        setTimeout(resolve, left);
      });
    }
  }

  /** Fails when an event of these types has come that nobody has waited for. */
  heardNothingOf(...types) {
    const found = this.#unheard.find(({ type }) => types.includes(type));
    if (found) throw new Error(`heard ${JSON.stringify(found)}`);
  }

  get id() {
    return this.welcome.you.id;
  }

  async join(room) {
    const answer = await this.ask("join", { room });
    if (answer.type !== "changed") throw new Error(JSON.stringify(answer));
    return answer;
  }
}

export class Person extends Hearing {
  static #all = [];

  /** Connects and takes the welcome. */
  static async connect(url, namespace, auth, options) {
    const person = new Person(url, namespace, auth, options);
    await person.connected();
    person.welcome = await person.hears("welcome");
    return person;
  }

  /** The error with which a client is refused. */
  static async refused(url, namespace, auth) {
    const person = new Person(url, namespace, auth);
    return new Promise((resolve, reject) => {
      person.socket.once("connect_error", resolve);
      person.socket.once("connect", () => reject(new Error("it was let in")));
    });
  }

  static closeAll() {
    for (const { socket } of Person.#all.splice(0)) socket.disconnect();
    PlainPerson.closeAll();
  }

  constructor(url, namespace, auth, options) {
    super();
    const manager = new io.Manager(url, { reconnection: false, forceNew: true, ...options });
    this.socket = manager.socket(`/${namespace}`, { auth });
    this.socket.onAny((type, data) => this.heard({ type, ...data }));
    this.ended = new Promise((resolve) => this.socket.on("disconnect", resolve));
    Person.#all.push(this);
    this.socket.connect();
  }

  connected() {
    if (this.socket.connected) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.socket.once("connect", resolve);
      this.socket.once("connect_error", reject);
    });
  }

  /** Sends a message and waits for its acknowledgement. */
  ask(type, ...data) {
    return this.socket.timeout(PATIENCE).emitWithAck(type, ...data);
  }
}

export class PlainPerson extends Hearing {
  static #all = [];
  #answers = [];

  static async connect(url, namespace, who) {
    const address = new URL(`/namespace/${encodeURIComponent(namespace)}?${new URLSearchParams(who)}`, url);
    address.protocol = "ws:";
    const person = new PlainPerson(new WebSocket(address));
    person.welcome = await person.hears("welcome");
    return person;
  }

  static closeAll() {
    for (const { socket } of PlainPerson.#all.splice(0)) socket.close();
  }

  constructor(socket) {
    super();
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve(`${code} ${reason}`)));
    PlainPerson.#all.push(this);
    socket.on("message", (text) => {
      const message = JSON.parse(text);
      const own = message.type === "changed" && message.who.id === this.id;
      if (own || message.type === "report" || message.type === "error") this.#answers.shift()?.(message);
      else this.heard(message);
    });
  }

  ask(type, data) {
    this.socket.send(JSON.stringify({ type, ...data }));
    return new Promise((resolve) => this.#answers.push(resolve));
  }
}
