// Namespaces: accepted, refused, unknown, made on demand; several on one connection.

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { Manager } from "socket.io-client";
import { TRANSPORTS } from "../lib/suite.mjs";
import { ownNamespace, same, travel, unique } from "../lib/sio-tools.mjs";

/** Several namespaces over one connection. */
function manager(c, transport) {
  const made = new Manager(c.url, { ...travel(transport), reconnection: false, forceNew: true });
  c.onClose(() => made.engine?.close());
  return made;
}

const refusal = (c, client) => c.within(new Promise((resolve) => client.once("connect_error", resolve)), "refusal");

export default function namespaces(suite) {
  suite.over(TRANSPORTS, "an id of twenty characters, another than the session's", async (c, transport) => {
    const client = await c.connect(transport);
    match(client.id, /^[A-Za-z0-9_-]{20}$/);
    notEqual(client.id, client.io.engine.id);
  });

  suite.over(TRANSPORTS, "auth refused, with data", async (c, transport) => {
    for (const auth of [undefined, {}, { token: "wrong" }, { token: { sesame: 1 } }]) {
      const client = c.client(transport, "/admin", { auth });
      const error = await refusal(c, client);
      equal(error.message, "not authorized");
      deepEqual(error.data, { code: 401 });
      ok(!client.active);
    }
  });

  suite.over(TRANSPORTS, "auth accepted, as an object and as a function", async (c, transport) => {
    const client = await c.connect(transport, "/admin", { auth: { token: "sesame" } });
    same(await c.ask(client, "echo-ack", 1), [1]);
    const other = await c.connect(transport, "/admin", { auth: (tell) => tell({ token: "sesame", more: [1, "x"] }) });
    const [{ auth }] = await c.ask(other, "handshake");
    deepEqual(auth, { token: "sesame", more: [1, "x"] });
  });

  suite.over(TRANSPORTS, "refused, then accepted by hand", async (c, transport) => {
    const client = c.client(transport, "/admin", { auth: { token: "wrong" } });
    equal((await refusal(c, client)).message, "not authorized");
    client.auth.token = "sesame";
    client.connect();
    await c.connected(client);
    same(await c.ask(client, "echo-ack", 1), [1]);
  });

  suite.over(TRANSPORTS, "an unknown namespace", async (c, transport) => {
    for (const name of ["/nowhere", "/dyn-", "/dyn-x", "/dyn-1x", "/x/dyn-1", "/Admin", "/admin/"]) {
      const error = await refusal(c, c.client(transport, name));
      equal(error.message, "Invalid namespace", name);
      equal(error.data, undefined);
    }
  });

  suite.over(TRANSPORTS, "a dynamic namespace, apart from its neighbours", async (c, transport) => {
    const [first, second] = [ownNamespace(), ownNamespace()];
    const [a, b, other] = await Promise.all([first, first, second].map((name) => c.connect(transport, name)));
    const twelve = await c.connect(transport, "/dyn-12");
    equal(twelve.nsp, "/dyn-12");
    const logs = [a, b, other].map((client) => c.collect(client, "news"));
    for (const client of [a, b, other]) await c.ask(client, "join", "same name");
    a.emit("all", "news", 1);
    a.emit("in-room", "same name", "news", 2);
    await c.settle(a, b, other);
    same(logs, [[[1], [2]], [[1], [2]], []]);
  });

  suite.over(TRANSPORTS, "several on one connection, each with its own id and rooms", async (c, transport) => {
    const one = manager(c, transport);
    const names = ["/", "/admin", ownNamespace(), ownNamespace()];
    const sockets = names.map((name) => one.socket(name, { auth: { token: "sesame" } }));
    await Promise.all(sockets.map((socket) => c.connected(socket)));
    if (transport === "upgrade") await c.upgraded(sockets[0]);
    equal(new Set(sockets.map(({ id }) => id)).size, names.length);
    ok(sockets.every((socket) => socket.io.engine === one.engine));
    for (const [index, socket] of sockets.entries()) {
      same(await c.ask(socket, "join", unique("room")), ["ok"]);
      same(await c.ask(socket, "echo-ack", index, Buffer.from([index])), [index, Buffer.from([index])]);
      equal((await c.ask(socket, "rooms"))[0].length, 2);
    }
    const logs = sockets.map((socket) => c.collect(socket, "echo"));
    for (let round = 0; round < 20; round += 1) sockets.forEach((socket, index) => socket.emit("echo", index, round));
    await c.settle(...sockets);
    for (const [index, log] of logs.entries()) same(log, Array.from({ length: 20 }, (_, round) => [index, round]));
  });

  suite.over(TRANSPORTS, "leave one, keep the others, join it again", async (c, transport) => {
    const one = manager(c, transport);
    const name = ownNamespace();
    const [root, dyn] = [one.socket("/"), one.socket(name)];
    await Promise.all([c.connected(root), c.connected(dyn)]);
    if (transport === "upgrade") await c.upgraded(root);
    const { id } = dyn;
    dyn.disconnect();
    equal(await c.reasonOf(id, name), "client namespace disconnect");
    same(await c.ask(root, "echo-ack", 1), [1]);
    dyn.connect();
    await c.connected(dyn);
    notEqual(dyn.id, id);
    same(await c.ask(dyn, "rooms"), [[dyn.id]]);
    same(await c.ask(root, "echo-ack", 2), [2]);
    equal(dyn.io.engine, root.io.engine);
  });

  suite.over(TRANSPORTS, "kicked out of one, the others stay", async (c, transport) => {
    const one = manager(c, transport);
    const [root, dyn] = [one.socket("/"), one.socket(ownNamespace())];
    await Promise.all([c.connected(root), c.connected(dyn)]);
    if (transport === "upgrade") await c.upgraded(root);
    const gone = c.next(dyn, "disconnect");
    dyn.emit("kick");
    equal((await gone)[0], "io server disconnect");
    same(await c.ask(root, "echo-ack", 1), [1]);
  });

  suite.over(TRANSPORTS, "one refused, the others stay", async (c, transport) => {
    const one = manager(c, transport);
    const [root, admin, nowhere] = ["/", "/admin", "/nowhere"].map((name) => one.socket(name));
    const refusals = [refusal(c, admin), refusal(c, nowhere)];
    await c.connected(root);
    equal((await refusals[0]).message, "not authorized");
    equal((await refusals[1]).message, "Invalid namespace");
    same(await c.ask(root, "echo-ack", 1), [1]);
  });

  suite.over(TRANSPORTS, "what the handshake tells", async (c, transport) => {
    const options = { query: { username: "Jürgen & Ko", empty: "" }, auth: { a: { b: [1, null] } } };
    const client = await c.connect(transport, "/", options);
    const [{ query, auth, address, hasHeaders }] = await c.ask(client, "handshake");
    equal(query.EIO, "4");
    equal(query.transport, transport === "websocket" ? "websocket" : "polling");
    equal(query.username, "Jürgen & Ko");
    equal(query.empty, "");
    deepEqual(auth, options.auth);
    match(address, /^(::ffff:)?127\.0\.0\.1$/);
    equal(hasHeaders, true);
    const plain = await c.connect(transport);
    deepEqual((await c.ask(plain, "handshake"))[0].auth, {});
  });

  suite.over(TRANSPORTS, "data of a socket is set", async (c, transport) => {
    const client = await c.connect(transport);
    same(await c.ask(client, "set-data", { user: 7, deep: { x: [1] } }), ["ok"]);
  });
}
