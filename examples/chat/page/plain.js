// A line over one plain WebSocket that comes back.
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

export class PlainLine {
  kind = "websocket";
  #options;
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #me = null; // own id
  #asked = []; // messages without an answer, in the order sent, which is that of their answers

  /** See line.js. */
  constructor(options) {
    this.#options = options;
    addEventListener("online", () => this.#timer && this.connect());
  }

  connect() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#options.onState({ state: "connecting" });

    const socket = new WebSocket(this.#url());
    this.#socket = socket;
    let openedAt = 0;
    const deadline = setTimeout(() => socket.close(), OPEN_DEADLINE);
    socket.onopen = () => {
      clearTimeout(deadline);
      openedAt = performance.now();
      this.#options.onState({ state: "open", recovered: false, transport: "websocket" });
    };
    socket.onmessage = ({ data }) => {
      const message = parse(data);
      if (message) this.#received(message);
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(deadline);
      this.#socket = null;
      for (const { reject } of this.#asked.splice(0)) reject(new Error("closed before the answer"));
      if (openedAt && performance.now() - openedAt > STABLE) this.#attempt = 0;
      this.#closed(code, reason, openedAt > 0);
    };
  }

  ask(type, data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return null;
    this.#socket.send(JSON.stringify({ type, ...data }));
    return new Promise((resolve, reject) => this.#asked.push({ type, resolve, reject }));
  }

  #url() {
    const { namespace, who } = this.#options;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    return `${scheme}//${location.host}/namespace/${encodeURIComponent(namespace)}?${new URLSearchParams(who())}`;
  }

  #received(message) {
    if (message.type === "welcome") this.#me = message.you.id;
    const answers = this.#asked.length > 0 && this.#isAnswer(this.#asked[0].type, message);
    if (answers) this.#asked.shift().resolve(message);
    // These two are news as well.
    if (!answers || message.type === "changed" || message.type === "draining") this.#options.onMessage(message);
  }

  /** Whether `message` answers one's own of type `asked`. */
  #isAnswer(asked, { type, about, who }) {
    if (type === "report" || type === "error") return about === asked;
    if (type === "draining") return asked === "drain";
    return type === "changed" && who.id === this.#me;
  }

  #closed(code, reason, opened) {
    if (!comesBack(code, reason)) {
      this.#attempt = 0;
      this.#options.onState({ state: "closed", opened, reason: closeName(code, reason) });
      return;
    }
    const wait = backoff(this.#attempt);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.connect(), wait);
    this.#options.onState({
      state: "waiting", wait, until: performance.now() + wait, opened, reason: closeName(code, reason),
    });
  }
}

const closeName = (code, reason) => (reason ? `${code} ${reason}` : String(code));

function parse(data) {
  if (typeof data !== "string") return null;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
