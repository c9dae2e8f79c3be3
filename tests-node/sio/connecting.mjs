// From the handshake to the first namespace: what must come first, and by when.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ownNamespace, pause, same } from "../lib/sio-tools.mjs";

const CONNECTED = /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/;

export default function connecting(suite) {
  for (const [title, packet] of [
    ["an event", '42["echo",1]'],
    ["an event without payload", "42"],
    ["DISCONNECT", "41"],
    ["an ack", "430[]"],
    ["CONNECT_ERROR", '44{"message":"x"}'],
    ["a binary", Buffer.from([1])],
    ["CONNECT with a list", "40[]"],
    ["CONNECT with a string", '40"x"'],
    ["CONNECT with null", "40null"],
  ]) {
    suite.case(`${title} as first packet closes`, async (c) => {
      const raw = await c.engine();
      raw.send(packet);
      await raw.close(1200);
      same(raw.rest(), []);
    });
  }

  suite.case("CONNECT with and without auth", async (c) => {
    for (const packet of ["40", "40{}", '40{"token":"x","deep":[1,{"a":null}]}', "40/,", "40/,{}"]) {
      const raw = await c.engine();
      raw.send(packet);
      match(await raw.next(), CONNECTED);
      same(await raw.alive(), []);
    }
  });

  suite.case("nothing is said before CONNECT", async (c) => {
    const raw = await c.engine();
    await pause(400);
    same(raw.rest(), []);
    raw.send("40");
    match(await raw.next(), CONNECTED);
  });

  for (const [title, packets, name] of [
    ["/", ["40", "40"], ""],
    ["/admin", ['40/admin,{"token":"sesame"}', '40/admin,{"token":"sesame"}'], "/admin,"],
  ]) {
    suite.case(`two CONNECTs at once for ${title}: never two sockets`, async (c) => {
      const raw = await c.engine();
      raw.send(...packets);
      await Promise.race([raw.closed, pause(500)]);
      const replies = raw.rest().filter((packet) => packet.startsWith(`40${name}`));
      // npm makes two sockets of one client.
      if (c.node) equal(replies.length, 2);
      else ok(replies.length <= 1, `${replies.length} replies`);
    });
  }

  for (const [title, packets] of [
    ["/", ["40", '42["echo",1]']],
    ["/admin", ['40/admin,{"token":"sesame"}', '42/admin,["echo",1]']],
  ]) {
    suite.case(`an event that does not wait for the reply of ${title}: never answered before it`, async (c) => {
      const raw = await c.engine();
      raw.send(...packets);
      await Promise.race([raw.closed, pause(500)]);
      const rest = raw.rest();
      if (c.node) return ok(!raw.isOpen, "npm closes");
      if (!raw.isOpen) return ok(rest.every((packet) => packet.startsWith("40")), rest.join(" "));
      equal(rest.length, 2);
      ok(rest[0].startsWith("40"), rest[0]);
      return match(rest[1], /\["echo",1\]$/);
    });
  }

  suite.case("a client without a namespace is closed after 1.5 s", async (c) => {
    const raw = await c.engine();
    await raw.close(4000);
    ok(raw.closedAt > 1300 && raw.closedAt < 3000, `closed after ${raw.closedAt} ms`);
  });

  suite.case("over polling, too", async (c) => {
    const session = await c.polling();
    const start = performance.now();
    equal((await session.poll()).text, "1");
    const took = performance.now() - start;
    ok(took > 1200 && took < 3000, `closed after ${took} ms`);
    equal(await session.state(), '400 {"code":1,"message":"Session ID unknown"}');
  });

  suite.case("a client that was refused everywhere is closed as well", async (c) => {
    const raw = await c.engine();
    raw.send("40/admin", "40/nowhere");
    deepEqual([await raw.next(), await raw.next()].sort(), [
      '44/admin,{"message":"not authorized","data":{"code":401}}',
      '44/nowhere,{"message":"Invalid namespace"}',
    ]);
    await raw.close(4000);
    ok(raw.closedAt > 1300 && raw.closedAt < 3000, `closed after ${raw.closedAt} ms`);
  });

  suite.case("a client that joined and left in time stays", async (c) => {
    const raw = await c.joined();
    raw.send("41");
    equal(await c.reasonOf(raw.id), "client namespace disconnect");
    await pause(2500);
    ok(raw.isOpen);
    raw.send("40");
    match(await raw.next(), CONNECTED);
    same(await raw.alive(), []);
  });

  suite.case("a client that joined stays", async (c) => {
    const raw = await c.joined();
    await pause(2300);
    same(await raw.alive(), []);
  });

  suite.case("after DISCONNECT an event of that namespace closes", async (c) => {
    const raw = await c.joined();
    raw.send("41");
    equal(await c.reasonOf(raw.id), "client namespace disconnect");
    raw.send('42["echo",1]');
    await raw.close();
  });

  suite.case("many namespaces on one connection", async (c) => {
    const raw = await c.engine();
    const names = Array.from({ length: 12 }, ownNamespace);
    for (const name of names) raw.send(`40${name},`);
    const ids = new Set();
    for (const name of names) {
      const reply = await raw.next();
      ok(reply.startsWith(`40${name},`), `${reply} is not for ${name}`);
      ids.add(reply.slice(reply.indexOf("{")));
    }
    equal(ids.size, names.length);
  });
}
