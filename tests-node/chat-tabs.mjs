// The chat's page as a test sees it: its parts by the test ids that examples/chat/PROTOCOL.md lists, and what
// people do with them.

import { join } from "node:path";
import { openTab } from "./lib/chromium.mjs";

export const part = (page, id, filter = "") => page.locator(`[data-testid="${id}"]${filter}`);
export const message = (page, kind, text) =>
  part(page, "message", `[data-kind="${kind}"]`).filter({ has: page.locator(".text", { hasText: text }) });
export const toast = (page) => part(page, "toast");

/** The same address for a page that uses a plain WebSocket. */
export const plain = (address) => `${address}${address.includes("?") ? "&" : "?"}plain`;

/** Opens a tab that goes by `name`; ready when it is in the lobby. */
export async function person(context, name, address = context.address) {
  const page = await openTab(context, address);
  await page.bringToFront();
  await part(page, "conn-state", '[data-state="open"]').waitFor();
  await part(page, "my-name").fill(name);
  await part(page, "my-name").press("Enter");
  await part(page, "person", `[data-me="true"][data-name="${name}"]`).waitFor();
  await part(page, "room", '[data-room="lobby"][data-joined="true"]').waitFor();
  return page;
}

export async function write(page, text, button = "send") {
  await page.bringToFront(); // a hidden tab draws once a second, and a click waits for that
  await part(page, "message-text").fill(text);
  await part(page, button).click();
}

export async function joinRoom(page, room) {
  await page.bringToFront();
  await part(page, "room-name").fill(room);
  await part(page, "join").click();
  await part(page, "chat-title").filter({ hasText: `#${room}` }).waitFor();
}

export const members = (page, room, count) =>
  part(page, "room", `[data-room="${room}"][data-members="${count}"]`).waitFor({ state: "attached" });

/** Waits until the counter `name` shows exactly `value`. */
export const counts = (page, name, value) =>
  part(page, `count-${name}`, `[data-value="${value}"]`).waitFor({ state: "attached" });

/** Fails when `locator` finds anything. */
export async function none(locator, what) {
  if ((await locator.count()) > 0) throw new Error(`${what} is there`);
}

export async function picture(page, name) {
  const directory = process.env.SCREENSHOTS;
  if (directory) await page.screenshot({ path: join(directory, `${name}.png`) });
}

/** Waits until the page talks to the server in this way. */
export const talks = (page, how, transport = "websocket") =>
  part(page, "line-kind", `[data-kind="${how}"][data-transport="${transport}"]`).waitFor({ state: "attached" });

/** Waits for a quiet line such as "Connection lost". */
export const notice = (page, text) => part(page, "message", '[data-kind="notice"]').filter({ hasText: text }).first().waitFor();

/** Script and console errors of all tabs, but for those `expected`. */
export function nothingWentWrong(expected = /^$/) {
  return [
    "nothing went wrong in any tab",
    async ({ tabs }) => {
      const problems = tabs.flatMap((page) => page.problems).filter((text) => !expected.test(text));
      if (problems.length > 0) throw new Error(problems.join("; "));
    },
  ];
}

/** A step that opens a browser profile, and a tab for each name. */
export const open = (name, ...names) => [
  name,
  async (state) => {
    state.context = await state.browser.newContext({ viewport: { width: 1280, height: 800 } });
    state.context.address = state.address;
    state.tabs = [];
    for (const who of names) state.tabs.push(await person(state.context, who));
  },
];
