// A Socket.IO server whose adapter is real and whose Redis and sockets are not: what it publishes is
// kept, what it receives is given to it by hand.

import { createRequire } from "node:module";

import { createAdapter as createStreams } from "@socket.io/redis-streams-adapter";
import { Server } from "socket.io";

import { tag } from "./cluster-values.mjs";

const { createAdapter: createClassic, createShardedAdapter } = createRequire(import.meta.url)("@socket.io/redis-adapter");

/** What the adapters use of `redis` 4. */
export class FakeRedis {
  taken = [];
  listeners = [];

  publish(channel, message) {
    this.taken.push({ channel, hex: Buffer.from(message).toString("hex") });
    return Promise.resolve();
  }
  sPublish = this.publish;

  subscribe(channels, listener) {
    for (const channel of [channels].flat()) this.listeners.push({ channel, listener });
  }
  sSubscribe = this.subscribe;
  pSubscribe(pattern, listener) {
    this.listeners.push({ prefix: pattern.slice(0, -1), listener });
  }
  sUnsubscribe() {}

  /** Three nodes. */
  sendCommand([, , channel]) {
    return Promise.resolve([channel, "3"]);
  }

  xAdd(stream, id, entry) {
    this.taken.push({ stream, entry });
    return Promise.resolve("1-1");
  }
  xRead() {
    return new Promise(() => {});
  }
  set(key, value, options) {
    this.taken.push({ key, value, px: options.PX });
  }

  duplicate() {
    return this;
  }
  connect() {}
  disconnect() {}
  on() {}
  off() {}
  listenerCount() {
    return 0;
  }

  deliver(channel, message) {
    for (const { channel: wanted, prefix, listener } of this.listeners) {
      if (wanted === channel || (prefix !== undefined && channel.startsWith(prefix))) listener(message, channel);
    }
  }
}

const factories = {
  classic: (redis) => createClassic(redis, redis, { requestsTimeout: 60000 }),
  sharded: (redis, options) => createShardedAdapter(redis, redis, options),
  streams: (redis, options) => createStreams(redis, options),
};

export async function node(adapter, { namespace = "/", ...options } = {}) {
  const redis = new FakeRedis();
  const io = new Server();
  io.adapter(factories[adapter](redis, options));
  const nsp = io.of(namespace);
  const peer = new Peer(redis, nsp);
  peer.add("s1", ["room1"]);
  peer.add("s2", ["room2", 42]);
  nsp.on("ping-server", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    peer.did.push({ server: args.map(tag), asked: ack !== undefined });
    ack?.(["pong", Buffer.from([1])].at(args.length === 0 ? 0 : 1));
  });
  await peer.settle();
  return peer;
}

class Peer {
  did = [];

  constructor(redis, nsp) {
    this.redis = redis;
    this.nsp = nsp;
  }

  /** A socket that notes what is done with it. It answers each question with its id. */
  add(id, rooms) {
    const { did, nsp } = this;
    const acks = new Map();
    nsp.sockets.set(id, {
      id,
      acks,
      handshake: { auth: {}, headers: {}, issued: 1795225806852, sessionStore: "secret" },
      rooms: new Set([id, ...rooms]),
      data: id === "s1" ? { bytes: null, name: "é" } : {},
      client: {
        writeToEngine(packets, { volatile, compress }) {
          did.push({ to: id, packets: packets.map(tag), volatile, compress });
          const number = /^[25](?:\d+-)?(?:\/[^,]*,)?(\d+)\[/.exec(packets[0])?.[1];
          if (number !== undefined) queueMicrotask(() => acks.get(Number(number))?.(id));
        },
      },
      join: (joined) => did.push({ join: [joined].flat(), by: id }),
      leave: (room) => did.push({ leave: room, by: id }),
      disconnect: (close) => did.push({ disconnect: close, by: id }),
    });
    nsp.adapter.addAll(id, new Set([id, ...rooms]));
  }

  async settle() {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What is asked of the other nodes; the answer is noted when it is there. */
  ask(question) {
    const answered = (answer) => this.did.push({ answer: tag(answer) });
    const { nsp } = this;
    if (question === "fetch") {
      const details = ({ id, handshake, rooms, data }) => ({ id, handshake, rooms: [...rooms], data });
      nsp.fetchSockets().then((sockets) => answered(sockets.filter(({ id }) => id.startsWith("r")).map(details)));
    } else if (question === "rooms") {
      nsp.adapter.allRooms().then((rooms) => answered([...rooms].sort()));
    } else if (question === "server") {
      nsp.serverSideEmit("ping-server", (error, answers) => answered(error ?? answers));
    } else {
      nsp.to("nobody").timeout(60000).emit("q", (error, answers) => answered(error ?? answers));
    }
  }

  /** Gives it a message, or an entry of the stream, or has it ask. */
  async receive({ channel, hex, entry, question }) {
    this.did.length = 0;
    this.redis.taken = [];
    let failed;
    try {
      if (question) this.ask(question);
      else if (entry) this.nsp.adapter.onRawMessage(entry, "1-1");
      else this.redis.deliver(channel, Buffer.from(hex, "hex"));
    } catch (error) {
      failed = String(error);
    }
    await this.settle();
    return { did: this.did.map(tag), published: this.redis.taken, failed };
  }

  /** Does everything once, and tells what was published for it. */
  async perform() {
    const { nsp, redis } = this;
    const items = [];
    const each = async (label, act) => {
      redis.taken = [];
      const done = act();
      await this.settle();
      items.push(...redis.taken.map((taken) => ({ label, ...taken })));
      Promise.resolve(done).catch(() => {});
    };
    const date = new Date(1795225806852);
    await each("emit", () => nsp.emit("hello", 1, "2", { a: [true, null, 1.5] }));
    await each("room", () => nsp.to("room1").emit("hello"));
    await each("rooms", () => nsp.to(["room1", 42]).except("room3").volatile.compress(false).emit("hello", date, undefined, { u: undefined }));
    await each("binary", () => nsp.emit("bin", Buffer.from([1, 2, 3]), { x: new Uint8Array([4, 5]) }));
    await each("local", () => nsp.local.emit("hello"));
    await each("ask", () => nsp.timeout(1000).emit("q", 7, () => {}));
    await each("join", () => nsp.to("room1").socketsJoin(["r5", "r6"]));
    await each("leave", () => nsp.to("room1").except("x").socketsLeave("r5"));
    await each("disconnect", () => nsp.to("room1").disconnectSockets(true));
    await each("fetch", () => nsp.to("room1").fetchSockets());
    await each("server", () => nsp.serverSideEmit("ping-server", 1, { x: 2 }));
    await each("server-ask", () => nsp.serverSideEmit("ping-server", () => {}));
    if (nsp.adapter.allRooms) await each("all-rooms", () => nsp.adapter.allRooms());
    if (nsp.adapter.persistSession && redis.set) {
      nsp.server.opts.connectionStateRecovery = { maxDisconnectionDuration: 120000 };
      await each("session", () =>
        nsp.adapter.persistSession({ sid: "s1", pid: "p1", rooms: ["s1", "room1"], data: { a: 1, b: Buffer.from([7]) } }),
      );
    }
    return items;
  }
}
