// Every fact of the parser: an input on a raw websocket that has joined `/`, and what becomes of it.

import { equal, match, ok } from "node:assert/strict";
import { ownNamespace, pause, same } from "../lib/sio-tools.mjs";

const PLACEHOLDER = '{"_placeholder":true,"num":0}';
const holder = (num) => `{"_placeholder":true,"num":${num}}`;
const hex = (text) => Buffer.from(text, "hex");

/** The connection stays open; input, and the packets that answer it. */
const ANSWERED = [
  ["an event", ['42["echo",1]'], ['42["echo",1]']],
  ["an event without arguments", ['42["echo"]'], ['42["echo"]']],
  // Ours hands on what came inside a value.
  ["space around the JSON's values", ['42[ "echo" , 1 , {"a":2} ] '], ['42["echo",1,{"a":2}]']],
  ["escapes in the name", ['42["\\u0065cho",1]'], ['42["echo",1]']],
  ["an ack id", ['420["echo-ack",1]'], ["430[1]"]],
  ["a long ack id", ['429007199254740991["echo-ack"]'], ["439007199254740991[]"]],
  ["an ack id with zeros in front", ['42007["echo-ack",1]'], ["437[1]"]],
  ["__proto__ and constructor as keys", ['42["echo",{"constructor":{"prototype":1}}]'], ['42["echo",{"constructor":{"prototype":1}}]']],
  ["__proto__ as a key", ['42["echo",{"__proto__":{"x":1}}]'], ['42["echo",{"__proto__":{"x":1}}]']],
  ["nesting to a depth of 100", [`42["echo",${"[".repeat(100)}${"]".repeat(100)}]`], [`42["echo",${"[".repeat(100)}${"]".repeat(100)}]`]],
  ["separators within strings", ['42["echo","/a,1-[\\u001e"]'], ['42["echo","/a,1-[\\u001e"]']],
  ["an attachment", [`451-["echo",${PLACEHOLDER}]`, hex("0102")], [`451-["echo",${PLACEHOLDER}]`, hex("0102")]],
  ["an empty attachment", [`451-["echo",${PLACEHOLDER}]`, hex("")], [`451-["echo",${PLACEHOLDER}]`, hex("")]],
  ["an attachment and an ack id", [`451-7["echo-ack",${PLACEHOLDER}]`, hex("03")], [`461-7[${PLACEHOLDER}]`, hex("03")]],
  [
    "attachments bind by number",
    [`452-["echo",${holder(1)},${holder(0)}]`, hex("aa"), hex("bb")],
    [`452-["echo",${holder(0)},${holder(1)}]`, hex("bb"), hex("aa")],
  ],
  [
    "one attachment used twice",
    [`451-["echo",${holder(0)},[${holder(0)}]]`, hex("aa")],
    [`452-["echo",${holder(0)},[${holder(1)}]]`, hex("aa"), hex("aa")],
  ],
  ["an attachment nobody uses", ['451-["echo",1]', hex("aa")], ['42["echo",1]']],
  ["a placeholder that is none", [`42["echo",{"_placeholder":false,"num":0}]`], [`42["echo",{"_placeholder":false,"num":0}]`]],
  ["a pong between text and attachment", [`451-["echo",${PLACEHOLDER}]`, "3", hex("aa")], [`451-["echo",${PLACEHOLDER}]`, hex("aa")]],
  ["an unknown namespace", ["40/nowhere,"], ['44/nowhere,{"message":"Invalid namespace"}']],
  ["an unknown namespace, without its comma", ["40/nowhere"], ['44/nowhere,{"message":"Invalid namespace"}']],
  ["a query is part of the name", ['40/admin?token=sesame,{"token":"sesame"}'], ['44/admin?token=sesame,{"message":"Invalid namespace"}']],
  ["__proto__ as a namespace", ["40/__proto__,"], ['44/__proto__,{"message":"Invalid namespace"}']],
  ["a refusal with data", ["40/admin,"], ['44/admin,{"message":"not authorized","data":{"code":401}}']],
  ["a refusal, without the comma", ["40/admin"], ['44/admin,{"message":"not authorized","data":{"code":401}}']],
];

/** The connection stays open and nothing is said. */
const IGNORED = [
  ["no payload", "42"],
  ["an ack id without payload", "421"],
  ["an unknown event", '42["nobody listens",1]'],
  ["a number as name", "42[7,1]"],
  ["a fraction as name", "42[1.5]"],
  ["the name error", '42["error","x"]'],
  ["the name message", '42["message","x"]'],
  ["the name ping", '42["ping"]'],
  ["the name __proto__", '42["__proto__",1]'],
  ["the name constructor", '42["constructor",1]'],
  ["the empty name", '42["",1]'],
  ["an ack nobody waits for", "430[1]"],
  ["an ack without id", "43[1]"],
  ["an ack without anything", "43"],
  ["an ack with a huge id", `43${"9".repeat(60)}[]`],
  ["a binary ack nobody waits for", `461-0[${PLACEHOLDER}]`, hex("aa")],
  ["a pong", "3"],
  ["a pong with data", "3probe"],
  ["many pongs", "3", "3", "3", "3", "3"],
  ["a noop", "6"],
  ["an upgrade without a probe", "5"],
  ["an open packet", '0{"sid":"x"}'],
];

