// How a client uses `events.ts`: what is right must pass the type checker, and each line below an
// `@ts-expect-error` must not. After a change of `events.ts`, in this directory:
//
//   npm install --no-save --prefix /tmp/check typescript@5.9.3 socket.io-client@4.8.4
//   cp client.ts events.ts /tmp/check
//   /tmp/check/node_modules/.bin/tsc --noEmit --strict --target esnext --module esnext \
//     --moduleResolution bundler /tmp/check/client.ts

import { io, type Socket } from "socket.io-client";
import type { Auth, ClientToServerEvents, Message, ServerToClientEvents } from "./events.js";

const auth: Auth = { token: "secret" };
const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io({ auth });

socket.on("user-joined", ({ userId, room, since }) => {
  const text: string = userId + (room ?? "nowhere");
  const number: number = since;
  console.log(text, number);
});
socket.on("say", (text, count) => console.log(text.toUpperCase(), count.toFixed()));
socket.on("typing", () => {});
socket.on("update", ({ value }) => console.log(value.replies.map((reply) => reply.from)));
socket.on("room-changed", (change) => {
  if (change.kind === "renamed") console.log(change.name);
  // @ts-expect-error: only a renamed room has a name
  else console.log(change.name);
});

// @ts-expect-error: the server sends no such event
socket.on("user-left", () => {});
// @ts-expect-error: the second argument is a number
socket.on("say", (text: string, count: string) => {});

socket.emit("typing");
socket.emit("file", "notes", new ArrayBuffer(8));
socket.emit("send-message", { room: "a", message: "b", labels: { x: [{ text: "y", color: "red" }] } }, (reply) => {
  if ("Ok" in reply) console.log(reply.Ok.id);
  else console.log(reply.Err === "ROOM_FULL");
});
socket.emit("history", "a", { before: null }, (messages, more) => {
  const first: Message | undefined = messages[0];
  const flag: boolean = more;
  console.log(first, flag);
});
socket.timeout(1000).emit("ping", (error) => console.log(error?.message));

const reply = await socket.emitWithAck("send-message", { room: "a", message: "b", labels: {} });
if ("Ok" in reply) console.log(reply.Ok.id);
const page: Message[] = await socket.timeout(1000).emitWithAck("history", "a", null);
console.log(page);

// @ts-expect-error: the message is missing
socket.emit("send-message", { room: "a", labels: {} }, () => {});
// @ts-expect-error: the acknowledgement is asked for
socket.emit("send-message", { room: "a", message: "b", labels: {} });
// @ts-expect-error: red and green only
socket.emit("history", "a", { before: null, only: ["blue"] }, () => {});
// @ts-expect-error: clients do not send it
socket.emit("say", "hello", 1);
// @ts-expect-error: it is never acknowledged
await socket.emitWithAck("file", "notes", new ArrayBuffer(8));
