// The chat example's page in a headless browser, for a Rust test.
//
// Run:   node tests-node/chat-page.mjs http://127.0.0.1:3000/
//        (packages and browser: `cargo xtask setup`; CHROMIUM names another browser)
//
// Prints one JSON object per line:
//   {"event":"step","name":"…"}          a step that held, in order
//   {"event":"done"}                     all held: exit code 0
//   {"event":"failed","step":"…","message":"…"}   the first that did not: exit code 1
// Exit code 2: called without an address, or no browser.

import { launch, openTab } from "./lib/chromium.mjs";
import { report } from "./lib/lines.mjs";

const [url] = process.argv.slice(2);
if (url === undefined) {
  report("failed", { step: "start", message: "usage: chat-page.mjs URL" });
  process.exit(2);
}

/**
 * The steps, in order: a name that reads as a fact, and a function that throws unless it holds. Each
 * gets the open browser and what earlier steps left in `state`. One context is one person's browser;
 * two tabs of it share storage.
 */
const steps = [
  [
    "the page opens",
    async (browser, state) => {
      state.context = await browser.newContext();
      state.first = await openTab(state.context, url);
      if ((await state.first.title()) === "") throw new Error("the page has no title");
    },
  ],
  [
    "nothing went wrong in any tab",
    async (_browser, state) => {
      const problems = state.context.pages().flatMap((page) => page.problems);
      if (problems.length > 0) throw new Error(problems.join("; "));
    },
  ],
];

let browser;
try {
  browser = await launch();
} catch (error) {
  report("failed", { step: "browser", message: error.message });
  process.exit(2);
}

let step = "start";
try {
  const state = {};
  for (const [name, run] of steps) {
    step = name;
    await run(browser, state);
    report("step", { name });
  }
  report("done");
} catch (error) {
  report("failed", { step, message: error.message });
  process.exitCode = 1;
} finally {
  await browser.close();
}
