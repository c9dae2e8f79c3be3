// The page of the example `axum`, in a headless browser.
//
// Run:   node tests-node/axum-page.mjs http://127.0.0.1:8080
//        (packages and browser: `cargo xtask setup`; CHROMIUM names another browser)
//
// Prints one JSON object per line, as chat-page.mjs does; the same exit codes.

import { launch, openTab, shows } from "./lib/chromium.mjs";
import { report } from "./lib/lines.mjs";

const [url] = process.argv.slice(2);

let browser;
try {
  browser = await launch();
} catch (error) {
  report("failed", { step: "browser", message: error.message });
  process.exit(2);
}

let now = "start";
async function step(name, run) {
  now = name;
  await run();
  report("step", { name });
}

const submit = async (page, form, fields) => {
  for (const [name, value] of Object.entries(fields)) await page.fill(`#${form} [name=${name}]`, value);
  await page.click(`#${form} button`);
};
const log = (page) => page.locator("#log li").allInnerTexts();

try {
  const context = await browser.newContext();
  const [ann, bob] = [await openTab(context, url), await openTab(context, url)];

  await step("two people enter", async () => {
    await submit(ann, "enter", { user: "ann" });
    await shows(ann, "connected as ann");
    await submit(bob, "enter", { user: "bob" });
    await shows(ann, "bob is here");
  });

  await step("a message is seen by both, as text", async () => {
    await submit(bob, "say", { text: "<b>hello</b>" });
    for (const page of [ann, bob]) await shows(page, "bob: <b>hello</b>");
  });

  await step("a notification is seen by its user alone", async () => {
    await submit(ann, "notify", { user: "bob", text: "Lunch!" });
    await shows(ann, "reached 1 of bob's sockets");
    await shows(bob, "for you alone: Lunch!");
    await submit(bob, "say", { text: "coming" });
    await shows(ann, "bob: coming");
    const seen = await log(ann);
    if (seen.some((line) => line.includes("Lunch"))) throw new Error(`ann sees ${JSON.stringify(seen)}`);
  });

  await step("nothing has failed on the pages", () => {
    const problems = [...ann.problems, ...bob.problems];
    if (problems.length > 0) throw new Error(problems.join("; "));
  });
  report("done");
} catch (error) {
  report("failed", { step: now, message: error.message });
  process.exitCode = 1;
} finally {
  await browser.close();
}
