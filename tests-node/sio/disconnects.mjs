// How connections end: the reason on both sides, and who comes back by itself.

import { equal, notEqual, ok } from "node:assert/strict";
import { Manager } from "socket.io-client";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, pause, same, travel } from "../lib/sio-tools.mjs";

const KEEPS_COMING = { reconnection: true, reconnectionDelay: 30, reconnectionDelayMax: 100 };

const oneOf = (value, ...allowed) => ok(allowed.includes(value), `${value} is not one of: ${allowed.join(", ")}`);

export default function disconnects(suite) {
  suite.over(TRANSPORTS, "the client disconnects", async (c, transport) => {
    const client = await c.connect(transport);
    const { id } = client;
    const gone = c.next(client, "disconnect");
    client.disconnect();
    equal((await gone)[0], "io client disconnect");
    equal(await c.reasonOf(id), "client namespace disconnect");
  });

  for (const how of ["kick", "kick-hard"]) {
    suite.over(TRANSPORTS, `${how}: no reconnection by itself, by hand it works`, async (c, transport) => {
      const client = await c.connect(transport, "/", KEEPS_COMING);
      const { id } = client;
      const gone = c.next(client, "disconnect");
      client.emit(how);
      equal((await gone)[0], "io server disconnect");
      ok(!client.active);
      equal(await c.reasonOf(id), "server namespace disconnect");
      await pause(400);
      ok(!client.connected);
      client.connect();
      await c.connected(client);
      notEqual(client.id, id);
      same(await c.ask(client, "echo-ack", 1), [1]);
    });
  }

  suite.over(TRANSPORTS, "kick-hard ends every namespace of the connection", async (c, transport) => {
    const manager = new Manager(c.url, { ...travel(transport), reconnection: false });
    c.onClose(() => manager.engine?.close());
    const name = ownNamespace();
    const sockets = [manager.socket("/"), manager.socket(name)];
    await Promise.all(sockets.map((socket) => c.connected(socket)));
    if (transport === "upgrade") await c.upgraded(sockets[0]);
    const ids = sockets.map(({ id }) => id);
    const { engine } = manager;
    const closed = c.within(new Promise((resolve) => engine.once("close", resolve)), "close of the connection");
    const gone = sockets.map((socket) => c.next(socket, "disconnect"));
    sockets[0].emit("kick-hard");
    for (const each of gone) equal((await each)[0], "io server disconnect");
    await closed;
    equal(await c.reasonOf(ids[0]), "server namespace disconnect");
    equal(await c.reasonOf(ids[1], name), "server namespace disconnect");
  });

  suite.over(TRANSPORTS, "events emitted before a kick still arrive", async (c, transport) => {
    const client = await c.connect(transport);
    const got = c.collect(client, "echo");
    const gone = c.next(client, "disconnect");
    for (let number = 0; number < 50; number += 1) client.emit("echo", number);
    client.emit("kick-hard");
    await gone;
    same(got, Array.from({ length: 50 }, (_, index) => [index]));
  });

  suite.over(TRANSPORTS, "drop: the client comes back by itself, with a new id and no rooms", async (c, transport) => {
    const client = await c.connect(transport, "/", KEEPS_COMING);
    const { id } = client;
    await c.ask(client, "join", "somewhere");
    const gone = c.next(client, "disconnect");
    const back = c.within(new Promise((resolve) => client.once("connect", resolve)), "reconnection");
    client.emit("drop");
    oneOf((await gone)[0], "transport close", "transport error");
    await back;
    notEqual(client.id, id);
    oneOf(await c.reasonOf(id), "transport close", "transport error");
    same(await c.ask(client, "rooms"), [[client.id]]);
  });

  suite.case("drop over websocket is a transport close on both sides", async (c) => {
    const client = await c.connect("websocket");
    const { id } = client;
    const gone = c.next(client, "disconnect");
    client.emit("drop");
    equal((await gone)[0], "transport close");
    equal(await c.reasonOf(id), "transport close");
  });

  suite.over(TRANSPORTS, "what was emitted while away is sent after the reconnection, in order", async (c, transport) => {
    const client = await c.connect(transport, "/", KEEPS_COMING);
    const got = c.collect(client, "echo");
    const gone = c.next(client, "disconnect");
    client.emit("drop");
    await gone;
    for (let number = 0; number < 20; number += 1) client.emit("echo", number);
    await c.within(new Promise((resolve) => client.once("connect", resolve)), "reconnection");
    await c.settle(client);
    same(got, Array.from({ length: 20 }, (_, index) => [index]));
  });

  suite.over(TRANSPORTS, "the client closes its transport", async (c, transport) => {
    const client = await c.connect(transport);
    const { id } = client;
    client.io.engine.close();
    equal(await c.reasonOf(id), "transport close");
  });

  suite.case("a websocket cut without a close frame", async (c) => {
    const wire = await c.joined();
    wire.ws.terminate();
    oneOf(await c.reasonOf(wire.id), "transport close", "transport error");
  });

  suite.case("a websocket closed with a close frame", async (c) => {
    const wire = await c.joined();
    wire.ws.close(1000);
    await wire.close();
    equal(await c.reasonOf(wire.id), "transport close");
  });

  suite.case("no pong: ping timeout, after interval and timeout", async (c) => {
    const wire = await c.joined("/", { pong: false });
    await wire.close(6000);
    ok(wire.closedAt > 2900 && wire.closedAt < 4800, `closed after ${wire.closedAt} ms`);
    equal(await c.reasonOf(wire.id), "ping timeout");
  });

  suite.case("no pong over polling: ping timeout", async (c) => {
    const session = await c.polling();
    await session.join();
    for (let text = ""; text !== "2"; ) text = (await session.poll()).text;
    equal(await c.reasonOf(session.id), "ping timeout");
    equal(await session.state(), '400 {"code":1,"message":"Session ID unknown"}');
  });

  suite.case("an unknown Engine.IO packet: parse error", async (c) => {
    const wire = await c.joined();
    wire.send("x");
    await wire.close();
    equal(await c.reasonOf(wire.id), "parse error");
  });

  suite.case("a malformed Socket.IO packet: forced close", async (c) => {
    const wire = await c.joined();
    wire.send("42[");
    await wire.close();
    equal(await c.reasonOf(wire.id), "forced close");
  });

  suite.case("a second CONNECT: forced close", async (c) => {
    const wire = await c.joined();
    wire.send("40");
    await wire.close();
    equal(await c.reasonOf(wire.id), "forced close");
  });

  suite.case("a second CONNECT over polling: forced server close", async (c) => {
    const session = await c.polling();
    await session.join();
    await session.post("40");
    equal(await c.reasonOf(session.id), "forced server close");
  });

  suite.case("a message above the limit: 1009, transport error", async (c) => {
    const wire = await c.joined();
    wire.send(`42["echo","${"x".repeat(1_000_000)}"]`);
    equal(await wire.close(), 1009);
    equal(await c.reasonOf(wire.id), "transport error");
  });

  suite.over(["websocket", "polling"], "npm's client sends too much: it is cut and comes back", async (c, transport) => {
    const client = await c.connect(transport, "/", KEEPS_COMING);
    const { id } = client;
    const gone = c.next(client, "disconnect");
    const back = c.within(new Promise((resolve) => client.once("connect", resolve)), "reconnection");
    client.emit("echo", "x".repeat(1_100_000));
    equal((await gone)[0], transport === "polling" ? "transport error" : "transport close");
    await back;
    oneOf(await c.reasonOf(id), "transport error", "transport close");
    same(await c.ask(client, "echo-ack", 1), [1]);
  });

  suite.case("a ping of the client: transport error", async (c) => {
    const wire = await c.joined();
    wire.send("2");
    await wire.close();
    equal(await c.reasonOf(wire.id), "transport error");
  });

  suite.over(TRANSPORTS, "a client that answers pings stays", async (c, transport) => {
    const client = await c.connect(transport);
    const reasons = c.collect(client, "disconnect");
    await pause(5500);
    same(await c.ask(client, "echo-ack", 1), [1]);
    same(reasons, []);
  });
}
