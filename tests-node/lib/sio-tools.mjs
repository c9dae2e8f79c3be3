// What a case works with: clients, raw sockets and requests, and ways to wait. All is closed when the case ends.

import { deepStrictEqual } from "node:assert/strict";
import http from "node:http";
import { io } from "socket.io-client";
import { Polling, Wire, request } from "./sio-raw.mjs";

/** Longest wait for one thing. A case has a limit of its own. */
const PATIENCE = 8000;

let counter = Math.floor(Math.random() * 1e8) * 1000;

/** A name no other case uses. */
export const unique = (prefix) => `${prefix}-${(counter += 1)}`;

/** A namespace no other case uses; the server makes it on the first connect. */
export const ownNamespace = () => `/dyn-${(counter += 1)}`;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The client options of a transport; `upgrade` begins with polling. */
export function travel(transport) {
  return { transports: transport === "upgrade" ? ["polling", "websocket"] : [transport] };
}

export class Tools {
  #open = [];
  #waits = new Set();

  constructor(settings) {
    this.settings = settings;
    this.url = settings.url;
    /** True when the server is the npm one, whose mistakes are then the right answer. */
    this.node = settings.node;
  }

  /** What the server should do: ours, or what npm's does where it is wrong. */
  expected(ours, nodes) {
    return this.node ? nodes : ours;
  }

  close() {
    for (const end of this.#open.splice(0).reverse()) end();
  }

  onClose(end) {
    this.#open.push(end);
  }

  waiting() {
    return this.#waits.size === 0 ? "" : `, waits for ${[...this.#waits].join(", ")}`;
  }

  /** `promise`, or an error that says what did not come. */
  async within(promise, what, ms = PATIENCE) {
    let timer;
    this.#waits.add(what);
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms);
      });
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
      this.#waits.delete(what);
    }
  }

  /** Waits until `test()` holds. */
  async until(test, what, ms = PATIENCE) {
    const end = performance.now() + ms;
    while (!test()) {
      if (performance.now() > end) throw new Error(`no ${what} within ${ms} ms`);
      await pause(10);
    }
  }

  // ---- clients -------------------------------------------------------------------------------------------------

  /** A client of npm, not yet connected when `autoConnect` is false. */
  client(transport, namespace = "/", options = {}, connect = io) {
    const client = connect(this.url + namespace, {
      ...travel(transport),
      forceNew: true,
      reconnection: false,
      timeout: 6000,
      ...options,
    });
    this.onClose(() => {
      client.disconnect();
      client.io.engine?.close();
    });
    return client;
  }

  /** A client that is connected, and for `upgrade` has changed its transport. */
  async connect(transport, namespace = "/", options = {}, connect = io) {
    const client = this.client(transport, namespace, options, connect);
    await this.connected(client);
    if (transport === "upgrade") await this.upgraded(client);
    return client;
  }

  async connected(client) {
    if (client.connected) return;
    const done = new Promise((resolve, reject) => {
      client.once("connect", resolve);
      client.once("connect_error", (error) => reject(new Error(`connect_error: ${error.message}`)));
    });
    await this.within(done, `connect to ${client.nsp}`);
  }

  async upgraded(client) {
    const engine = client.io.engine;
    if (engine.transport.name === "websocket") return;
    await this.within(new Promise((resolve) => engine.once("upgrade", resolve)), "upgrade");
  }

  /** The arguments of the next `event`. */
  next(client, event, ms) {
    return this.within(new Promise((resolve) => client.once(event, (...args) => resolve(args))), `event ${event}`, ms);
  }

  /** Emits and returns the arguments of the acknowledgement. */
  ask(client, event, ...args) {
    return this.within(
      new Promise((resolve) => client.emit(event, ...args, (...answer) => resolve(answer))),
      `ack of ${event}`,
    );
  }

  /** The argument lists of every `event` from now on, in order. */
  collect(client, event) {
    const log = [];
    client.on(event, (...args) => log.push(args));
    return log;
  }

  /** Returns when all that the server did for earlier events of these clients has arrived at each of them. */
  async settle(...clients) {
    for (const client of clients) await this.ask(client, "echo-ack");
    await Promise.all(clients.map((client) => this.ask(client, "echo-ack")));
  }

  /** Why the server thinks that the socket `id` of `namespace` is gone. Asks until it is. */
  async reasonOf(id, namespace = "/", options = {}) {
    const observer = await this.connect("websocket", namespace, options);
    let reason = null;
    for (let tries = 0; reason === null && tries < 120; tries += 1) {
      if (tries > 0) await pause(50);
      [reason] = await this.ask(observer, "reason", id);
    }
    return reason;
  }

  // ---- raw -----------------------------------------------------------------------------------------------------

  /** One HTTP request below the server's URL, on a connection of its own. */
  request(path, options = {}) {
    const agent = new http.Agent({ keepAlive: false });
    this.onClose(() => agent.destroy());
    return this.within(request(this.url + path, { agent, ...options }), `answer to ${options.method ?? "GET"} ${path}`);
  }

  /** A raw Engine.IO session over polling, opened. */
  async polling(query = "") {
    const session = new Polling(this, query);
    await session.open();
    return session;
  }

  /** A raw WebSocket at the server's path; its first packet is still to be read. */
  async websocket(query = "EIO=4&transport=websocket", options = {}) {
    const wire = new Wire(`${this.url.replace(/^http/, "ws")}/socket.io/?${query}`, options, this);
    this.onClose(() => wire.ws.terminate());
    await this.within(wire.opened, "websocket open");
    return wire;
  }

  /** A raw WebSocket that has read its handshake packet. */
  async engine(options) {
    const wire = await this.websocket(undefined, options);
    wire.handshake = JSON.parse((await wire.next()).slice(1));
    return wire;
  }

  /** A raw WebSocket that has joined a namespace; `id` is its Socket.IO id. */
  async joined(namespace = "/", options) {
    const wire = await this.engine(options);
    const prefix = namespace === "/" ? "40" : `40${namespace},`;
    wire.send(prefix);
    const reply = await wire.next();
    if (!reply.startsWith(`${prefix}{`)) throw new Error(`CONNECT was answered ${reply}`);
    wire.id = JSON.parse(reply.slice(prefix.length)).sid;
    return wire;
  }
}

/** Compares, with bytes shown as hex whatever class holds them. */
export function same(actual, expected, message) {
  deepStrictEqual(plain(actual), plain(expected), message);
}

function plain(value) {
  if (value instanceof ArrayBuffer) return { hex: Buffer.from(value).toString("hex") };
  if (ArrayBuffer.isView(value)) {
    return { hex: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex") };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object" && !(value instanceof RegExp)) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  }
  return value;
}
