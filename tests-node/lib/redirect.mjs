// Connections to one address that go to another: so that a snippet may name a port that is not free.

import { Socket } from "node:net";

/** From now on whoever connects to `from` (`host:port`) in this process reaches `to`, without knowing. */
export function redirect(from, to) {
  const [wanted, actual] = [address(from), address(to)];
  const connect = Socket.prototype.connect;
  Socket.prototype.connect = function (...args) {
    // Node's own callers pass a list whose first element is the options.
    const options = Array.isArray(args[0]) ? args[0][0] : args[0];
    if (options?.host === wanted.host && Number(options.port) === wanted.port) Object.assign(options, actual);
    return connect.apply(this, args);
  };
}

function address(text) {
  const [host, port] = text.split(":");
  return { host, port: Number(port) };
}
