// A foreign test suite for a Socket.IO server: npm's socket.io-client, old and new, and raw sockets.
//
// Run:   node tests-node/sio.mjs URL [group…] [--recovery=URL] [--msgpack=URL] [--node] [--only=TEXT] [--times]
//        node tests-node/sio.mjs reference [group…]        starts npm's servers and tests them
//        (packages: `cargo xtask setup`)
//
// The server answers the events of `reference-server.mjs`. `--recovery` names one with connection state
// recovery, `--msgpack` one that speaks with socket.io-msgpack-parser; without them those groups are left out.
// `--node`: the server is npm's, so that its known mistakes are what is expected. `--only`: cases whose name
// holds the text. `--times`: how long each case took.
//
// Prints `ok group: name` or `not ok group: name: why` for each case, at the end `done: n failed`. Exit code 0
// if all is well, 1 if a case failed, 2 if it could not begin. It always ends by itself.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Suite } from "./lib/suite.mjs";

/** The suite ends here, whatever happens. */
const LIMIT = 110_000;

// Asked for by name only, since npm's reference server has no such events.
const EXTRA = ["cluster"];

const GROUPS = [
  "events",
  "rooms",
  "namespaces",
  "disconnects",
  "engine",
  "polling",
  "probe",
  "wire",
  "connecting",
  "upgrade-traffic",
  "order",
  "old-clients",
  "msgpack",
  "recovery",
];

const options = {};
const words = [];
for (const word of process.argv.slice(2)) {
  const [, name, , value = true] = /^--([a-z]+)(=(.*))?$/.exec(word) ?? [];
  if (name === undefined) words.push(word);
  else options[name] = value;
}
const [url, ...wanted] = words;
const unknown = wanted.filter((group) => ![...GROUPS, ...EXTRA].includes(group));
if (url === undefined || unknown.length > 0) {
  console.log(`usage: sio.mjs URL|reference [group…]; groups: ${GROUPS.join(" ")}`);
  process.exit(2);
}

setTimeout(() => {
  console.log(`not ok suite: it ends by itself: not done after ${LIMIT} ms`);
  process.exit(1);
}, LIMIT);

let failed = 0;
let ran = 0;
process.on("unhandledRejection", (error) => {
  failed += 1;
  console.log(`not ok suite: nothing fails unnoticed: ${error?.message ?? error}`);
});

const urls = { main: url, recovery: options.recovery, msgpack: options.msgpack };
const node = url === "reference" || options.node === true;
if (url === "reference") {
  urls.main = await reference({});
  urls.recovery = await reference({ RECOVERY: "1" });
  urls.msgpack = await reference({ PARSER: "msgpack" });
}

for (const group of wanted.length > 0 ? wanted : GROUPS) {
  const at = urls[group] ?? (group in urls ? undefined : urls.main);
  if (at === undefined) {
    if (wanted.length > 0) {
      console.log(`not ok ${group}: it has a server: name one with --${group}=URL`);
      failed += 1;
    }
    continue;
  }
  const suite = new Suite(group, { url: at.replace(/\/+$/, ""), node, times: options.times === true });
  const { default: describe } = await import(`./sio/${group}.mjs`);
  describe(suite);
  failed += await suite.run(options.only);
  ran += suite.ran;
}

if (ran === 0 && failed === 0) {
  console.log("not ok suite: there are cases: none was chosen");
  process.exit(2);
}

console.log(`done: ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** Starts npm's server and returns its URL. It ends with this process. */
async function reference(environment) {
  const script = fileURLToPath(new URL("reference-server.mjs", import.meta.url));
  const server = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.on("exit", () => server.kill());
  const [line] = await once(server.stdout, "data");
  return `http://127.0.0.1:${/listening (\d+)/.exec(line)[1]}`;
}
