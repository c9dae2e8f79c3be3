// Engine.IO by hand: HTTP requests, a polling session, and a WebSocket whose packets are read one by one.

import http from "node:http";
import net from "node:net";
import WebSocket from "ws";

/** One HTTP request; nothing is added to the headers given, and the body is not decoded. */
export function request(url, { method = "GET", headers = {}, body, agent, onRequest } = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, agent, headers });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode, headers: response.headers, bytes, text: bytes.toString() });
      });
    });
    onRequest?.(sent);
    sent.end(body);
  });
}

/** Sends bytes to the server and returns all that it writes until it closes, or until `ms` have passed. */
export function exchange(url, bytes, ms = 3000) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.write(bytes));
    const chunks = [];
    const done = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: Buffer.concat(chunks).toString(), closed });
    };
    const timer = setTimeout(() => done(false), ms);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => done(true));
    socket.on("error", (error) => (error.code === "ECONNRESET" ? done(true) : reject(error)));
  });
}

/** An Engine.IO session over polling. Nothing polls by itself. */
export class Polling {
  constructor(tools, query) {
    this.tools = tools;
    this.query = `EIO=4&transport=polling${query}`;
  }

  async open() {
    this.answer = await this.tools.request(`/socket.io/?${this.query}`);
    if (this.answer.status !== 200) throw new Error(`handshake: ${this.answer.status} ${this.answer.text}`);
    this.handshake = JSON.parse(this.answer.text.slice(1));
    this.sid = this.handshake.sid;
    this.path = `/socket.io/?${this.query}&sid=${this.sid}`;
  }

  poll(options) {
    return this.tools.request(this.path, options);
  }

  post(body, options = {}) {
    return this.tools.request(this.path, {
      method: "POST",
      body,
      ...options,
      headers: { "Content-Type": "text/plain;charset=UTF-8", "Content-Length": Buffer.byteLength(body), ...options.headers },
    });
  }

  /** Joins the root namespace; `id` is the Socket.IO id. */
  async join() {
    await this.post("40");
    const { text } = await this.poll();
    this.id = JSON.parse(text.slice(2)).sid;
  }

  /** The status and code with which a poll is answered now. */
  async state() {
    const { status, text } = await this.poll();
    return status === 200 ? text : `${status} ${text}`;
  }
}

/** A WebSocket whose messages wait in a queue. Pings are answered unless `pong` is false. */
export class Wire {
  #queue = [];
  #waiting = [];

  constructor(url, { pong = true, ...options } = {}, tools) {
    this.tools = tools;
    this.ws = new WebSocket(url, { perMessageDeflate: false, ...options });
    /** Every packet, with the milliseconds since the beginning. */
    this.log = [];
    this.start = performance.now();
    this.opened = new Promise((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
    });
    this.closed = new Promise((resolve) => this.ws.once("close", (code) => resolve(code)));
    this.ws.on("error", () => {});
    this.ws.on("message", (data, binary) => {
      const message = binary ? data : data.toString();
      this.log.push({ message, at: performance.now() - this.start });
      if (message === "2" && pong) this.ws.send("3");
      else if (message !== "2" || !pong) this.#deliver(message);
    });
    this.ws.once("close", (code) => {
      this.closedAt = performance.now() - this.start;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`closed with ${code} instead of a packet`));
    });
  }

  get isOpen() {
    return this.ws.readyState === WebSocket.OPEN;
  }

  #deliver(message) {
    const first = this.#waiting.shift();
    if (first === undefined) this.#queue.push(message);
    else first.resolve(message);
  }

  /** Sends messages in one write, so that they arrive together. */
  send(...messages) {
    this.ws._socket?.cork();
    for (const message of messages) this.ws.send(message);
    this.ws._socket?.uncork();
  }

  /** The next packet. */
  next(ms) {
    if (this.#queue.length > 0) return Promise.resolve(this.#queue.shift());
    if (!this.isOpen) return Promise.reject(new Error("closed instead of a packet"));
    const packet = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return this.tools.within(packet, "packet", ms);
  }

  /** Packets that came and were not read. */
  rest() {
    return this.#queue.splice(0);
  }

  /** The code with which the server closed. */
  close(ms = 4000) {
    return this.tools.within(this.closed, "close", ms);
  }

  /** Checks that the namespace still answers; packets that came before are returned. */
  async alive(namespace = "/") {
    const prefix = namespace === "/" ? "" : `${namespace},`;
    const mark = `alive-${Math.random()}`;
    this.send(`42${prefix}["echo","${mark}"]`);
    const before = [];
    for (;;) {
      const packet = await this.next();
      if (packet === `42${prefix}["echo","${mark}"]`) return before;
      before.push(packet);
    }
  }
}
