// One drain for people of both ways, for a Rust test.
//
// Run:   node tests-node/chat-drain.mjs http://127.0.0.1:3000/ [page | sigterm]
//
// Two people of Socket.IO and two of plain WebSockets, in two namespaces. With `page` one of them asks for the
// drain, at one close a second, and the node opens again; with `sigterm` the test ends the process, at the same
// pace. Wants a server that nobody else uses.
//
// Prints {"event":"ready"} when all are there, then as chat-page.mjs: "step" lines, and "done" or "failed".

import assert from "node:assert/strict";
import { get } from "node:http";
import WebSocket from "ws";
import { Person, PlainPerson } from "./chat-people.mjs";
import { report } from "./lib/lines.mjs";

const [url, how = "page"] = process.argv.slice(2);

const status = (address) => new Promise((resolve) => get(address, (response) => {
  response.resume();
  resolve([response.statusCode, response.headers["retry-after"]]);
}));
const polled = () => status(new URL("/socket.io/?EIO=4&transport=polling", url));
const upgraded = () => new Promise((resolve) => {
  const socket = new WebSocket(new URL("/namespace/team", url).href.replace("http", "ws"));
  socket.on("open", () => (socket.close(), resolve([101, undefined])));
  socket.on("unexpected-response", (_, response) => resolve([response.statusCode, response.headers["retry-after"]]));
  socket.on("error", () => {});
});

let step = "start";
const hold = async (name, run) => {
  step = name;
  await run();
  report("step", { name });
};

try {
  const ada = await Person.connect(url, "team", { name: "Ada" });
  const bob = await Person.connect(url, "other", { name: "Bob" });
  const cleo = await PlainPerson.connect(url, "team", { name: "Cleo" });
  const dora = await PlainPerson.connect(url, "other", { name: "Dora" });
  const all = [ada, bob, cleo, dora];
  report("ready");

  await hold("everybody is told, of whatever way and namespace", async () => {
    if (how === "page") {
      const answer = await ada.ask("drain", { perSecond: 1 });
      assert.deepEqual(answer, { type: "draining", perSecond: 1, left: 4, closed: 0, done: false });
    }
    for (const person of all) {
      const told = await person.hears("draining");
      assert.deepEqual([told.perSecond, told.left, told.closed], [1, 4, 0]);
    }
  });
  await hold("newcomers are refused from the first moment, whichever way they come", async () => {
    assert.deepEqual(await polled(), [503, "3"]);
    assert.deepEqual(await upgraded(), [503, "3"]);
  });
  await hold("plain WebSockets are closed with 1001, and Socket.IO without a disconnect packet", async () => {
    for (const { closed } of [cleo, dora]) assert.equal(await closed, "1001 DRAINING");
    for (const { ended } of [ada, bob]) assert.equal(await ended, "transport close");
  });
  await hold("one after the other, as those see it who are left", async () => {
    const seen = all.flatMap(({ events }) => events.filter(({ type }) => type === "draining"));
    for (const wanted of [[4, 0], [3, 1], [2, 2], [1, 3]]) {
      assert.ok(seen.some(({ left, closed }) => left === wanted[0] && closed === wanted[1]), `${wanted} of ${JSON.stringify(seen)}`);
    }
  });
  if (how === "page") {
    await hold("the node opens again, both ways", async () => {
      const late = performance.now() + 30_000;
      const opens = async (ask) => {
        while ((await ask())[0] === 503) {
          assert.ok(performance.now() < late, "it does not open");
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      };
      await opens(polled);
      await opens(upgraded);
      const back = await Person.connect(url, "team", { name: "Ada" });
      assert.equal((await back.ask("broadcast", { text: "back" })).queued, 1);
    });
  }
  report("done");
  process.exit(0);
} catch (error) {
  report("failed", { step, message: error.message });
  process.exit(1);
}
