// npm servers that keep the two READMEs which `seed2-client.mjs` and `seed3-client.mjs` test.
//
// Run:   node tests-node/reference-seeds.mjs 2|3|3-as-written        (packages: `cargo xtask setup`)
//
// Environment: PORT (default 3000 or 3001). Prints `listening <port>` when ready.

import { createServer } from "node:http";
import { Server } from "socket.io";

const seed = process.argv[2];
const http = createServer();
const io = new Server(http, { cors: { origin: "*", methods: ["GET", "POST"] } });

/** A gateway of rooms, as the README of the "WebSocket Service" has it. */
function rooms(socket) {
  socket.on("join-room", (room) => {
    socket.join(room);
    io.to(room).emit("user-joined", { userId: socket.id, room });
  });
  socket.on("leave-room", (room) => {
    socket.leave(room);
    io.to(room).emit("user-left", { userId: socket.id, room });
  });
  socket.on("send-message", ({ room, message }) => {
    io.to(room).emit("new-message", { userId: socket.id, message, timestamp: new Date().toISOString() });
  });
}

/** The chat of "Socket.io with Express". */
function chat(socket) {
  const { username, room } = socket.handshake.query;
  const user = { username, sockedId: socket.id };
  socket.broadcast.emit("user-connected", { message: "user has connected.", user });
  io.emit("conn", { message: "you are added" });
  socket.join(room);
  socket.on("send-message", ({ message }) => io.in(room).emit("new-message", { msg: message }));
  socket.on("disconnect", () => {
    const left = { message: "user has disconnected.", user };
    if (seed === "3-as-written") socket.emit("user-disconnected", left);
    else socket.broadcast.emit("user-disconnected", left);
  });
}

io.on("connection", seed === "2" ? rooms : chat);
http.listen(Number(process.env.PORT ?? (seed === "2" ? 3000 : 3001)), () => console.log(`listening ${http.address().port}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
