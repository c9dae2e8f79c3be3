// The line protocol between a Rust test and a script: one JSON object per line, commands in on
// stdin, events out on stdout. When stdin ends, the test is gone, and the script ends too.

import { createInterface } from "node:readline";

/** Writes one event. */
export function report(event, fields = {}) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + "\n");
}

/**
 * Calls `handle` with each command, one after the other, and `end` when there are no more.
 * A command that fails is reported as `{"event":"failed"}` and does not end the script.
 */
export async function serve(handle, end) {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    try {
      await handle(JSON.parse(line));
    } catch (error) {
      report("failed", { message: String(error?.message ?? error), line });
    }
  }
  await end();
}
