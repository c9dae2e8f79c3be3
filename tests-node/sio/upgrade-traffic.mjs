// Both sides talk without a break while the transport changes below them: nothing is lost, doubled or moved.

import { equal, ok } from "node:assert/strict";
import { ownNamespace, pause, same } from "../lib/sio-tools.mjs";

const MESSAGES = 200;
/** So many are sent only when the upgrade is over. */
const AFTER = 40;

const numbers = (log) => log.map(([number]) => number);
const all = Array.from({ length: MESSAGES }, (_, index) => index);

/** Calls `send` with 0 to 199, a few milliseconds apart; the last only when `isDone()`. */
async function stream(send, isDone) {
  for (let number = 0; number < MESSAGES; number += 1) {
    while (number >= MESSAGES - AFTER && !isDone()) await pause(5);
    send(number);
    if (number % 3 !== 0) await pause(2);
  }
}

/** A client that is connected but has not upgraded yet. On a busy machine the upgrade may win; then another one tries. */
async function stillPolling(c, namespace) {
  for (let tries = 0; tries < 20; tries += 1) {
    const client = c.client("upgrade", namespace);
    await c.connected(client);
    if (client.io.engine.transport.name === "polling") return client;
    client.disconnect();
  }
  throw new Error("the upgrade was always faster than CONNECT");
}

export default function upgradeTraffic(suite) {
  for (let round = 1; round <= 10; round += 1) {
    // Every other round carries attachments, which must stay behind their text.
    const binary = round % 2 === 0;
    suite.case(`200 each way, round ${round}${binary ? ", with attachments" : ""}`, async (c) => {
      const namespace = ownNamespace();
      const sender = await c.connect("websocket", namespace);
      const client = await stillPolling(c, namespace);
      const { engine } = client.io;

      const echoes = c.collect(client, "echo");
      const letters = c.collect(client, "letter");
      let upgradedAt;
      engine.once("upgrade", () => (upgradedAt = { echoes: echoes.length, letters: letters.length }));
      const isDone = () => upgradedAt !== undefined;
      const payload = (number) => (binary ? [number, Buffer.from([number])] : [number, `n${number}`]);
      await Promise.all([
        stream((number) => client.emit("echo", ...payload(number)), isDone),
        stream((number) => sender.emit("to-room", client.id, "letter", ...payload(number)), isDone),
      ]);
      await c.settle(sender, client);

      equal(engine.transport.name, "websocket");
      same(numbers(echoes), all);
      same(numbers(letters), all);
      for (const [number, second] of [...echoes, ...letters]) same(second, payload(number)[1]);
      for (const count of Object.values(upgradedAt)) ok(count < MESSAGES, `all ${count} had come before the upgrade`);
    }, { limit: 20_000 });
  }
}
