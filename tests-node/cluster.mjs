// Node's Redis adapters and emitter without Redis, as the oracle of the codecs in `crates/wire`.
//
// usage: node cluster.mjs          commands in on stdin, one JSON object per line; answers out on stdout
//
//   {"do":"reencode","codec":"notepack"|"msgpack","items":[hex,…]}
//        decodes each and encodes it again      {"event":"reencoded","items":[{"hex","value"} or {"error"},…]}
//   {"do":"generate","seed":n,"count":n}
//        events with arguments of any kind      {"event":"generated","items":[{"hex","value"},…]}
//   {"do":"receive","adapter":"classic"|"sharded"|"streams","items":[{"channel","hex"} or {"entry"} or
//    {"question":"fetch"|"rooms"|"server"|"ask"},…]}
//        what a node with two sockets does      {"event":"received","items":[{"did":[…],"published":[…]},…]}
//   {"do":"perform","by":"classic"|"sharded"|"streams"|"emitter"}
//        each operation, as it is published     {"event":"performed","items":[{"label","channel","hex"} or
//                                                {"label","stream","entry"},…]}
//   {"do":"streams","names":[…],"count":n}
//        the stream of each namespace           {"event":"streams","names":[…]}
//
// Values are JSON, bytes in them {"$bytes":hex}.

import { encode as encodeMsgpack, decode as decodeMsgpack } from "@msgpack/msgpack";
import notepack from "notepack.io";

import { Emitter } from "@socket.io/redis-emitter";

import { FakeRedis, node } from "./lib/cluster-node.mjs";
import { anyEvent, tag } from "./lib/cluster-values.mjs";
import { report, serve } from "./lib/lines.mjs";

const codecs = {
  notepack,
  msgpack: { encode: (value) => Buffer.from(encodeMsgpack(value)), decode: decodeMsgpack },
};

const nodes = {};

function nodeOf(adapter) {
  nodes[adapter] ??= node(adapter);
  return nodes[adapter];
}

const commands = {
  reencode({ codec, items }) {
    const { encode, decode } = codecs[codec];
    return {
      event: "reencoded",
      items: items.map((hex) => {
        try {
          const value = decode(Buffer.from(hex, "hex"));
          return { hex: encode(value).toString("hex"), value: tag(value) };
        } catch (error) {
          return { error: String(error) };
        }
      }),
    };
  },

  generate({ seed, count }) {
    const items = [];
    for (let at = 0; at < count; at++) {
      const message = notepack.encode(anyEvent(seed + at));
      // As Node reads it: it loses integers beyond 64 bits when it writes.
      items.push({ hex: message.toString("hex"), value: tag(notepack.decode(message)) });
    }
    return { event: "generated", items };
  },

  async receive({ adapter, items }) {
    const peer = await nodeOf(adapter);
    const answers = [];
    for (const item of items) answers.push(await peer.receive(item));
    return { event: "received", items: answers };
  },

  async perform({ by }) {
    if (by === "emitter") return { event: "performed", items: emitter() };
    const peer = await node(by);
    return { event: "performed", items: await peer.perform() };
  },

  async streams({ names, count }) {
    const answers = [];
    for (const name of names) {
      const peer = await node("streams", { namespace: name, streamCount: count });
      peer.nsp.emit("x");
      await peer.settle();
      answers.push(peer.redis.taken[0].stream);
    }
    return { event: "streams", names: answers };
  },
};

function emitter() {
  const redis = new FakeRedis();
  const emitter = new Emitter(redis);
  const items = [];
  const each = (label, act) => {
    redis.taken = [];
    act();
    items.push(...redis.taken.map((taken) => ({ label, ...taken })));
  };
  each("emit", () => emitter.emit("hello", { a: 1 }));
  each("room", () => emitter.to("room1").volatile.compress(false).emit("hello", Buffer.from([1, 2])));
  each("rooms", () => emitter.of("/admin").to(["a", 42]).except("b").emit("hello"));
  each("join", () => emitter.to("room1").socketsJoin(["r7"]));
  each("leave", () => emitter.except("room1").socketsLeave("r7"));
  each("disconnect", () => emitter.disconnectSockets(true));
  each("server", () => emitter.serverSideEmit("ping-server", 5));
  return items;
}

await serve(
  async ({ do: name, ...fields }) => {
    const { event, ...answer } = await commands[name](fields);
    report(event, answer);
  },
  () => process.exit(0),
);
