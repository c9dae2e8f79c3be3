// The chat example's page in a headless browser, for a Rust test.
//
// Run:   node tests-node/chat-page.mjs http://127.0.0.1:3000/ [chat | leave | drain]
//        (packages and browser: `cargo xtask setup`; CHROMIUM names another browser)
//        SCREENSHOTS=<directory> keeps pictures: light, dark, narrow, and of a drain
//
// Scenarios: `chat` (the default) talks across tabs, `leave` closes tabs and watches the counts, `drain`
// drains the node and comes back. Each wants a server that nobody else uses.
//
// Prints one JSON object per line:
//   {"event":"step","name":"…"}          a step that held, in order
//   {"event":"done"}                     all held: exit code 0
//   {"event":"failed","step":"…","message":"…"}   the first that did not: exit code 1
// Exit code 2: called without an address, with an unknown scenario, or no browser.

import { join } from "node:path";
import { launch, openTab } from "./lib/chromium.mjs";
import { report } from "./lib/lines.mjs";

const [url, scenario = "chat"] = process.argv.slice(2);

// --- the page, by the test ids that PROTOCOL.md lists ---

const part = (page, id, filter = "") => page.locator(`[data-testid="${id}"]${filter}`);
const message = (page, kind, text) =>
  part(page, "message", `[data-kind="${kind}"]`).filter({ has: page.locator(".text", { hasText: text }) });
const toast = (page) => part(page, "toast");

/** Opens a tab that goes by `name`; ready when it is in the lobby. */
async function person(context, name, address = url) {
  const page = await openTab(context, address);
  await page.bringToFront();
  await part(page, "conn-state", '[data-state="open"]').waitFor();
  await part(page, "my-name").fill(name);
  await part(page, "my-name").press("Enter");
  await part(page, "person", `[data-me="true"][data-name="${name}"]`).waitFor();
  await part(page, "room", '[data-room="lobby"][data-joined="true"]').waitFor();
  return page;
}

async function write(page, text, button = "send") {
  await page.bringToFront(); // a hidden tab draws once a second, and a click waits for that
  await part(page, "message-text").fill(text);
  await part(page, button).click();
}

async function joinRoom(page, room) {
  await page.bringToFront();
  await part(page, "room-name").fill(room);
  await part(page, "join").click();
  await part(page, "chat-title").filter({ hasText: `#${room}` }).waitFor();
}

const members = (page, room, count) =>
  part(page, "room", `[data-room="${room}"][data-members="${count}"]`).waitFor({ state: "attached" });

/** Waits until the counter `name` shows exactly `value`. */
const counts = (page, name, value) =>
  part(page, `count-${name}`, `[data-value="${value}"]`).waitFor({ state: "attached" });

/** Fails when `locator` finds anything. */
async function none(locator, what) {
  if ((await locator.count()) > 0) throw new Error(`${what} is there`);
}

async function picture(page, name) {
  const directory = process.env.SCREENSHOTS;
  if (directory) await page.screenshot({ path: join(directory, `${name}.png`) });
}

/** Script and console errors of all tabs, but for those `expected`. */
function nothingWentWrong(expected = /^$/) {
  return [
    "nothing went wrong in any tab",
    async ({ tabs }) => {
      const problems = tabs.flatMap((page) => page.problems).filter((text) => !expected.test(text));
      if (problems.length > 0) throw new Error(problems.join("; "));
    },
  ];
}

const open = (name, ...names) => [
  name,
  async (state) => {
    state.context = await state.browser.newContext({ viewport: { width: 1280, height: 800 } });
    state.tabs = [];
    for (const who of names) state.tabs.push(await person(state.context, who));
  },
];

// --- the scenarios: names that read as facts, and functions that throw unless they hold ---

