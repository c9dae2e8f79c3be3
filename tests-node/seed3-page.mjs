// The page of "Socket.io with Express": served at `/`, with the stock client beside it, and nothing else.
//
// Run:   node tests-node/seed3-page.mjs URL      (packages: `cargo xtask setup`)
//
// Prints `ok seed3: what` or `not ok seed3: what: why`; exit code 0, 1 if something is wrong.

import { equal, match } from "node:assert/strict";
import { Steps } from "./lib/steps.mjs";

const [url] = process.argv.slice(2);
const steps = new Steps("seed3", 20_000);

await steps.step("the page is at /, and only there", async () => {
  const page = await fetch(`${url}/`);
  equal(page.status, 200);
  match(page.headers.get("content-type"), /^text\/html/);
  match(await page.text(), /socket\.io\.min\.js/);
  equal((await fetch(`${url}/index.html`)).status, 404);
  equal((await fetch(`${url}/`, { method: "POST" })).status, 404);
});

await steps.step("its client comes from the server", async () => {
  const script = await fetch(`${url}/socket.io/socket.io.min.js`);
  equal(script.status, 200);
  match(script.headers.get("content-type"), /javascript/);
});

await steps.step("a page of elsewhere may ask by GET and POST (CORS)", async () => {
  const asked = { Origin: "http://elsewhere.test", "Access-Control-Request-Method": "POST" };
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { method: "OPTIONS", headers: asked });
  equal(answer.status, 204);
  equal(answer.headers.get("access-control-allow-origin"), "*");
  equal(answer.headers.get("access-control-allow-methods"), "GET,POST");
});

steps.end();
