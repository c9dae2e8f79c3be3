// Questions and orders to the cluster, on a server that is alone: it is the whole cluster.

import { deepEqual, equal } from "node:assert/strict";
import { ownNamespace, same } from "../lib/sio-tools.mjs";

const sorted = (all) => [...all].sort();

export default function cluster(suite) {
  suite.over(["websocket"], "sockets, rooms and servers are told", async (c, transport) => {
    const namespace = ownNamespace();
    const [a, b] = [await c.connect(transport, namespace), await c.connect(transport, namespace)];
    same(await c.ask(a, "join", "r1"), ["ok"]);
    same(await c.ask(b, "set-data", { k: 1 }), ["ok"]);
    const [all] = await c.ask(a, "c:sockets", []);
    equal(all.err, null);
    deepEqual(sorted(all.ids), sorted([a.id, b.id]));
    same(await c.ask(b, "c:sockets", ["r1", "r2"]), [{ err: null, ids: [a.id] }]);
    const [rooms] = await c.ask(a, "c:all-rooms");
    deepEqual(sorted(rooms.rooms), sorted([a.id, b.id, "r1"]));
    same(await c.ask(a, "c:count"), [1]);
    const [told] = await c.ask(a, "c:fetch", [b.id]);
    equal(told.err, null);
    equal(told.sockets.length, 1);
    const [{ id, data, auth, query }] = told.sockets;
    deepEqual({ id, data, auth, eio: query.EIO }, { id: b.id, data: { k: 1 }, auth: {}, eio: "4" });
    deepEqual(told.sockets[0].rooms, [b.id]);
  });

  suite.over(["websocket"], "sockets are moved and sent away", async (c, transport) => {
    const namespace = ownNamespace();
    const [a, b] = [await c.connect(transport, namespace), await c.connect(transport, namespace)];
    a.emit("c:join", [b.id], ["x", "y"]);
    a.emit("c:leave", ["x"], ["y"]);
    await c.settle(a);
    same(await c.ask(b, "rooms"), [[b.id, "x"]]);
    same(await c.ask(a, "rooms"), [[a.id]]);
    const log = c.collect(b, "here");
    a.emit("c:local", "here", 1, "two");
    await c.settle(a, b);
    deepEqual(log, [[1, "two"]]);
    const gone = new Promise((resolve) => b.once("disconnect", resolve));
    a.emit("c:disconnect", ["x"], false);
    equal(await gone, "io server disconnect");
  });

  suite.over(["websocket"], "clients answer, and there is no other server to ask", async (c, transport) => {
    const namespace = ownNamespace();
    const [a, b] = [await c.connect(transport, namespace), await c.connect(transport, namespace)];
    b.on("q", (argument, answer) => answer(argument + 1));
    same(await c.ask(a, "c:emit-ack", [b.id], "q", 1, 2000), [{ err: null, responses: [2] }]);
    same(await c.ask(a, "c:emit-ack", ["nobody"], "q", 1, 2000), [{ err: null, responses: [] }]);
    const [{ err, responses }] = await c.ask(a, "c:emit-ack", [], "q", 1, 100);
    equal(err, "operation has timed out");
    deepEqual(responses, [2]);
    same(await c.ask(a, "c:sse-ack", "sse-ping", 1), [{ err: null, responses: [] }]);
    a.emit("c:sse", "sse-ping", 1);
    same(await c.ask(a, "c:sse-log"), [[]]);
  });
}
