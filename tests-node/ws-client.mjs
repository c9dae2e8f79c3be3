// The npm package `ws`, driven from a Rust test: what a stock Node client does, does here.
//
// Run:   node tests-node/ws-client.mjs        (packages: `cargo xtask setup`)
//
// One JSON object per line. `id` names a connection and may be left out where there is only one.
// Text travels as `text`, other bytes as `hex`.
//
// Commands (stdin)
//   {"cmd":"connect","id":"a","url":"ws://127.0.0.1:7001/namespace/x",
//    "protocols":["v1"],"headers":{"X-Token":"t"},"origin":"http://example.test",
//    "options":{"perMessageDeflate":false}}         all but `url` optional; options go to `ws`
//   {"cmd":"send","id":"a","text":"hi"}              or "hex":"00ff" (binary); "count":3 repeats it
//   {"cmd":"ping","id":"a","text":"p"}               likewise "pong"; payload optional
//   {"cmd":"close","id":"a","code":1000,"reason":"bye"}      both optional
//   {"cmd":"terminate","id":"a"}                     drops the TCP connection, no close frame
//   {"cmd":"pause","id":"a"}, {"cmd":"resume","id":"a"}      stops and goes on reading
//   {"cmd":"exit"}                                   or end of stdin: terminates all, exit code 0
//
// Events (stdout)
//   {"event":"ready"}                                once, at the start
//   {"event":"open","id":"a","protocol":"v1","extensions":"","headers":{…}}
//   {"event":"message","id":"a","text":"hi"}         or "hex" for a binary message
//   {"event":"ping","id":"a","hex":"70"}             answered by `ws` itself; likewise "pong"
//   {"event":"close","id":"a","code":1006,"reason":""}       always the last event of a connection
//   {"event":"error","id":"a","message":"…"}         followed by its close
//   {"event":"unexpected-response","id":"a","status":503,"headers":{…},"body":"…"}
//                                                    the upgrade was refused; followed by its close
//   {"event":"failed","message":"…","line":"…"}      a command made no sense
//
// Exit code 0 whenever the protocol was kept; a test judges by events.

import WebSocket from "ws";
import { report, serve } from "./lib/lines.mjs";

const connections = new Map();

function connect({ id = "0", url, protocols = [], headers, origin, options }) {
  if (connections.has(id)) throw new Error(`connection ${id} exists`);
  const ws = new WebSocket(url, protocols, { headers, origin, ...options });
  connections.set(id, ws);

  let upgrade = {};
  ws.on("upgrade", (response) => (upgrade = response.headers));
  ws.on("open", () =>
    report("open", { id, protocol: ws.protocol, extensions: ws.extensions, headers: upgrade }),
  );
  ws.on("message", (data, binary) =>
    report("message", binary ? { id, hex: data.toString("hex") } : { id, text: data.toString() }),
  );
  ws.on("ping", (data) => report("ping", { id, hex: data.toString("hex") }));
  ws.on("pong", (data) => report("pong", { id, hex: data.toString("hex") }));
  ws.on("error", (error) => report("error", { id, message: error.message || error.code }));
  ws.on("unexpected-response", (request, response) => {
    const chunks = [];
    let reported = false;
    const done = () => {
      if (reported) return;
      reported = true;
      const body = Buffer.concat(chunks).toString();
      report("unexpected-response", {
        id,
        status: response.statusCode,
        headers: response.headers,
        body,
      });
      // With this event handled, ending the attempt is ours to do. It makes `ws` emit an error
      // that says nothing new.
      ws.removeAllListeners("error");
      ws.on("error", () => {});
      request.destroy();
      ws.terminate();
    };
    response.on("data", (chunk) => chunks.push(chunk));
    response.on("end", done);
    response.on("error", done);
    response.on("close", done);
  });
  ws.on("close", (code, reason) => {
    connections.delete(id);
    report("close", { id, code, reason: reason.toString() });
  });
}

function payload({ text, hex }) {
  return hex === undefined ? text : Buffer.from(hex, "hex");
}

const commands = {
  connect: (_, command) => connect(command),
  send: (ws, command) => {
    const data = payload(command);
    if (data === undefined) throw new Error("send wants text or hex");
    for (let left = command.count ?? 1; left > 0; left -= 1) ws.send(data);
  },
  ping: (ws, command) => ws.ping(payload(command)),
  pong: (ws, command) => ws.pong(payload(command)),
  close: (ws, { code, reason }) => ws.close(code, reason),
  terminate: (ws) => ws.terminate(),
  pause: (ws) => ws.pause(),
  resume: (ws) => ws.resume(),
  exit: () => process.exit(0),
};

function handle(command) {
  const run = commands[command.cmd];
  if (run === undefined) throw new Error(`unknown command ${command.cmd}`);
  const ws = connections.get(command.id ?? "0");
  const needsConnection = command.cmd !== "connect" && command.cmd !== "exit";
  if (needsConnection && ws === undefined) throw new Error("no such connection");
  run(ws, command);
}

report("ready");
await serve(handle, () => process.exit(0));
