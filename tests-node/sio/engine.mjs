// Engine.IO from outside: the handshake, refusals, headers. Requests are made by hand.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { exchange } from "../lib/sio-raw.mjs";

const ORIGIN = { Origin: "http://elsewhere.test" };

/** Query, method: status and body of the refusal. */
const REFUSALS = [
  ["", "GET", 0, "Transport unknown"],
  ["?EIO=4", "GET", 0, "Transport unknown"],
  ["?EIO=4&transport=", "GET", 0, "Transport unknown"],
  ["?EIO=4&transport=tobi", "GET", 0, "Transport unknown"],
  ["?EIO=4&transport=webtransport", "GET", 0, "Transport unknown"],
  ["?EIO=4&transport=__proto__", "GET", 0, "Transport unknown"],
  ["?EIO=4&transport=constructor", "GET", 0, "Transport unknown"],
  ["?EIO=4&transport=polling&sid=unknown", "GET", 1, "Session ID unknown"],
  ["?EIO=4&transport=polling&sid=unknown", "POST", 1, "Session ID unknown"],
  ["?EIO=4&transport=polling&sid=__proto__", "GET", 1, "Session ID unknown"],
  ["?EIO=4&transport=polling&sid=constructor", "GET", 1, "Session ID unknown"],
  ["?EIO=4&transport=websocket&sid=unknown", "GET", 1, "Session ID unknown"],
  ["?EIO=4&transport=polling", "POST", 2, "Bad handshake method"],
  ["?EIO=4&transport=polling", "PUT", 2, "Bad handshake method"],
  ["?EIO=4&transport=polling", "DELETE", 2, "Bad handshake method"],
  ["?EIO=4&transport=websocket", "GET", 3, "Bad request"],
  ["?EIO=3&transport=polling", "GET", 5, "Unsupported protocol version"],
  ["?EIO=2&transport=polling", "GET", 5, "Unsupported protocol version"],
  ["?transport=polling", "GET", 5, "Unsupported protocol version"],
];

/** What is judged first when several things are wrong. */
const ORDER = [
  ["?EIO=3&transport=tobi&sid=unknown", "POST", 0, "Transport unknown"],
  ["?EIO=3&transport=polling&sid=unknown", "POST", 1, "Session ID unknown"],
  ["?EIO=3&transport=polling", "POST", 2, "Bad handshake method"],
  ["?EIO=3&transport=websocket", "POST", 2, "Bad handshake method"],
  ["?EIO=3&transport=websocket", "GET", 3, "Bad request"],
];

const UPGRADE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function upgradeRequest(url, path, headers = "") {
  return `GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${UPGRADE}${headers}\r\n`;
}

/** The refusal of an upgrade, whatever the case of its header names and their order. */
function judgeUpgrade(text, message) {
  const [head, body] = text.split("\r\n\r\n");
  const [status, ...lines] = head.split("\r\n");
  equal(status, "HTTP/1.1 400 Bad Request");
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(": ")));
  equal(headers["content-type"], "text/html");
  equal(headers["content-length"], String(message.length));
  equal(headers.connection, "close");
  equal(body, message);
}

