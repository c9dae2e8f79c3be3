// A short script of steps: each prints a line, the first that fails ends it, and it ends by itself.

const PATIENCE = 5000;

export class Steps {
  constructor(name, limit) {
    this.name = name;
    this.print = console.log;
    setTimeout(() => this.#fail("it ends by itself", new Error(`not done after ${limit} ms`)), limit).unref();
  }

  async step(what, run) {
    try {
      await run();
      this.print(`ok ${this.name}: ${what}`);
    } catch (error) {
      this.#fail(what, error);
    }
  }

  #fail(what, error, code = 1) {
    this.print(`not ok ${this.name}: ${what}: ${String(error.message).replaceAll(/\s*\n\s*/g, " | ")}`);
    process.exit(code);
  }

  end() {
    this.print("done: 0 failed");
    process.exit(0);
  }

  /** A connected client; without a server the script ends with code 2. */
  async connect(io, url, options) {
    const client = io(url, { forceNew: true, reconnection: false, timeout: PATIENCE, ...options });
    await new Promise((resolve) => {
      client.once("connect", resolve);
      client.once("connect_error", (error) => this.#fail("connects", error, 2));
    });
    return client;
  }

  within(promise, what) {
    return within(promise, what);
  }
}

async function within(promise, what, ms = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until `test()` holds; it may be async. */
export async function eventually(test, what, ms = PATIENCE) {
  const end = performance.now() + ms;
  while (!(await test())) {
    if (performance.now() > end) throw new Error(`no ${typeof what === "function" ? what() : what} within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
