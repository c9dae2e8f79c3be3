// Upgrading from polling to websocket, step by step.

import { equal, ok } from "node:assert/strict";
import { pause, same } from "../lib/sio-tools.mjs";

const TRANSPORT_CHANGED = '400 {"code":3,"message":"Bad request"}';

/** A polling session that has joined, and a websocket that asks for it. */
async function probing(c) {
  const session = await c.polling();
  await session.join();
  return { session, wire: await second(c, session) };
}

const second = (c, session) => c.websocket(`EIO=4&transport=websocket&sid=${session.sid}`);

/** Polls and answers until the session says something else than 6 and 2. */
async function said(session) {
  for (;;) {
    const { status, text } = await session.poll();
    equal(status, 200, text);
    const packets = text.split("\x1e").filter((packet) => packet !== "6" && packet !== "2");
    if (text.includes("2")) await session.post("3");
    if (packets.length > 0) return packets.join("\x1e");
  }
}

async function stillPolling(session) {
  await session.post('42["echo","still polling"]');
  equal(await said(session), '42["echo","still polling"]');
}

async function upgraded(c) {
  const { session, wire } = await probing(c);
  wire.send("2probe");
  equal(await wire.next(), "3probe");
  wire.send("5");
  same(await wire.alive(), []);
  return { session, wire };
}

export default function probe(suite) {
  suite.case("2probe is answered 3probe, 5 moves the session", async (c) => {
    const { session, wire } = await upgraded(c);
    wire.send('420["rooms"]');
    equal(await wire.next(), `430[["${session.id}"]]`);
  });

  suite.case("a waiting poll is answered 6 during the probe", async (c) => {
    const { session, wire } = await probing(c);
    const waiting = session.poll();
    await pause(50);
    const start = performance.now();
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    equal((await waiting).text, "6");
    ok(performance.now() - start < 1000);
  });

  suite.case("until 5, all goes over polling", async (c) => {
    const { session, wire } = await probing(c);
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    await session.post('42["echo",1]');
    equal(await said(session), '42["echo",1]');
    same(wire.rest(), []);
    wire.send("5");
    same(await wire.alive(), []);
  });

  suite.case("what waited while nobody polled goes over the websocket after 5, in order", async (c) => {
    const { session, wire } = await probing(c);
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    // Takes the 6 away, so that nothing can be answered any more.
    const waiting = session.poll();
    equal((await waiting).text, "6");
    await session.post('42["echo",1]\x1e42["echo",2]');
    await session.post('42["echo",3]');
    wire.send("5");
    same([await wire.next(), await wire.next(), await wire.next()], ['42["echo",1]', '42["echo",2]', '42["echo",3]']);
  });

  suite.case("after the upgrade, polling is code 3", async (c) => {
    const { session, wire } = await upgraded(c);
    equal(await session.state(), TRANSPORT_CHANGED);
    const post = await session.post('42["echo",1]');
    equal(`${post.status} ${post.text}`, TRANSPORT_CHANGED);
    same(await wire.alive(), []);
  });

  suite.case("a poll that waits during 5 is answered", async (c) => {
    const { session, wire } = await probing(c);
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    const waiting = session.poll();
    await pause(20);
    wire.send("5");
    const { status, text } = await waiting;
    equal(status, 200);
    ok(text === "6" || text === "1", text);
    same(await wire.alive(), []);
  });

  for (const [title, packet] of [
    ["another probe text", "2other"],
    ["no probe text", "2"],
    ["a message", '42["echo",1]'],
    ["garbage", "x"],
  ]) {
    suite.case(`${title} closes only the probe`, async (c) => {
      const { session, wire } = await probing(c);
      wire.send(packet);
      await wire.close();
      same(wire.rest(), []);
      await stillPolling(session);
      // And it may try again.
      const again = await second(c, session);
      again.send("2probe");
      equal(await again.next(), "3probe");
      again.send("5");
      same(await again.alive(), []);
    });
  }

  suite.case("a probe that is dropped leaves polling alone", async (c) => {
    const { session, wire } = await probing(c);
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    wire.ws.terminate();
    await pause(50);
    await stillPolling(session);
  });

  suite.case("a probe that never speaks leaves polling alone", async (c) => {
    const { session, wire } = await probing(c);
    await pause(200);
    await stillPolling(session);
    ok(wire.isOpen);
  });

  suite.case("a second websocket during a probe is closed", async (c) => {
    const { session, wire } = await probing(c);
    const other = await second(c, session);
    await other.close();
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    const third = await second(c, session);
    await third.close();
    wire.send("5");
    same(await wire.alive(), []);
  });

  suite.case("a second websocket after the upgrade is closed", async (c) => {
    const { session, wire } = await upgraded(c);
    const other = await second(c, session);
    other.send("2probe");
    await other.close();
    same(other.rest(), []);
    same(await wire.alive(), []);
  });

  suite.case("a websocket for a session of websocket is closed", async (c) => {
    const first = await c.engine();
    first.send("40");
    await first.next();
    const other = await c.websocket(`EIO=4&transport=websocket&sid=${first.handshake.sid}`);
    other.send("2probe");
    if (c.node) return; // npm upgrades it.
    await other.close();
    same(await first.alive(), []);
  });

  suite.case("the session ends during a probe: the probe ends too", async (c) => {
    const { session, wire } = await probing(c);
    wire.send("2probe");
    equal(await wire.next(), "3probe");
    await session.post("1");
    await wire.close();
    equal(await c.reasonOf(session.id), "transport close");
  });

  suite.case("the upgraded session lives on heartbeats of the websocket", async (c) => {
    const { session, wire } = await upgraded(c);
    await pause(3500);
    same(await wire.alive(), []);
    ok(wire.log.some(({ message }) => message === "2"));
    wire.ws.terminate();
    equal(await c.reasonOf(session.id), "transport close");
  });

  suite.case("binary goes over the websocket as it is", async (c) => {
    const { wire } = await upgraded(c);
    wire.send('451-["echo",{"_placeholder":true,"num":0}]', Buffer.from([0, 255]));
    equal(await wire.next(), '451-["echo",{"_placeholder":true,"num":0}]');
    same(await wire.next(), Buffer.from([0, 255]));
  });
}
