// The browser snippet of the README of @soketi/connections, unchanged, in a headless browser.
//
// Run:   node tests-node/readme-snippet.mjs 127.0.0.1:3000
//        (packages and browser: `cargo xtask setup`; CHROMIUM names another browser)
//
// The snippet names ws://localhost:8080. The browser is told that this is the given address, so the
// server may listen on any port. The page comes from an origin of its own on loopback: browsers let no
// page from elsewhere reach localhost unasked.
//
// Prints one JSON object per line, as chat-page.mjs does; the same exit codes.

import { once } from "node:events";
import { createServer } from "node:http";
import { launch, openTab } from "./lib/chromium.mjs";
import { report } from "./lib/lines.mjs";

const [address] = process.argv.slice(2);
if (address === undefined) {
  report("failed", { step: "start", message: "usage: readme-snippet.mjs HOST:PORT" });
  process.exit(2);
}

// Between the rules: the snippet's own lines. What follows them is a plain WebSocket's API.
const snippet = `
  // ---------------------------------------------------
  const ws = new WebSocket('ws://localhost:8080');

  ws.addEventListener('open', () => {
  // ---------------------------------------------------
    log.push('open');
    ws.send('Hello from a page!');
  });
  ws.addEventListener('message', (message) => {
    log.push(message.data);
    if (log.length === 3) ws.close(1000, 'bye');
  });
  ws.addEventListener('close', ({ code, reason, wasClean }) => done([...log, code, reason, wasClean]));
  ws.addEventListener('error', () => log.push('error'));
`;

let browser;
try {
  browser = await launch([`MAP localhost:8080 ${address}`]);
} catch (error) {
  report("failed", { step: "browser", message: error.message });
  process.exit(2);
}

const server = createServer((_request, response) => {
  response.setHeader("content-type", "text/html");
  response.end('<link rel="icon" href="data:,"><title>A page</title>');
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const step = "the snippet opens, is greeted, is heard, and closes";
try {
  const context = await browser.newContext();
  const page = await openTab(context, `http://127.0.0.1:${server.address().port}/`);
  const run = new Function("log", "done", snippet).toString();
  const log = await page.evaluate(`new Promise((done) => (${run})([], done))`);
  const wanted = ["open", "Hello world!", "Hello from a page!", 1000, "bye", true];
  if (JSON.stringify(log) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(log)} ${page.problems}`);
  if (page.problems.length > 0) throw new Error(page.problems.join("; "));
  report("step", { name: step });
  report("done");
} catch (error) {
  report("failed", { step, message: error.message });
  process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
}
