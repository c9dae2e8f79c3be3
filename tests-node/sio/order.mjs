// Twenty thousand numbered events of one client come back in order, none lost.

import { equal, ok } from "node:assert/strict";
import { pause } from "../lib/sio-tools.mjs";

const COUNT = 20_000;

/** Emits all numbers, `batch` of them per turn of the loop, and judges what comes back. */
async function ordered(c, transport, batch) {
  const client = await c.connect(transport);
  let wanted = 0;
  let wrong;
  let done;
  const complete = new Promise((resolve) => (done = resolve));
  client.on("echo", (number) => {
    if (number !== wanted) wrong ??= `${number} came instead of ${wanted}`;
    wanted += 1;
    if (wanted === COUNT) done();
  });
  client.on("disconnect", (reason) => {
    wrong ??= `disconnected after ${wanted} of ${COUNT}: ${reason}`;
    done();
  });
  for (let number = 0; number < COUNT; number += 1) {
    client.emit("echo", number);
    if ((number + 1) % batch === 0) await pause(0);
  }
  await c.within(complete, `${COUNT} answers (there are fewer)`, 20_000);
  ok(wrong === undefined, wrong);
  await c.settle(client);
  equal(wanted, COUNT);
}

const options = { limit: 25_000, alone: true };

export default function order(suite) {
  for (const transport of ["websocket", "polling"]) {
    suite.case(`20,000 events, a hundred at a time (${transport})`, (c) => ordered(c, transport, 100), options);
    suite.case(`20,000 events, all at once (${transport})`, (c) => ordered(c, transport, COUNT), options);
  }

  suite.case("events and acks keep their order among each other", async (c) => {
    const client = await c.connect("websocket");
    const log = [];
    client.on("echo", (number) => log.push(number));
    for (let number = 0; number < 2000; number += 2) {
      client.emit("echo", number);
      client.emit("echo-ack", number + 1, (answer) => log.push(answer));
      if (number % 200 === 0) await pause(0);
    }
    await c.settle(client);
    equal(log.length, 2000);
    ok(log.every((number, index) => number === index));
  });
}
