// Scenarios of chat-page.mjs about the ways in which a page talks to the server.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { wire } from "./chat-proxy.mjs";
import {
  joinRoom, members, message, none, notice, nothingWentWrong, open, part, person, picture, plain, talks, toast, write,
} from "./chat-tabs.mjs";

const bundle = createRequire(import.meta.url).resolve("socket.io-client/dist/socket.io.js");

export const stock = [
  open("a tab is connected", "Ada"),
  [
    "the page runs the bundle of the npm package, byte for byte",
    async ({ tabs: [ada] }) => {
      const [scripts, text, defined] = await ada.evaluate(async () => {
        const scripts = [...document.scripts].map(({ src }) => new URL(src).pathname);
        const text = await (await fetch("/socket.io/socket.io.js")).text();
        return [scripts, text, typeof globalThis.io?.Manager];
      });
      if (!scripts.includes("/socket.io/socket.io.js")) throw new Error(`the page runs ${scripts}`);
      if (text !== await readFile(bundle, "utf8")) throw new Error("not the bundle of the package");
      if (defined !== "function") throw new Error("it does not define `io`");
    },
  ],
  [
    "what it says travels in Socket.IO packets, and nothing else does",
    async (state) => {
      const sent = [];
      state.context.on("page", (page) => page.on("websocket", (socket) => {
        if (!socket.url().includes("/socket.io/?EIO=4&transport=websocket")) sent.push(`opened ${socket.url()}`);
        socket.on("framesent", ({ payload }) => sent.push(String(payload)));
      }));
      const bob = await person(state.context, "Bob");
      state.tabs.push(bob);
      await talks(bob, "socket.io");
      await write(bob, "over the wire");
      await bob.locator('[data-mine="true"][data-delivery="delivered"]').waitFor();
      const opened = sent.find((text) => text.startsWith("opened"));
      if (opened) throw new Error(opened);
      const said = sent.find((text) => /^42\/chat,\d+\["say",{"room":"lobby","text":"over the wire"}\]$/.test(text));
      if (!said) throw new Error(`not among ${sent.join(" ")}`);
    },
  ],
  nothingWentWrong(),
];

export const mixed = [
  open("Ada uses Socket.IO", "Ada"),
  [
    "Bob uses a plain WebSocket",
    async (state) => {
      const [ada] = state.tabs;
      const bob = await person(state.context, "Bob", plain(state.url));
      state.tabs.push(bob);
      await talks(ada, "socket.io");
      await talks(bob, "websocket");
    },
  ],
  [
    "each sees the other",
    async ({ tabs: [ada, bob] }) => {
      await part(ada, "person", '[data-name="Bob"][data-me="false"]').waitFor();
      await part(bob, "person", '[data-name="Ada"][data-me="false"]').waitFor();
      await members(ada, "lobby", 2);
      await members(bob, "lobby", 2);
    },
  ],
  [
    "they talk in a room",
    async ({ tabs: [ada, bob] }) => {
      await joinRoom(ada, "tea");
      await joinRoom(bob, "tea");
      await members(ada, "tea", 2);
      await write(ada, "from Socket.IO");
      await message(bob, "room", "from Socket.IO").waitFor();
      await write(bob, "from a plain WebSocket");
      await message(ada, "room", "from a plain WebSocket").waitFor();
      for (const page of [ada, bob]) await page.locator('[data-mine="true"][data-delivery="delivered"]').first().waitFor();
      await picture(ada, "mixed");
    },
  ],
  [
    "they talk in private, both ways",
    async ({ tabs: [ada, bob] }) => {
      for (const [from, to, name] of [[ada, bob, "Bob"], [bob, ada, "Ada"]]) {
        await from.bringToFront();
        await part(from, "person", `[data-name="${name}"]`).locator("button").first().click();
        await write(from, `for ${name} alone`, "private");
        await message(to, "private", `for ${name} alone`).first().waitFor();
      }
    },
  ],
  [
    "somebody of a name that is there is given another one, in either way",
    async (state) => {
      const like = async (address, name) => {
        const page = await state.context.newPage();
        state.tabs.push(page);
        page.problems = [];
        page.setDefaultTimeout(10_000);
        await page.addInitScript(() => sessionStorage.setItem("name", "Ada"));
        await page.goto(address);
        await part(page, "person", `[data-me="true"][data-name="${name}"]`).waitFor();
      };
      await like(state.address, "Ada 2");
      await toast(state.tabs.at(-1)).filter({ hasText: "“Ada” is taken here" }).waitFor();
      await like(plain(state.url), "Ada 3");
    },
  ],
  nothingWentWrong(),
];

