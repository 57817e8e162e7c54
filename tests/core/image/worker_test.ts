import assert from "node:assert/strict";
import { DECODED, readFixture } from "./fixtures.ts";

Deno.test({
  name: "decodeImage() works in a Web Worker with read permission alone",
  fn: async () => {
    const worker = new Worker(new URL("decode_worker.ts", import.meta.url), { type: "module" });
    try {
      for (const [name, expected] of DECODED) {
        if (expected.tolerance > 0 && !name.includes("cmyk")) continue;
        const answer = new Promise<unknown>((resolve, reject) => {
          worker.onmessage = (event) => resolve(event.data);
          worker.onerror = (event) => reject(new Error(event.message));
        });
        worker.postMessage(readFixture(name));
        assert.deepEqual(await answer, [expected.width, expected.height], name);
      }
    } finally {
      worker.terminate();
    }
  },
});