export default function engine(suite) {
  suite.case("handshake over polling, byte for byte", async (c) => {
    const { status, headers, text } = await c.request("/socket.io/?EIO=4&transport=polling&t=abc");
    equal(status, 200);
    match(
      text,
      /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\["websocket"\],"pingInterval":2000,"pingTimeout":1000,"maxPayload":1000000\}$/,
    );
    equal(headers["content-type"], "text/plain; charset=UTF-8");
    equal(headers["content-length"], String(Buffer.byteLength(text)));
    equal(headers["cache-control"], "no-store");
    equal(headers["set-cookie"], undefined);
  });

  suite.case("handshake over websocket, byte for byte", async (c) => {
    const wire = await c.websocket();
    match(
      await wire.next(),
      /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\[\],"pingInterval":2000,"pingTimeout":1000,"maxPayload":1000000\}$/,
    );
    equal(wire.ws.protocol, "");
    equal(wire.ws.extensions, "");
  });

  suite.case("ids differ", async (c) => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => c.polling()));
    equal(new Set(answers.map(({ sid }) => sid)).size, 30);
  });

  suite.case("an empty sid is no sid", async (c) => {
    const { status, text } = await c.request("/socket.io/?EIO=4&transport=polling&sid=");
    equal(status, 200);
    equal(text[0], "0");
    const wire = await c.websocket("EIO=4&transport=websocket&sid=");
    equal((await wire.next())[0], "0");
  });

  for (const [title, table] of [
    ["refused", REFUSALS],
    ["judged first", ORDER],
  ]) {
    for (const [query, method, code, message] of table) {
      suite.case(`${title}: ${method} ${query || "(nothing)"} is code ${code}`, async (c) => {
        const { status, headers, text } = await c.request(`/socket.io/${query}`, { method, headers: ORIGIN });
        equal(text, JSON.stringify({ code, message }));
        equal(status, 400);
        equal(headers["content-type"], "application/json");
        equal(headers["access-control-allow-origin"], "*");
      });
    }
  }

  for (const [query, message] of [
    ["?EIO=4", "Transport unknown"],
    ["?EIO=4&transport=tobi", "Transport unknown"],
    ["?EIO=4&transport=__proto__", "Transport unknown"],
    ["?EIO=4&transport=websocket&sid=unknown", "Session ID unknown"],
    ["?EIO=4&transport=websocket&sid=__proto__", "Session ID unknown"],
    ["?EIO=3&transport=websocket&sid=unknown", "Session ID unknown"],
  ]) {
    suite.case(`upgrade refused: ${query} is "${message}"`, async (c) => {
      const { text, closed } = await exchange(c.url, upgradeRequest(c.url, `/socket.io/${query}`));
      judgeUpgrade(text, message);
      ok(closed);
    });
  }

  suite.case("upgrade with another EIO ends without a session", async (c) => {
    const { text, closed } = await exchange(c.url, upgradeRequest(c.url, "/socket.io/?EIO=3&transport=websocket"));
    // npm finds out after its 101 and writes the 400 behind it.
    match(text, c.node ? /^HTTP\/1\.1 101/ : /^HTTP\/1\.1 (101|400)/);
    match(text, /Unsupported protocol version/);
    ok(!text.includes('"sid"'));
    ok(closed);
  });

  suite.case("another EIO than the session's is code 3", async (c) => {
    const session = await c.polling();
    const { status, text } = await c.request(session.path.replace("EIO=4", "EIO=3"));
    equal(text, '{"code":3,"message":"Bad request"}');
    equal(status, 400);
    await session.post("40");
    match(await session.state(), /^40\{"sid"/);
  });

  suite.case("a control byte in Origin is refused", async (c) => {
    const host = new URL(c.url).host;
    const { text } = await exchange(
      c.url,
      `GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nOrigin: a\x01b\r\n\r\n`,
    );
    match(text, /^HTTP\/1\.1 400 /);
  });

  suite.case("without the trailing slash it is 404", async (c) => {
    for (const path of ["/socket.io?EIO=4&transport=polling", "/?EIO=4&transport=polling", "/socket.i/?EIO=4&transport=polling"]) {
      const { status, text } = await c.request(path);
      equal(status, 404, path);
      ok(!text.includes("sid"));
    }
  });

  suite.case("no websocket at another path", async (c) => {
    const { text } = await exchange(c.url, upgradeRequest(c.url, "/other/?EIO=4&transport=websocket"), 2500);
    ok(!text.startsWith("HTTP/1.1 101"), text);
  });

  suite.case("CORS: a simple request", async (c) => {
    const { headers } = await c.request("/socket.io/?EIO=4&transport=polling", { headers: ORIGIN });
    equal(headers["access-control-allow-origin"], "*");
    equal(headers["access-control-allow-credentials"], undefined);
    const sent = (await c.polling()).path;
    const post = await c.request(sent, { method: "POST", body: "40", headers: { ...ORIGIN, "Content-Length": 2 } });
    equal(post.text, "ok");
    equal(post.headers["access-control-allow-origin"], "*");
  });

  suite.case("CORS: a preflight", async (c) => {
    const { status, headers, text } = await c.request("/socket.io/?EIO=4&transport=polling", {
      method: "OPTIONS",
      headers: { ...ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a, x-b" },
    });
    equal(status, 204);
    equal(text, "");
    equal(headers["access-control-allow-origin"], "*");
    equal(headers["access-control-allow-methods"], "GET,POST");
    equal(headers["access-control-allow-headers"], "x-a, x-b");
    match(headers.vary, /Access-Control-Request-Headers/);
    // RFC 9110 §8.6 forbids it in a 204; npm sends it.
    if (c.node) equal(headers["content-length"], "0");
  });

  suite.case("gzip from 1024 bytes on, when it is accepted", async (c) => {
    const body = async (size, accepted) => {
      const session = await c.polling();
      await session.join();
      await session.post(`42["echo","${"x".repeat(size)}"]`);
      return session.poll({ headers: accepted === undefined ? {} : { "Accept-Encoding": accepted } });
    };
    const wanted = `42["echo","${"x".repeat(3000)}"]`;
    const packed = await body(3000, "gzip, deflate");
    // Absent is legal, too.
    if (packed.headers["content-encoding"] === "gzip") equal(gunzipSync(packed.bytes).toString(), wanted);
    else equal(packed.text, wanted);
    if (c.node) equal(packed.headers["content-encoding"], "gzip");
    const small = await body(900, "gzip");
    equal(small.headers["content-encoding"], undefined);
    const plain = await body(3000, undefined);
    equal(plain.headers["content-encoding"], undefined);
    equal(plain.text, wanted);
    const refused = await body(3000, "identity");
    equal(refused.text, wanted);
  });

  suite.case("JSONP answers, or says no", async (c) => {
    const { status, headers, text } = await c.request("/socket.io/?EIO=4&transport=polling&j=0");
    if (!c.node && status === 400) return deepEqual(Object.keys(JSON.parse(text)), ["code", "message"]);
    // A server may also leave JSONP out, as no client of this protocol uses it.
    if (!c.node && text.startsWith("0{")) return undefined;
    equal(status, 200);
    match(text, /^___eio\[0\]\("0\{\\"sid\\":\\"[A-Za-z0-9_-]{20}\\".*\}"\);$/);
    match(headers["content-type"], /^text\/(plain|javascript); charset=UTF-8$/);
    return undefined;
  });
}