/** Ada's line to the server goes through a wire; Bob's does not. */
const wired = [
  "Ada and Bob talk",
  async (state) => {
    state.wire = await wire(state.url);
    const ada = await person(state.context, "Ada", state.wire.url);
    const bob = await person(state.context, "Bob");
    state.tabs.push(ada, bob);
    await talks(ada, "socket.io");
    await joinRoom(ada, "tea");
    await joinRoom(bob, "tea");
    await members(bob, "tea", 2);
  },
];

const lost = (how) => [
  "Ada's line is lost, and Bob goes on",
  async ({ tabs: [ada, bob], wire }) => {
    await ada.bringToFront();
    wire[how]();
    await part(ada, "banner", '[data-kind="waiting"]').waitFor();
    await notice(ada, "Connection lost");
    await picture(ada, "lost");
    if (how === "cut") await part(bob, "person", '[data-name="Ada"]').waitFor({ state: "detached" });
    await write(bob, "what Ada missed");
    await message(bob, "room", "what Ada missed").waitFor();
  },
];

// A browser notes each request that fails meanwhile.
const withoutLine = nothingWentWrong(/WebSocket connection to .* failed|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_NETWORK/);

export const recover = [
  open("a browser"),
  wired,
  lost("cut"),
  [
    "she comes back, has missed nothing, and is told so",
    async ({ tabs: [ada, bob], wire }) => {
      wire.mend();
      await ada.bringToFront();
      await part(ada, "conn-state", '[data-state="open"]').waitFor({ timeout: 60_000 });
      await notice(ada, "Connected again, nothing was missed");
      await message(ada, "room", "what Ada missed").waitFor();
      await part(bob, "person", '[data-name="Ada"]').waitFor();
      await members(bob, "tea", 2);
      await members(ada, "tea", 2);
      await picture(ada, "recovered");
      wire.close();
    },
  ],
  withoutLine,
];

export const ghost = [
  open("a browser"),
  wired,
  lost("pull"),
  [
    "she comes back before the server knows that she was gone, and takes over her name",
    async ({ tabs: [ada, bob], wire }) => {
      wire.mend();
      await ada.bringToFront();
      await part(ada, "conn-state", '[data-state="open"]').waitFor({ timeout: 60_000 });
      await part(ada, "person", '[data-me="true"][data-name="Ada"]').waitFor();
      await members(bob, "tea", 2);
      await none(part(bob, "person", '[data-name="Ada 2"]'), "a second Ada");
      await write(bob, "there you are");
      await message(ada, "room", "there you are").waitFor();
      wire.close();
    },
  ],
  withoutLine,
];

export const fallback = [
  open("without a client to load, a tab is connected all the same", "Ada", "Bob"),
  [
    "over a plain WebSocket",
    async ({ tabs: [ada, bob] }) => {
      for (const page of [ada, bob]) {
        await talks(page, "websocket");
        if (await page.evaluate(() => "io" in globalThis)) throw new Error("there is a client");
      }
    },
  ],
  [
    "they talk",
    async ({ tabs: [ada, bob] }) => {
      await write(ada, "plain and simple");
      await message(bob, "room", "plain and simple").waitFor();
      await ada.locator('[data-mine="true"][data-delivery="delivered"]').first().waitFor();
    },
  ],
  nothingWentWrong(/status of 404/),
];
