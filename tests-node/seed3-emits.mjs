// The emit flavours of the tutorial "Socket.io with Express", its namespace and its questions to the adapter.
//
// Run:   node tests-node/seed3-emits.mjs URL CASE      (packages: `cargo xtask setup`)
//
// Each case counts who is there, so it wants a server of its own. Expected of that, in `/` and in `/chats`: `emit-to-all`, `emit-to-rooms` [room…], `emit-to-others`,
// `emit-to-others-in-room` do what the tutorial's lines of that kind do; `sockets` [room…], `all-sockets` room
// and `all-rooms` acknowledge with a list. In `/`, the query's `room` is joined.
//
// Prints `ok seed3: what` or `not ok seed3: what: why`; exit code 0, 1 if something is wrong, 2 if it cannot begin.

import { deepStrictEqual } from "node:assert/strict";
import { io } from "socket.io-client";
import { Steps, eventually } from "./lib/steps.mjs";

const [url, asked] = process.argv.slice(2);
const steps = new Steps("seed3", 20_000);
// What the server says of itself when somebody comes or goes: other cases look at that.
const NOISE = new Set(["conn", "user-connected", "user-disconnected"]);

/** A user, and all that it hears from the moment it asks to come in. */
async function join(username, room, transports = ["websocket"], at = "") {
  const heard = [];
  const query = room === undefined ? { username } : { username, room };
  const client = await steps.connect((address, options) => {
    const made = io(address, options);
    made.onAny((...event) => NOISE.has(event[0]) || heard.push(event));
    return made;
  }, url + at, { query, transports });
  // Whoever gets an answer has been put into its room before.
  await ask(client, "all-rooms");
  return { client, heard, id: client.id };
}

const ask = (client, ...event) => client.timeout(5000).emitWithAck(...event);

/** What each has heard once `speaker` has said `event`, and all that was sent before an answer has come. */
async function heardAfter(users, speaker, ...event) {
  speaker.client.emit(...event);
  // An event is handled, and what it sends is queued, before the next one of the same client.
  await ask(speaker.client, "all-rooms");
  // And what was queued for a client before an answer reaches it before that answer.
  for (const { client } of users) await ask(client, "all-rooms");
  return users.map(({ heard }) => heard.splice(0));
}

const ALL = [["all", { message: "hello all clients" }]];
const OTHERS = [["hello", "to all clients except sender"]];
const inRooms = (...rooms) => [["hello", `to all clients in '${rooms.join("', '")}' room`]];

const cases = {
  async "to-all"() {
    const users = [await join("ann", "room42"), await join("bob", "r2", ["polling"]), await join("carl")];
    for (const speaker of users) deepStrictEqual(await heardAfter(users, speaker, "emit-to-all"), [ALL, ALL, ALL]);
  },

  async "to-rooms"() {
    const [ann, bob] = [await join("ann", "room42"), await join("bob", "room42", ["polling"])];
    const [carl, dora] = [await join("carl", "r2"), await join("dora")];
    const users = [ann, bob, carl, dora];
    const one = inRooms("room42");
    deepStrictEqual(await heardAfter(users, dora, "emit-to-rooms", ["room42"]), [one, one, [], []]);
    // Each socket is also in the room of its own id: ann is in two of these, bob in one, twice named.
    const rooms = ["room42", ann.id, "r2", "room42", "nobody's"];
    const many = inRooms(...rooms);
    deepStrictEqual(await heardAfter(users, ann, "emit-to-rooms", rooms), [many, many, many, []]);
    deepStrictEqual(await heardAfter(users, ann, "emit-to-rooms", ["nobody's"]), [[], [], [], []]);
    deepStrictEqual(await heardAfter(users, ann, "emit-to-rooms", []), [[], [], [], []]);
  },

  async "to-others"() {
    const users = [await join("ann", "room42"), await join("bob", "r2", ["polling"]), await join("carl")];
    deepStrictEqual(await heardAfter(users, users[0], "emit-to-others"), [[], OTHERS, OTHERS]);
    deepStrictEqual(await heardAfter(users, users[1], "emit-to-others"), [OTHERS, [], OTHERS]);
  },

  async "to-others-in-room"() {
    const [ann, bob] = [await join("ann", "room42"), await join("bob", "room42", ["polling"])];
    const [carl, dora, eve] = [await join("carl", "r2"), await join("dora"), await join("eve")];
    const users = [ann, bob, carl, dora, eve];
    const message = [["new-message", { room: "room42", user: { username: "ann", sockedId: ann.id } }]];
    deepStrictEqual(await heardAfter(users, ann, "emit-to-others-in-room"), [[], message, [], [], []]);
    // Who named no room is in none: not in one called "undefined", with others who named none.
    deepStrictEqual(await heardAfter(users, dora, "emit-to-others-in-room"), [[], [], [], [], []]);
    deepStrictEqual(await heardAfter(users, dora, "send-message", { message: "?" }), [[], [], [], [], []]);
  },

  async namespaces() {
    const root = await join("ann", "room42");
    // The same client in both, over one connection, and another one in `/chats` alone.
    const seat = root.client.io.socket("/chats");
    const [shared, alone] = [{ client: seat, heard: [] }, await join("bob", "room42", ["websocket"], "/chats")];
    seat.onAny((...event) => shared.heard.push(event));
    await ask(seat, "all-rooms");
    const users = [root, shared, alone];
    deepStrictEqual(await heardAfter(users, root, "emit-to-all"), [ALL, [], []]);
    deepStrictEqual(await heardAfter(users, alone, "emit-to-all"), [[], ALL, ALL]);
    deepStrictEqual(await heardAfter(users, root, "emit-to-others"), [[], [], []]);
    deepStrictEqual(await heardAfter(users, shared, "emit-to-others"), [[], [], OTHERS]);
    // A room's name means another room in each.
    deepStrictEqual(await heardAfter(users, alone, "emit-to-rooms", ["room42"]), [[], [], []]);
    deepStrictEqual(await heardAfter(users, root, "emit-to-rooms", ["room42"]), [inRooms("room42"), [], []]);
    deepStrictEqual(await ask(root.client, "sockets", []), [root.id]);
    deepStrictEqual((await ask(alone.client, "sockets", [])).sort(), [seat.id, alone.id].sort());
    // Leaving one is not leaving the other.
    seat.disconnect();
    deepStrictEqual(await heardAfter([root], root, "emit-to-all"), [ALL]);
    await eventually(async () => (await ask(alone.client, "sockets", [])).length === 1, "the seat's end");
  },

  async questions() {
    const [ann, bob, carl] = [await join("ann", "room1"), await join("bob", "room2"), await join("carl", "room3")];
    const sorted = async (...question) => (await ask(...question)).sort();
    deepStrictEqual(await sorted(ann.client, "sockets", []), [ann.id, bob.id, carl.id].sort());
    deepStrictEqual(await sorted(ann.client, "sockets", ["room1", "room2"]), [ann.id, bob.id].sort());
    deepStrictEqual(await sorted(ann.client, "sockets", ["nobody's"]), []);
    deepStrictEqual(await sorted(ann.client, "all-sockets", "room3"), [carl.id]);
    // Each socket's own room is one.
    const rooms = ["room1", "room2", "room3", ann.id, bob.id, carl.id].sort();
    deepStrictEqual(await sorted(ann.client, "all-rooms"), rooms);
    bob.client.disconnect();
    await eventually(async () => (await ask(ann.client, "all-rooms")).length === 4, "the end of bob's rooms");
  },
};

await steps.step(asked, cases[asked] ?? (() => Promise.reject(new Error(`CASE is one of ${Object.keys(cases)}`))));
steps.end();
