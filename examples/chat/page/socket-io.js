// A line over the stock socket.io-client, which polls first, changes to a WebSocket, and comes back by
// itself.

const ANSWER_WITHIN = 10_000; // ms

export class SocketIoLine {
  kind = "socket.io";
  #socket;
  #onState;
  #onMessage;

  /** `client` is the global `io` of the bundle; see line.js for the rest. */
  constructor(client, { namespace, who, onState, onMessage }) {
    this.#onState = onState;
    this.#onMessage = onMessage;
    const manager = new client.Manager({ reconnectionDelay: 1000, reconnectionDelayMax: 30_000, autoConnect: false });
    const socket = manager.socket(`/${namespace}`, { auth: (tell) => tell(who()) });
    this.#socket = socket;

    const open = () => onState({ state: "open", recovered: socket.recovered, transport: manager.engine.transport.name });
    socket.on("connect", () => {
      manager.engine.once("upgrade", open);
      open();
    });
    socket.onAny((type, data) => onMessage({ ...data, type }));
    socket.on("disconnect", (reason) => onState({ state: socket.active ? "waiting" : "closed", opened: true, reason }));
    socket.on("connect_error", ({ message, data }) => {
      // Active: no line to the node, and the manager tries again. Else a middleware has said no.
      if (socket.active) onState({ state: "waiting", opened: false, reason: message });
      else onState({ state: "refused", ...data, message });
    });
    manager.on("reconnect_attempt", () => onState({ state: "connecting" }));
    addEventListener("online", () => socket.active && this.connect());
  }

  connect() {
    if (this.#socket.connected) return;
    this.#onState({ state: "connecting" });
    this.#socket.disconnect().connect(); // the first ends a wait for the next attempt
  }

  ask(type, data) {
    if (!this.#socket.connected) return null;
    return this.#socket.timeout(ANSWER_WITHIN).emitWithAck(type, data).then((answer) => {
      // These two are news as well.
      if (answer.type === "changed" || answer.type === "draining") this.#onMessage(answer);
      return answer;
    });
  }
}
