// One WebSocket that comes back.
//
// After a close that passes by itself (a deploy, a lost network, a busy node) the line waits a random
// time below a doubling limit and connects again: exponential backoff with full jitter, so that the
// clients of a drained node do not return as one wave. After any other close it stays down until
// connect() is called. A refused handshake looks like 1006 here, as browsers do not tell its status.

const FIRST_LIMIT = 1000; // ms: the wait before the first attempt is random below this
const LAST_LIMIT = 30_000;
const OPEN_DEADLINE = 10_000; // ms for a handshake
const STABLE = 5000; // ms: a line that lasted this long starts again at FIRST_LIMIT

/** Whether a client closed like this should come back. */
export function comesBack(code, reason) {
  return code === 1001 || code === 1005 || code === 1006 || (code >= 1011 && code <= 1014)
    || (code >= 4100 && code <= 4299) || (code === 1008 && reason === "RATE_LIMITED");
}

/** A random wait below a limit that doubles with each attempt. */
export function backoff(attempt, random = Math.random) {
  return Math.round(random() * Math.min(LAST_LIMIT, FIRST_LIMIT * 2 ** attempt));
}

export class Line {
  #url;
  #onState;
  #onMessage;
  #socket = null;
  #attempt = 0;
  #timer = 0;

  /**
   * `url` is asked anew for each attempt. `onState` gets { state, … }: "connecting", "open",
   * "waiting" with wait, until, attempt, code, reason, opened, or "closed" with code, reason.
   * `onMessage` gets each message that is a JSON object with a type.
   */
  constructor({ url, onState, onMessage }) {
    this.#url = url;
    this.#onState = onState;
    this.#onMessage = onMessage;
    addEventListener("online", () => this.#timer && this.connect());
  }

  /** Connects now, whether waiting or down; does nothing on a living line. */
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#onState({ state: "connecting", attempt: this.#attempt });

    const socket = new WebSocket(this.#url());
    this.#socket = socket;
    let openedAt = 0;
    const deadline = setTimeout(() => socket.close(), OPEN_DEADLINE);
    socket.onopen = () => {
      clearTimeout(deadline);
      openedAt = performance.now();
      this.#onState({ state: "open" });
    };
    socket.onmessage = ({ data }) => {
      const message = parse(data);
      if (message) this.#onMessage(message);
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(deadline);
      this.#socket = null;
      if (openedAt && performance.now() - openedAt > STABLE) this.#attempt = 0;
      this.#closed(code, reason, openedAt > 0);
    };
  }

  /** Sends `message` as JSON; false when the line is not open. */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #closed(code, reason, opened) {
    if (!comesBack(code, reason)) {
      this.#attempt = 0;
      this.#onState({ state: "closed", code, reason });
      return;
    }
    const wait = backoff(this.#attempt);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.connect(), wait);
    this.#onState({
      state: "waiting", wait, until: performance.now() + wait, attempt: this.#attempt, code, reason, opened,
    });
  }
}

function parse(data) {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
