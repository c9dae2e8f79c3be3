// The chat example's page in a headless browser, for a Rust test.
//
// Run:   node tests-node/chat-page.mjs http://127.0.0.1:3000/ [scenario [kind]]
//        (packages and browser: `cargo xtask setup`; CHROMIUM names another browser)
//        SCREENSHOTS=<directory> keeps pictures: light, dark, narrow, and of a drain
//
// Scenarios: `chat` (the default) talks across tabs, `leave` closes tabs and watches the counts, `drain`
// drains the node and comes back; those of chat-kinds.mjs are about Socket.IO and plain WebSockets. Each wants a
// server that nobody else uses.
//
// Kinds: how the pages are to talk to the server, `socket.io` (the default) or `plain`.
//
// Prints one JSON object per line:
//   {"event":"step","name":"…"}          a step that held, in order
//   {"event":"done"}                     all held: exit code 0
//   {"event":"failed","step":"…","message":"…"}   the first that did not: exit code 1
// Exit code 2: called without an address, with an unknown scenario, or no browser.

import { fallback, ghost, mixed, recover, stock } from "./chat-kinds.mjs";
import { counts, joinRoom, members, message, none, nothingWentWrong, open, part, person, picture, plain, talks, toast, write } from "./chat-tabs.mjs";
import { launch } from "./lib/chromium.mjs";
import { report } from "./lib/lines.mjs";

const [url, scenario = "chat", kind = "socket.io"] = process.argv.slice(2);

// --- the scenarios: names that read as facts, and functions that throw unless they hold ---

const chat = [
  open("two tabs are two people of one chat", "Ada", "Bob"),
  [
    "both talk to the node in the way that is asked for",
    async ({ tabs, kind }) => {
      for (const page of tabs) await talks(page, kind === "plain" ? "websocket" : "socket.io");
    },
  ],
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
      await ada.locator('[data-mine="true"][data-delivery="delivered"]').filter({ hasText: "Hello <b>Bob</b> & all" }).waitFor();
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
      const apart = await person(state.context, "Dora", state.apart);
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
    "a name that somebody has is refused",
    async ({ tabs: [ada, bob] }) => {
      await bob.bringToFront();
      await part(bob, "my-name").fill("Ada");
      await part(bob, "my-name").press("Enter");
      await toast(bob).filter({ hasText: "NAME_TAKEN" }).waitFor();
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
      state.clean = await person(state.context, "Cleo", state.apart);
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
  // A browser notes each request that is refused meanwhile.
  nothingWentWrong(/WebSocket connection to .* failed|status of 503/),
];

const usage = "usage: chat-page.mjs URL [chat | leave | drain | recover | ghost | mixed | stock | fallback [socket.io | plain]]";
const steps = { chat, leave, drain, recover, ghost, mixed, stock, fallback }[scenario];
if (url === undefined || steps === undefined) {
  report("failed", { step: "start", message: usage });
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
  const inKind = kind === "plain" ? plain : (address) => address;
  const state = { browser, url, kind, address: inKind(url), apart: inKind(new URL("?namespace=apart", url).href) };
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