const chat = [
  open("two tabs are two people of one chat", "Ada", "Bob"),
  [
    "each sees the other in the list of people",
    async ({ tabs: [ada, bob] }) => {
      await part(ada, "person", '[data-name="Bob"][data-me="false"]').waitFor();
      await part(bob, "person", '[data-name="Ada"][data-me="false"]').waitFor();
      await part(ada, "here").filter({ hasText: /^2$/ }).waitFor();
      await members(ada, "lobby", 2);
    },
  ],
  [
    "what one says in a room the other reads, as it is",
    async ({ tabs: [ada, bob] }) => {
      await write(ada, "Hello <b>Bob</b> & all");
      await message(bob, "room", "Hello <b>Bob</b> & all").waitFor();
      await message(ada, "room", "Hello <b>Bob</b> & all").waitFor();
      await part(ada, "hint").filter({ hasText: "Queued to 2 connections" }).waitFor();
      await write(bob, "Hello Ada");
      await message(ada, "room", "Hello Ada").waitFor();
    },
  ],
  [
    "a private message reaches one",
    async (state) => {
      const [ada, bob] = state.tabs;
      const cleo = await person(state.context, "Cleo");
      state.tabs.push(cleo);
      await ada.bringToFront();
      await part(ada, "person", '[data-name="Bob"]').locator("button").first().click();
      await write(ada, "only for Bob", "private");
      await message(bob, "private", "only for Bob").waitFor();
      await part(bob, "thread").waitFor();
      // Messages of one sender arrive in order: had Cleo got the first, it would be there.
      await part(ada, "room", '[data-room="lobby"]').locator(".open").click();
      await write(ada, "for everybody");
      await message(cleo, "room", "for everybody").waitFor();
      await none(message(cleo, "private", "only for Bob"), "the private message");
    },
  ],
  [
    "a room of their own is shown to all and joined by two",
    async ({ tabs: [ada, bob, cleo] }) => {
      await joinRoom(ada, "tea");
      await joinRoom(bob, "tea");
      await members(ada, "tea", 2);
      await members(cleo, "tea", 2);
      await write(ada, "Milk first?");
      await message(bob, "room", "Milk first?").waitFor();
      await part(cleo, "room", '[data-room="tea"][data-joined="false"]').waitFor();
      await picture(bob, "light");
    },
  ],
  [
    "a broadcast reaches everybody of the namespace, and no other namespace",
    async (state) => {
      const [ada, bob, cleo] = state.tabs;
      const apart = await person(state.context, "Dora", new URL("?namespace=apart", url).href);
      state.tabs.push(apart);
      await write(ada, "Fire drill at noon", "broadcast");
      for (const page of [ada, bob, cleo]) await message(page, "broadcast", "Fire drill at noon").waitFor();
      await part(ada, "hint").filter({ hasText: "Queued to 3 connections" }).waitFor();
      await write(apart, "alone", "broadcast");
      await message(apart, "broadcast", "alone").waitFor();
      await none(message(apart, "broadcast", "Fire drill"), "the broadcast of another namespace");
    },
  ],
  [
    "a new name is seen by the others",
    async ({ tabs: [ada, bob] }) => {
      await part(bob, "my-name").fill("Robert");
      await part(bob, "my-name").press("Enter");
      await part(ada, "person", '[data-name="Robert"]').waitFor();
    },
  ],
  [
    "the counters are those of the node",
    async ({ tabs: [ada] }) => {
      await counts(ada, "connections", 4);
      await counts(ada, "namespaces", 2);
      await counts(ada, "rooms", 3);
      await counts(ada, "dropped", 0);
    },
  ],
  [
    "a refusal is shown with its code",
    async ({ tabs: [ada] }) => {
      await ada.bringToFront();
      await part(ada, "per-second").evaluate((field) => {
        field.removeAttribute("max");
        field.value = "20000";
      });
      await part(ada, "drain").click();
      await toast(ada).filter({ hasText: "BAD_MESSAGE" }).waitFor();
    },
  ],
  [
    "the page holds its shape in the dark and on a phone",
    async ({ tabs: [ada] }) => {
      await toast(ada).filter({ hasText: "BAD_MESSAGE" }).waitFor();
      await ada.emulateMedia({ colorScheme: "dark" });
      await picture(ada, "dark");
      await ada.setViewportSize({ width: 390, height: 780 });
      await picture(ada, "narrow");
      const wider = await ada.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) throw new Error(`the page is ${wider} px wider than the screen`);
    },
  ],
  nothingWentWrong(),
];

