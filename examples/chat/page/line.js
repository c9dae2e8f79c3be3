// The line to the chat: Socket.IO where the page could load its client, else a plain WebSocket.
//
// Both kinds are made with { namespace, who, onState, onMessage } and have the same interface:
//
//   who()              what the server is told at each attempt: { name, key }
//   onState(now)       { state, … }, see below
//   onMessage(message) each message of the server, an object with a type
//   connect()          now, whether waiting or down; does nothing on an open line
//   ask(type, data)    sends a message: a promise of its answer, or null when the line is not open
//   kind               "socket.io" or "websocket"
//
// | state        | with                                                                             |
// |--------------|----------------------------------------------------------------------------------|
// | "connecting" |                                                                                  |
// | "open"       | transport; recovered: this continues the session before, and nothing was missed   |
// | "waiting"    | comes back by itself: opened (or refused), reason, and perhaps wait, until (ms)   |
// | "refused"    | by the chat: code, message, and perhaps free, a name that is not taken            |
// | "closed"     | stays down until connect(): reason                                               |

import { PlainLine } from "./plain.js";
import { SocketIoLine } from "./socket-io.js";

/** `client` is what the bundle of socket.io-client defines, if it was there. */
export function makeLine(client, options) {
  return client ? new SocketIoLine(client, options) : new PlainLine(options);
}
