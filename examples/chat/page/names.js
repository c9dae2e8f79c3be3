// Friendly names, and the colours and initials that stand for them.

const QUALITIES = ["Amber", "Brave", "Calm", "Clever", "Dapper", "Eager", "Gentle", "Golden", "Happy", "Jolly",
  "Kind", "Lively", "Lucky", "Merry", "Mighty", "Nimble", "Patient", "Quiet", "Rapid", "Silver", "Sunny",
  "Swift", "Tidy", "Witty"];
const ANIMALS = ["Badger", "Beaver", "Bison", "Crane", "Dolphin", "Falcon", "Finch", "Fox", "Gecko", "Heron",
  "Ibis", "Koala", "Lynx", "Magpie", "Marten", "Newt", "Otter", "Owl", "Panda", "Puffin", "Robin", "Seal",
  "Stork", "Walrus", "Wombat"];

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** A nickname such as "Sunny Otter". */
export const nickname = () => `${pick(QUALITIES)} ${pick(ANIMALS)}`;

/** Up to two letters that stand for `name`; its first character if it has no letters. */
export function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [[...name.trim()][0] ?? "?"];
  const letters = words.length > 1 ? [words[0], words.at(-1)].map((word) => [...word][0]) : [...words[0]].slice(0, 2);
  return letters.join("").toUpperCase();
}

/** A hue in degrees, the same for the same name in every tab. */
export function hue(name) {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d); // spreads names that differ little
  return ((hash ^ (hash >>> 12)) >>> 0) % 360;
}

/** Paints `element` as the avatar of `name`. */
export function paintAvatar(element, name) {
  element.textContent = initials(name);
  element.style.setProperty("--hue", hue(name));
}

/** How many characters `text` has as the server counts them. */
export const length = (text) => [...text].length;
