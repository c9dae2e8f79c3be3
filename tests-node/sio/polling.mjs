// The rules of long polling, and the heartbeat. Nothing here polls unless it says so.

import { equal, match, ok } from "node:assert/strict";
import { pause, same } from "../lib/sio-tools.mjs";

const GONE = '400 {"code":1,"message":"Session ID unknown"}';
const SEPARATOR = "\x1e";

export default function polling(suite) {
  suite.case("a POST is answered ok", async (c) => {
    const session = await c.polling();
    const { status, headers, text } = await session.post("40");
    equal(status, 200);
    equal(text, "ok");
    equal(headers["content-type"], "text/html");
    equal(headers["content-length"], "2");
    equal(headers["cache-control"], "no-store");
  });

  suite.case("a poll's body: packets with 0x1e between them", async (c) => {
    const session = await c.polling();
    await session.join();
    await session.post(['42["echo",1]', '42["echo","ü"]', '42["echo",3]'].join(SEPARATOR));
    const { status, headers, text } = await session.poll();
    equal(status, 200);
    equal(text, ['42["echo",1]', '42["echo","ü"]', '42["echo",3]'].join(SEPARATOR));
    equal(headers["content-type"], "text/plain; charset=UTF-8");
    equal(headers["content-length"], String(Buffer.byteLength(text)));
    equal(headers["cache-control"], "no-store");
  });

  suite.case("binary travels as b and base64", async (c) => {
    const session = await c.polling();
    await session.join();
    const packets = ['452-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', "bAQID/w==", "b"];
    await session.post(packets.join(SEPARATOR));
    equal((await session.poll()).text, packets.join(SEPARATOR));
  });

  suite.case("a waiting poll is answered as soon as there is something", async (c) => {
    const session = await c.polling();
    await session.join();
    const waiting = session.poll();
    await pause(100);
    await session.post('42["echo",1]');
    equal((await waiting).text, '42["echo",1]');
  });

  suite.case("a waiting poll gets the ping", async (c) => {
    const session = await c.polling();
    await session.join();
    equal((await session.poll()).text, "2");
    await session.post("3");
    equal((await session.poll()).text, "2");
  });

  suite.case("a second poll ends the session: the first gets 1, the second 400", async (c) => {
    const session = await c.polling();
    await session.join();
    const first = session.poll();
    await pause(150);
    const second = await session.poll();
    equal(second.status, 400);
    equal(second.text, "");
    equal((await first).text, "1");
    equal(await session.state(), GONE);
    equal(await c.reasonOf(session.id), "transport error");
  });

  suite.case("a second POST meanwhile ends the session", async (c) => {
    const session = await c.polling();
    await session.join();
    // The first says that it is longer than what it sends.
    const held = { headers: { "Content-Length": 10 } };
    const first = session.post("4", held).catch(() => undefined);
    await pause(150);
    const second = await session.post("3").catch(() => undefined);
    ok(second === undefined || second.status === 400);
    equal(await session.state(), GONE);
    equal(await c.reasonOf(session.id), "transport error");
    await Promise.race([first, pause(50)]);
  });

  suite.case("a poll cut by the client ends the session", async (c) => {
    const session = await c.polling();
    await session.join();
    let sent;
    const cut = session.poll({ onRequest: (request) => (sent = request) }).catch(() => undefined);
    await pause(150);
    sent.destroy();
    await cut;
    equal(await c.reasonOf(session.id), "transport error");
    equal(await session.state(), GONE);
  });

  suite.case("application/octet-stream is refused and ends the session", async (c) => {
    const session = await c.polling();
    await session.join();
    const { status } = await session.post("40", { headers: { "Content-Type": "application/octet-stream" } });
    equal(status, 400);
    equal(await session.state(), GONE);
  });

  suite.case("any other content type is fine", async (c) => {
    const session = await c.polling();
    await session.join();
    for (const type of ["text/plain", "application/json", "application/x-www-form-urlencoded", ""]) {
      const { status } = await session.post('42["echo",1]', { headers: { "Content-Type": type } });
      equal(status, 200, type);
      equal((await session.poll()).text, '42["echo",1]');
    }
  });

  suite.case("a body above the limit is 413", async (c) => {
    const session = await c.polling();
    await session.join();
    const answer = await session.post("4".padEnd(1_000_001, "x")).catch(() => ({ status: 413 }));
    equal(answer.status, 413);
  });

  suite.case("a chunked body above the limit is 413", async (c) => {
    const session = await c.polling();
    await session.join();
    const answer = await c
      .request(session.path, {
        method: "POST",
        headers: { "Transfer-Encoding": "chunked", "Content-Type": "text/plain" },
        onRequest: (request) => request.write("4".padEnd(600_000, "x")),
        body: "x".repeat(600_000),
      })
      .catch(() => ({ status: 413 }));
    equal(answer.status, 413);
  });

  suite.case("a body of exactly the limit is fine", async (c) => {
    const session = await c.polling();
    await session.join();
    const text = "x".repeat(1_000_000 - '42["echo",""]'.length);
    const { status } = await session.post(`42["echo","${text}"]`);
    equal(status, 200);
    equal((await session.poll()).text, `42["echo","${text}"]`);
  });

  suite.case("the client says 1: the waiting poll gets 6, the session ends", async (c) => {
    const session = await c.polling();
    await session.join();
    const waiting = session.poll();
    await pause(150);
    equal((await session.post("1")).text, "ok");
    equal((await waiting).text, "6");
    equal(await session.state(), GONE);
    equal(await c.reasonOf(session.id), "transport close");
  });

  suite.case("a 1 between other packets ends the session, what follows is not read", async (c) => {
    const session = await c.polling();
    await session.join();
    await session.post(["41", "1", "x"].join(SEPARATOR));
    // npm hands the 41 on a moment later and has closed by then.
    match(await c.reasonOf(session.id), c.node ? /^transport close$/ : /^(client namespace disconnect|transport close)$/);
    equal(await session.state(), GONE);
  });

  suite.case("the server closes: 41 and 1, then the session is unknown", async (c) => {
    const session = await c.polling();
    await session.join();
    const waiting = session.poll();
    await pause(150);
    await session.post('42["kick-hard"]').catch(() => undefined);
    let text = (await waiting).text;
    if (text === "41") text += SEPARATOR + (await session.poll()).text;
    match(text, /^41\x1e(6\x1e)?1$/);
    equal(await session.state(), GONE);
  });

  suite.case("the server closes while no poll waits: the next one is told", async (c) => {
    const session = await c.polling();
    await session.join();
    await session.post('42["kick-hard"]').catch(() => undefined);
    await pause(150);
    let { text } = await session.poll();
    if (text === "41") text += SEPARATOR + (await session.poll()).text;
    match(text, /^41\x1e(6\x1e)?1$/);
    equal(await session.state(), GONE);
  });

  for (const [title, body] of [
    ["an unknown packet", "x"],
    ["an empty packet between two", `42["echo",1]${SEPARATOR}${SEPARATOR}42["echo",2]`],
    ["an empty body", ""],
    ["a ping", "2"],
    ["a malformed Socket.IO packet", "42["],
    ["a stray binary", "bAQID"],
  ]) {
    suite.case(`${title} ends the session`, async (c) => {
      const session = await c.polling();
      await session.join();
      // npm says ok first, and 1 to a poll that follows when it could still say it.
      await session.post(body).catch(() => undefined);
      let state = await session.state();
      if (/^(42.*\x1e)?(6\x1e)?1$/.test(state)) state = await session.state();
      equal(state, GONE);
    });
  }

  suite.case("PUT and DELETE with a session answer 500 and leave it alone", async (c) => {
    const session = await c.polling();
    await session.join();
    for (const method of ["PUT", "DELETE"]) {
      const { status, text } = await c.request(session.path, { method });
      if (c.node) equal(status, 500);
      else ok(status >= 400, `${method}: ${status}`);
      equal(text, c.node ? "" : text);
    }
    await session.post('42["echo",1]');
    equal((await session.poll()).text, '42["echo",1]');
  });

  suite.case("websocket without upgrade, for a session of polling, is code 3", async (c) => {
    const session = await c.polling();
    const { status, text } = await c.request(session.path.replace("transport=polling", "transport=websocket"));
    equal(text, '{"code":3,"message":"Bad request"}');
    equal(status, 400);
  });

  suite.case("heartbeat: a ping every two seconds, counted from the pong", async (c) => {
    const wire = await c.joined();
    for (let count = 0; count < 40 && pings(wire).length < 3; count += 1) await pause(200);
    const times = pings(wire);
    ok(times.length >= 3, `${times.length} pings`);
    for (const [index, at] of times.slice(0, 3).entries()) {
      const since = at - (times[index - 1] ?? 0);
      ok(since > 1800 && since < 3000, `ping ${index} came after ${since} ms`);
    }
    same(await wire.alive(), []);
  });

  suite.case("heartbeat: a late pong is fine, one that came unasked too", async (c) => {
    const wire = await c.joined("/", { pong: false });
    wire.send("3");
    equal(await wire.next(), "2");
    await pause(500);
    wire.send("3");
    equal(await wire.next(), "2");
    wire.send("3");
    await pause(1300);
    same(await wire.alive(), []);
  });

  suite.case("heartbeat: a client that goes on talking but never answers", async (c) => {
    const wire = await c.joined("/", { pong: false });
    const talk = setInterval(() => wire.send('42["never-ack"]'), 100);
    c.onClose(() => clearInterval(talk));
    // Ours takes whatever comes for a sign of life.
    if (!c.node) {
      await new Promise((resolve) => setTimeout(resolve, 5000));
      return ok(wire.isOpen && !wire.closedAt, "it lives");
    }
    await wire.close(8000);
    ok(wire.closedAt > 2900 && wire.closedAt < 6000, `closed after ${wire.closedAt} ms`);
    equal(await c.reasonOf(wire.id), "ping timeout");
  });
}

const pings = (wire) => wire.log.filter(({ message }) => message === "2").map(({ at }) => at);
