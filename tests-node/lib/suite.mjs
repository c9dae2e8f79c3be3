// Cases in groups: each case has a name, a time limit, and what it opened is closed behind it.
//
// A group is a file that exports `default (suite) => { suite.case(name, async (c) => {…}) }`. A case fails by
// throwing. Cases of a group run side by side, so each keeps to rooms, events or a namespace of its own.

import { Tools } from "./sio-tools.mjs";

/** How many cases run at once. */
const AT_ONCE = 12;

/** The three ways a client may travel. */
export const TRANSPORTS = ["websocket", "polling", "upgrade"];

export class Suite {
  constructor(group, settings) {
    this.group = group;
    this.settings = settings;
    this.cases = [];
    /** How many cases were begun. */
    this.ran = 0;
  }

  /** One case. `limit`: its milliseconds; `alone`: nothing of its group runs beside it. */
  case(name, run, { limit = 12_000, alone = false } = {}) {
    this.cases.push({ name, run, limit, alone });
  }

  /** The same case over each transport; `run` gets the transport as its second argument. */
  over(transports, name, run, options) {
    for (const transport of transports) {
      this.case(`${name} (${transport})`, (c) => run(c, transport), options);
    }
  }

  /** Runs all, prints a line for each, and returns how many failed. */
  async run(wanted) {
    const chosen = this.cases.filter(({ name }) => wanted === undefined || name.includes(wanted));
    const waiting = chosen.filter(({ alone }) => !alone);
    const worker = async () => {
      let failed = 0;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) failed += await this.#one(next);
      return failed;
    };
    let failed = sum(await Promise.all(Array.from({ length: AT_ONCE }, worker)));
    for (const each of chosen.filter(({ alone }) => alone)) failed += await this.#one(each);
    return failed;
  }

  async #one({ name, run, limit }) {
    this.ran += 1;
    const tools = new Tools(this.settings);
    const start = performance.now();
    let timer;
    try {
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done after ${limit} ms${tools.waiting()}`)), limit);
      });
      await Promise.race([run(tools), late]);
      const took = this.settings.times ? ` (${Math.round(performance.now() - start)} ms)` : "";
      console.log(`ok ${this.group}: ${name}${took}`);
      return 0;
    } catch (error) {
      console.log(`not ok ${this.group}: ${name}: ${oneLine(error)}`);
      return 1;
    } finally {
      clearTimeout(timer);
      tools.close();
    }
  }
}

function oneLine(error) {
  const text = String(error?.message ?? error);
  const detail = error?.code === "ERR_ASSERTION" && !error.generatedMessage ? shown(error) : "";
  return `${text}${detail}`.replaceAll(/\s*\n\s*/g, " | ").slice(0, 900);
}

function shown({ actual, expected }) {
  if (actual === undefined && expected === undefined) return "";
  return ` (got ${short(actual)}, wanted ${short(expected)})`;
}

function short(value) {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}… ${text.length}` : text;
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