const leave = [
  open("two tabs of two namespaces and rooms", "Ada"),
  [
    "a tab in another namespace is counted",
    async (state) => {
      const [ada] = state.tabs;
      state.clean = await person(state.context, "Cleo", new URL("?namespace=apart", url).href);
      state.tabs.push(state.clean);
      await joinRoom(state.clean, "tea");
      await counts(ada, "connections", 2);
      await counts(ada, "namespaces", 2);
      await counts(ada, "rooms", 3);
    },
  ],
  [
    "a tab that is closed leaves neither connection nor namespace nor room",
    async ({ tabs: [ada], clean }) => {
      await clean.close();
      await counts(ada, "connections", 1);
      await counts(ada, "namespaces", 1);
      await counts(ada, "rooms", 1);
    },
  ],
  [
    "a tab that crashes is missed by the others",
    async (state) => {
      const [ada] = state.tabs;
      const crashed = await person(state.context, "Bob");
      await joinRoom(crashed, "tea");
      await members(ada, "lobby", 2);
      await counts(ada, "rooms", 2);
      await crashed.goto("chrome://crash").catch(() => {});
      await part(ada, "person", '[data-name="Bob"]').waitFor({ state: "detached" });
      await members(ada, "lobby", 1);
      await counts(ada, "connections", 1);
      await counts(ada, "rooms", 1);
    },
  ],
  nothingWentWrong(),
];

const drain = [
  open("two tabs are connected", "Ada", "Bob"),
  [
    "a drain is shown to every tab",
    async ({ tabs: [ada, bob] }) => {
      await ada.bringToFront();
      await part(ada, "per-second").fill("1");
      await part(ada, "drain").click();
      const banner = (page) => part(page, "banner", '[data-kind="drain"]').waitFor();
      await Promise.all([banner(ada), banner(bob)]);
      await picture(ada, "drain");
    },
  ],
  [
    "each tab loses its connection and says that it comes back",
    async ({ tabs }) => {
      const waiting = (page) => part(page, "banner", '[data-kind="waiting"]').waitFor();
      await Promise.all(tabs.map(waiting));
      await picture(tabs[0], "waiting");
    },
  ],
  [
    "the tabs come back by themselves, with their names and rooms",
    async ({ tabs: [ada, bob] }) => {
      for (const page of [ada, bob]) {
        await part(page, "conn-state", '[data-state="open"]').waitFor({ timeout: 60_000 });
        await part(page, "banner").waitFor({ state: "hidden" });
      }
      await part(ada, "person", '[data-name="Bob"][data-me="false"]').waitFor();
      await members(ada, "lobby", 2);
    },
  ],
  [
    "they chat as before",
    async ({ tabs: [ada, bob] }) => {
      await write(ada, "still here?");
      await message(bob, "room", "still here?").waitFor();
    },
  ],
  // A browser notes each handshake that is refused meanwhile.
  nothingWentWrong(/WebSocket connection to .* failed/),
];

const steps = { chat, leave, drain }[scenario];
if (url === undefined || steps === undefined) {
  report("failed", { step: "start", message: "usage: chat-page.mjs URL [chat | leave | drain]" });
  process.exit(2);
}

let browser;
try {
  browser = await launch();
} catch (error) {
  report("failed", { step: "browser", message: error.message });
  process.exit(2);
}

let step = "start";
try {
  const state = { browser };
  for (const [name, run] of steps) {
    step = name;
    await run(state);
    report("step", { name });
  }
  report("done");
} catch (error) {
  report("failed", { step, message: error.message });
  process.exitCode = 1;
} finally {
  await browser.close();
}
