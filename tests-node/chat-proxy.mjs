// A wire between a page and the server that a test can cut.

import { connect, createServer } from "node:net";

/** Listens on a port of its own and passes everything on to `target` ("http://127.0.0.1:3000/"). */
export async function wire(target) {
  const { hostname, port } = new URL(target);
  const pairs = new Set();
  let whole = true;
  const server = createServer((near) => {
    near.on("error", () => {});
    if (!whole) return near.destroy();
    const far = connect(Number(port), hostname);
    far.on("error", () => {});
    const pair = { near, far };
    pairs.add(pair);
    near.pipe(far).pipe(near);
    near.on("close", () => pair.silent || (far.destroy(), pairs.delete(pair)));
    far.on("close", () => (near.destroy(), pairs.delete(pair)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** Both sides learn at once that the line is gone, and no other is made before mend(). */
    cut() {
      whole = false;
      for (const { near, far } of pairs) (near.destroy(), far.destroy());
    },
    /** The same, but the server learns nothing: as when a cable is pulled. */
    pull() {
      whole = false;
      for (const pair of pairs) {
        pair.silent = true;
        pair.near.unpipe(pair.far);
        pair.near.destroy();
      }
    },
    mend() {
      whole = true;
    },
    close() {
      this.cut();
      server.close();
    },
  };
}