/** The connection is closed, without a code. */
const CLOSED = [
  ["no type", "4"],
  ["type 7", "47"],
  ["type 8", '48["echo",1]'],
  ["type 9", "49"],
  ["a letter as type", '4x["echo"]'],
  ["an empty list", "42[]"],
  ["an object", "42{}"],
  ["a string", '42"echo"'],
  ["null", "42null"],
  ["an object as name", "42[{}]"],
  ["a list as name", '42[["echo"]]'],
  ["null as name", "42[null]"],
  ["true as name", "42[true]"],
  ["letters before the payload", '42abc["echo"]'],
  ["a negative ack id", '42-1["echo-ack"]'],
  ["JSON that does not end", '42["echo",1'],
  ["text behind the JSON", '42["echo",1]x'],
  ["two payloads", '42["echo"]["echo"]'],
  ["single quotes", "42['echo']"],
  ["a comma too much", '42["echo",]'],
  ["a raw control character", '42["echo","\n"]'],
  ["NaN", '42["echo",NaN]'],
  ["connect as name", '42["connect"]'],
  ["connect_error as name", '42["connect_error"]'],
  ["disconnect as name", '42["disconnect"]'],
  ["disconnecting as name", '42["disconnecting"]'],
  ["newListener as name", '42["newListener"]'],
  ["removeListener as name", '42["removeListener"]'],
  ["a reserved name, in disguise", '42["\\u0063onnect"]'],
  ["a reserved name with an attachment", `451-["connect",${PLACEHOLDER}]`, hex("aa")],
  ["DISCONNECT with an object", "41{}"],
  ["DISCONNECT with a list", "41[]"],
  ["DISCONNECT with a string", '41"x"'],
  ["an ack with an object", "431{}"],
  ["an ack with a string", '431"x"'],
  ["CONNECT_ERROR from a client", '44{"message":"x"}'],
  ["CONNECT_ERROR without payload", "44"],
  ["CONNECT again", "40"],
  ["CONNECT again, with auth", "40{}"],
  ["an event of a namespace not joined", '42/admin,["echo",1]'],
  ["an event of a namespace that does not exist", '42/nowhere,["echo",1]'],
  ["an ack of a namespace not joined", "43/admin,1[]"],
  ["DISCONNECT of a namespace not joined", "41/admin,"],
  ["CONNECT with a list", "40/admin,[]"],
  ["CONNECT with a string", '40/admin,"sesame"'],
  ["CONNECT with null", "40/admin,null"],
  ["CONNECT with a number", "40/admin,{},1"],
  ["CONNECT with broken JSON", '40/admin,{"token":'],
  ["eleven attachments", `4511-["echo",${PLACEHOLDER}]`],
  ["a thousand million attachments", `451000000000-["echo",${PLACEHOLDER}]`],
  ["no attachments", '450-["echo"]'],
  ["a binary event without a count", '45["echo"]'],
  ["a binary event with an empty count", '45-["echo"]'],
  ["a negative count", '45-1-["echo"]'],
  ["half an attachment", '451.5-["echo"]'],
  ["letters as count", '45x-["echo"]'],
  ["a count that does not end", "451"],
  ["nothing behind 5", "45"],
  ["a binary event that is no list", "451-{}"],
  ["a stray binary", hex("0102")],
  ["an empty stray binary", hex("")],
  ["text while an attachment is awaited", `451-["echo",${PLACEHOLDER}]`, '42["echo",1]'],
  ["an attachment too many", `451-["nobody listens",${PLACEHOLDER}]`, hex("aa"), hex("bb")],
  ["a placeholder out of range", `451-["echo",${holder(1)}]`, hex("aa")],
  ["a negative placeholder", `451-["echo",${holder(-1)}]`, hex("aa")],
  ["a placeholder that is a string", `451-["echo",${holder('"0"')}]`, hex("aa")],
  ["a placeholder that is null", `451-["echo",${holder("null")}]`, hex("aa")],
  ["a placeholder that is an object", `451-["echo",${holder("{}")}]`, hex("aa")],
  ["a placeholder named like a method", `451-["echo",${holder('"splice"')}]`, hex("aa")],
  ["a placeholder without a number", '451-["echo",{"_placeholder":true}]', hex("aa")],
  ["a placeholder deep down, out of range", `451-["echo",[{"a":${holder(3)}}]]`, hex("aa")],
  ["an empty text", ""],
  ["an unknown Engine.IO type", "7"],
  ["a letter as Engine.IO type", "hello"],
  ["a ping", "2"],
  ["a ping with data", "2probe"],
];

