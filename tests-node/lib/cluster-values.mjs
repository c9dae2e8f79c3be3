// Values of any kind, the same for the same seed, and how they are shown.

/** A value as JSON, bytes in it as {"$bytes":hex}. Dates become text, undefined becomes null. */
export function tag(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("hex") };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("hex") };
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("hex") };
  if (value instanceof Date) return value.toJSON();
  if (value === undefined || typeof value === "function") return null;
  if (value instanceof Set || value instanceof Map) return [...value.keys()].map(tag);
  if (Array.isArray(value)) return value.map(tag);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, field]) => field !== undefined && typeof field !== "function")
        .map(([key, field]) => [key, tag(field)]),
    );
  }
  return value;
}

/** mulberry32: numbers from 0 to 1. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const TEXTS = ["", "a", "é", "日本", "😀", "x".repeat(31), "y".repeat(32), "z".repeat(300), "_placeholder", '"\\\n\u2028'];

/** `[uid, packet, opts]` as the classic adapter publishes it. */
export function anyEvent(seed) {
  const next = random(seed);
  const below = (end) => Math.floor(next() * end);
  const pick = (list) => list[below(list.length)];
  const number = () =>
    pick([
      () => below(256) - 128,
      () => below(2 ** 32),
      () => -below(2 ** 33),
      () => below(Number.MAX_SAFE_INTEGER),
      () => -below(Number.MAX_SAFE_INTEGER),
      () => next() - 0.5,
      () => next() * 1e308,
      () => pick([0, -0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, -32, -33, -128, -129, -32768, -32769]),
      () => pick([NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), -(2 ** 31), -(2 ** 31) - 1, 2 ** 63, -(2 ** 63)]),
    ])();
  const many = (depth, make) => Array.from({ length: pick([0, 1, 2, 3, 15, 16, 17]) }, () => make(depth + 1));
  const value = (depth = 0) =>
    pick([
      () => null,
      () => undefined,
      () => next() < 0.5,
      number,
      number,
      () => pick(TEXTS),
      () => Buffer.alloc(pick([0, 1, 5, 255, 256]), below(256)),
      () => new Date(pick([below(2 ** 41), -below(2 ** 41), below(2 ** 45), 1000 * below(2 ** 31)])),
      () => (depth > 3 ? 1 : many(depth, value)),
      () =>
        depth > 3
          ? {}
          : Object.fromEntries(many(depth, (deeper) => [`k${below(1000)}${pick(["", "é"])}`, value(deeper)])),
    ])();
  const rooms = () => Array.from({ length: below(3) }, () => pick(["room1", "é", 42, "x".repeat(40)]));
  const flags = pick([{}, { volatile: true }, { compress: false }, { volatile: true, compress: true, timeout: below(70000) }]);
  const packet = { type: 2, data: ["e" + below(10), ...Array.from({ length: below(4) }, () => value())], nsp: pick(["/", "/admin"]) };
  return ["u" + below(1000), packet, { rooms: rooms(), except: rooms(), flags }];
}
