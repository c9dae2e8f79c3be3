// The server that the suite `sio.mjs` is checked against: npm socket.io, driven through client events.
//
// Run:   node tests-node/reference-server.mjs        (packages: `cargo xtask setup`)
//
// Environment: PORT (0 or absent: any; it listens on 127.0.0.1), RECOVERY=1 (connectionStateRecovery),
// PARSER=msgpack. Prints `listening <port>` when ready.
//
// Any server that answers these events in the same way can be the object of the suite.

import { createServer } from "node:http";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";

const http = createServer((_request, response) => response.writeHead(404).end());
const io = new Server(http, {
  path: "/socket.io/",
  pingInterval: 2000,
  pingTimeout: 1000,
  maxHttpBufferSize: 1_000_000,
  connectTimeout: 1500,
  serveClient: false,
  cors: { origin: "*", methods: ["GET", "POST"] },
  ...(process.env.RECOVERY === "1" ? { connectionStateRecovery: {} } : {}),
  ...(process.env.PARSER === "msgpack" ? { parser: msgpack } : {}),
});

const namespaces = [io.of("/"), io.of("/admin"), io.of(/^\/dyn-\d+$/)];

namespaces[1].use((socket, next) => {
  if (socket.handshake.auth.token === "sesame") return next();
  const refusal = new Error("not authorized");
  refusal.data = { code: 401 };
  next(refusal);
});

for (const namespace of namespaces) namespace.on("connection", (socket) => serve(socket));

const reasons = new Map();

function serve(socket) {
  const namespace = socket.nsp;
  socket.on("disconnect", (reason) => reasons.set(`${namespace.name} ${socket.id}`, reason));

  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("echo-ack", (...args) => {
    const ack = args.pop();
    if (typeof ack === "function") ack(...args);
  });
  socket.on("ask", (arg) => socket.emit("question", arg, (...answer) => socket.emit("answer", ...answer)));
  socket.on("never-ack", () => {});

  socket.on("join", (room, ack) => {
    socket.join(room);
    ack?.("ok");
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack?.("ok");
  });
  socket.on("rooms", (ack) => ack?.([...socket.rooms]));

  socket.on("to-room", (room, event, ...args) => socket.to(room).emit(event, ...args));
  socket.on("in-room", (room, event, ...args) => namespace.in(room).emit(event, ...args));
  socket.on("to-rooms", (rooms, except, event, ...args) => namespace.to(rooms).except(except).emit(event, ...args));
  socket.on("broadcast", (event, ...args) => socket.broadcast.emit(event, ...args));
  socket.on("all", (event, ...args) => namespace.emit(event, ...args));
  socket.on("emit-ack-all", (event, arg, ms, ack) =>
    namespace.timeout(ms).emit(event, arg, (error, responses) => ack?.({ err: error?.message ?? null, responses })),
  );

  socket.on("handshake", (ack) => {
    const { query, auth, address, headers } = socket.handshake;
    ack?.({ query, auth, address, hasHeaders: Object.keys(headers).length > 0 });
  });
  socket.on("set-data", (data, ack) => {
    socket.data = data;
    ack?.("ok");
  });

  socket.on("kick", () => socket.disconnect());
  socket.on("kick-hard", () => socket.disconnect(true));
  socket.on("drop", () => cut(socket.conn.transport));
  socket.on("reason", (id, ack) => ack?.(reasons.get(`${namespace.name} ${id}`) ?? null));
}

/** Ends the transport as a broken cable would: nothing is written. */
function cut(transport) {
  if (transport.name === "websocket") return transport.socket.terminate();
  transport.req?.socket.destroy();
  transport.dataReq?.socket.destroy();
}

http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`listening ${http.address().port}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