export default function wire(suite) {
  for (const [title, input, answer] of ANSWERED) {
    suite.case(`answered: ${title}`, async (c) => {
      const raw = await c.joined();
      raw.send(...input);
      for (const packet of answer) same(await raw.next(), packet);
      same(await raw.alive(), []);
    });
  }

  for (const [title, ...input] of IGNORED) {
    suite.case(`ignored: ${title}`, async (c) => {
      const raw = await c.joined();
      raw.send(...input);
      same(await raw.alive(), []);
    });
  }

  for (const [title, ...input] of CLOSED) {
    suite.case(`closes: ${title}`, async (c) => {
      const raw = await c.joined();
      raw.send(...input);
      const code = await raw.close();
      if (c.node) equal(code, 1005);
      same(raw.rest(), []);
    });
  }

  suite.case("ignored or closes: 1 of a websocket client", async (c) => {
    const raw = await c.joined();
    raw.send("1");
    if (c.node) return same(await raw.alive(), []);
    await raw.close(1500);
    return equal(await c.reasonOf(raw.id), "transport close");
  });

  suite.case("stays open: ten attachments under way, then they come", async (c) => {
    const raw = await c.joined();
    raw.send(`4510-["echo",${Array.from({ length: 10 }, (_, index) => holder(index)).join(",")}]`);
    const parts = Array.from({ length: 10 }, (_, index) => Buffer.from([index]));
    for (const part of parts) {
      raw.send(part);
      await pause(30);
      ok(raw.isOpen);
    }
    match(await raw.next(), /^4510-\["echo",/);
    for (const part of parts) same(await raw.next(), part);
    same(await raw.alive(), []);
  });

  suite.case("stays open: JSON of a depth of 5000", async (c) => {
    const raw = await c.joined();
    const deep = "[".repeat(5000) + "]".repeat(5000);
    raw.send(`42["nobody listens",${deep}]`);
    same(await raw.alive(), []);
    // Echoing it kills npm's server: writing JSON overflows the stack, in the handler.
    if (c.node) return;
    raw.send(`42["echo",${deep}]`);
    const before = await raw.alive();
    ok(before.length <= 1 && before.every((packet) => packet === `42["echo",${deep}]`));
  });

  suite.case("JSON of a depth of 400,000 harms nobody else", async (c) => {
    const [raw, other] = [await c.joined(), await c.joined()];
    raw.send(`42["nobody listens",${"[".repeat(400_000)}${"]".repeat(400_000)}]`);
    await Promise.race([raw.closed, raw.alive().catch(() => undefined)]);
    same(await other.alive(), []);
  });

  suite.case("stays open: a huge ack id", async (c) => {
    const raw = await c.joined();
    raw.send(`42${"9".repeat(30)}["echo-ack",1]`);
    const before = await raw.alive();
    if (c.node) same(before, ["431e+30[1]"]);
    else ok(before.length <= 1);
  });

  suite.case("two namespaces keep their packets apart", async (c) => {
    const raw = await c.joined();
    const name = ownNamespace();
    raw.send(`40${name}`);
    match(await raw.next(), new RegExp(`^40${name},\\{"sid":"[A-Za-z0-9_-]{20}"\\}$`));
    raw.send(`42${name},["echo",1]`, '42["echo",2]', `42${name},5["echo-ack",3]`);
    same([await raw.next(), await raw.next(), await raw.next()], [`42${name},["echo",1]`, '42["echo",2]', `43${name},5[3]`]);
    raw.send(`451-${name},["echo",${PLACEHOLDER}]`, hex("aa"));
    same([await raw.next(), await raw.next()], [`451-${name},["echo",${PLACEHOLDER}]`, hex("aa")]);
    raw.send(`41${name}`);
    same(await raw.alive(), []);
    raw.send(`42${name},["echo",1]`);
    await raw.close();
  });

  suite.case("the server's pings and CONNECT reply, byte for byte", async (c) => {
    const raw = await c.engine({ pong: false });
    raw.send("40");
    match(await raw.next(), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
    equal(await raw.next(), "2");
  });

  suite.case("the packets of a server that leaves", async (c) => {
    const raw = await c.joined();
    const name = ownNamespace();
    raw.send(`40${name}`);
    await raw.next();
    raw.send(`42${name},["kick"]`);
    equal(await raw.next(), `41${name},`);
    same(await raw.alive(), []);
    raw.send('42["kick-hard"]');
    equal(await raw.next(), "41");
    await raw.close();
  });

  suite.case("text that is no UTF-8 closes with 1007", async (c) => {
    const raw = await c.joined();
    // A masked text frame of two bytes, c3 28.
    raw.ws._socket.write(hex("818200000000c328"));
    equal(await raw.close(), 1007);
  });

  suite.case("a frame that claims far too much closes with 1009 at once", async (c) => {
    const raw = await c.joined();
    raw.ws._socket.write(hex("81ff0000010000000000000000000000"));
    equal(await raw.close(), 1009);
  });

  suite.case("a message of exactly the limit is fine, one byte more is 1009", async (c) => {
    const raw = await c.joined();
    const text = "x".repeat(1_000_000 - '42["echo",""]'.length);
    raw.send(`42["echo","${text}"]`);
    equal(await raw.next(), `42["echo","${text}"]`);
    raw.send(`42["echo","${text}x"]`);
    equal(await raw.close(), 1009);
  });
}
