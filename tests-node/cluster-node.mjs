// A node of npm's socket.io in a cluster over Redis: the twin of `examples/mixed_cluster`.
//
// Run:   REDIS_URL=redis://127.0.0.1:6379 NAME=node node tests-node/cluster-node.mjs
//
// Environment: PORT (0 or absent: any), NAME, ADAPTER (8, 7 or sharded), SPECIFIC_CHANNEL=1. Prints
// `listening <port>` when it takes part. What a client may order is said in `serve`.

import { createServer } from "node:http";
import { Emitter } from "@socket.io/redis-emitter";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createAdapter7 } from "redis-adapter-7";
import { createClient } from "redis";
import { Server } from "socket.io";

const NAME = process.env.NAME ?? "node";
const client = createClient({ url: process.env.REDIS_URL });
const [publisher, subscriber] = [client, client.duplicate()];
for (const one of [publisher, subscriber]) one.on("error", () => {});
await Promise.all([publisher.connect(), subscriber.connect()]);

const options = {
  requestsTimeout: 2000,
  publishOnSpecificResponseChannel: process.env.SPECIFIC_CHANNEL === "1",
};
const adapters = {
  8: () => createAdapter(publisher, subscriber, options),
  7: () => createAdapter7(publisher, subscriber, options),
  sharded: () => createShardedAdapter(publisher, subscriber, { subscriptionMode: process.env.SUBSCRIPTION_MODE ?? "dynamic" }),
};

const http = createServer();
const io = new Server(http, { adapter: adapters[process.env.ADAPTER ?? 8](), serveClient: false });
const emitter = new Emitter(publisher);

for (const namespace of [io.of("/"), io.of("/admin")]) {
  namespace.on("connection", (socket) => serve(namespace, socket));
  namespace.on("say", (...args) => namespace.local.emit("server-said", ...args));
  namespace.on("ask", (...args) => args.at(-1)(NAME));
}

function serve(namespace, socket) {
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack("ok");
  });
  socket.on("set-data", (data, ack) => {
    socket.data = data;
    ack("ok");
  });
  socket.on("op", (order, ack) => {
    const { rooms = [], except = [], event, args = [], names = [], close = false, timeout = 2000 } = order;
    let target = order.emitter ? emitter.of(namespace.name) : namespace;
    // Nothing but `to` begins a broadcast of an emitter or a namespace.
    target = target.to(rooms).except(except);
    if (order.volatile) target = target.volatile;
    if (order.compress !== undefined) target = target.compress(order.compress);
    const gathered = (error, responses) => ack({ err: error?.message ?? null, responses });
    const failed = (error) => ack({ err: error.message });
    switch (order.op) {
      case "emit":
        target.emit(event, ...args);
        return ack("ok");
      case "broadcast":
        socket.broadcast.emit(event, ...args);
        return ack("ok");
      case "join":
        target.socketsJoin(names);
        return ack("ok");
      case "leave":
        target.socketsLeave(names);
        return ack("ok");
      case "disconnect":
        target.disconnectSockets(close);
        return ack("ok");
      case "say":
        (order.emitter ? emitter.of(namespace.name) : namespace).serverSideEmit("say", ...args);
        return ack("ok");
      case "ask":
        return namespace.serverSideEmit("ask", ...args, gathered);
      case "ack":
        return target.timeout(timeout).emit(event, ...args, gathered);
      case "fetch":
        return target.fetchSockets().then(
          (sockets) =>
            ack(
              sockets.map(({ id, rooms: joined, data, handshake }) => ({
                id,
                rooms: [...joined],
                data,
                has_handshake: handshake.query.EIO === "4",
              })),
            ),
          failed,
        );
      case "allSockets":
        return target.allSockets().then((ids) => ack([...ids]), failed);
      case "allRooms":
        return namespace.adapter.allRooms().then((all) => ack([...all]), failed);
      case "serverCount":
        return namespace.adapter.serverCount().then(ack, failed);
    }
  });
}

http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`listening ${http.address().port}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
