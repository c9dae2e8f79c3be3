// A headless browser for tests: found on this machine, started with an empty profile, kept on
// loopback.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** The browser's path: `CHROMIUM` from the environment, or what is installed. */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const directories = (process.env.PATH ?? "").split(delimiter);
  const candidates = NAMES.flatMap((name) => directories.map((dir) => join(dir, name)));
  const found = [...candidates, MAC].find(isExecutable);
  if (found === undefined) throw new Error("no Chromium: run `cargo xtask setup` or set CHROMIUM");
  return found;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts the browser. The profile is a fresh directory that goes with it. `hosts` are further host rules,
 * such as "MAP localhost:8080 127.0.0.1:3000".
 */
export function launch(hosts = []) {
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
      // Nothing but this machine can be reached, whatever a page or the browser asks for.
      `--host-resolver-rules=${[...hosts, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", ...(hosts.length > 0 ? [] : ["EXCLUDE localhost"])].join(", ")}`,
    ],
  });
}

/**
 * Opens `url` in a tab of `context` (one context is one browser profile: cookies and storage) and
 * collects what goes wrong in it: `page.problems` lists script errors and console errors.
 */
export async function openTab(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(`console: ${message.text()}`);
  });
  await page.goto(url, { waitUntil: "load" });
  return page;
}

/** Waits until the page shows `text`. */
export async function shows(page, text) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), text);
}
