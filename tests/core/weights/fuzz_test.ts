import assert from "node:assert/strict";
import { LimitError, UnsupportedFormatError } from "../../../core/errors.ts";
import { readCheckpoint } from "../../../core/weights/checkpoint.ts";
import { StoredTensor } from "../../../core/weights/tensor.ts";
import { quickest } from "../../helpers/quickest.ts";

/** Numbers below 2^32 from a seed (xorshift32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Changes one to eight bytes, or moves, doubles or drops a run of them. */
function mutate(file: Uint8Array, random: () => number): Uint8Array {
  const kind = random() % 4;
  if (kind < 2) {
    const copy = file.slice();
    for (let n = 1 + random() % 8; n > 0; n--) {
      const at = random() % copy.length;
      copy[at] = kind === 0 ? random() & 255 : copy[at]! ^ (1 << (random() % 8));
    }
    return copy;
  }
  const start = random() % file.length;
  const end = Math.min(file.length, start + 1 + random() % 40);
  const head = file.subarray(0, kind === 2 ? start : end);
  const tail = file.subarray(kind === 2 ? end : start);
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}

/** Reads every tensor's values, however deep it lies. */
function touch(root: unknown): void {
  const seen = new Set<unknown>();
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof StoredTensor) {
      assert.equal(value.data.length, value.length);
    } else if (value instanceof Map) {
      pending.push(...value.keys(), ...value.values());
    } else if (Array.isArray(value)) {
      for (const item of value) pending.push(item);
    }
  }
}

for (const name of ["dtypes", "shared", "training", "parameters"]) {
  Deno.test(`readCheckpoint() throws only typed errors when bytes of ${name} change`, async () => {
    const random = generator(0x5eed + name.length);
    let failed = 0;
    for (const format of ["zip", "legacy"]) {
      const url = new URL(`../../fixtures/checkpoints/${name}_${format}.pth`, import.meta.url);
      const file = Deno.readFileSync(url);
      for (let i = 0; i < 300; i++) {
        const changed = mutate(file, random);
        const start = performance.now();
        try {
          touch(readCheckpoint(changed));
        } catch (error) {
          assert.ok(
            error instanceof SyntaxError || error instanceof LimitError ||
              error instanceof UnsupportedFormatError,
            `case ${format} ${i}: ${error}`,
          );
          failed++;
        }
        if (performance.now() - start < 500) continue;
        const took = await quickest(500, () => {
          try {
            touch(readCheckpoint(changed));
          } catch {
            // As above.
          }
        });
        assert.ok(took < 500, `case ${format} ${i}: ${took} ms`);
      }
    }
    // The changes must matter, or the test would show nothing.
    assert.ok(failed > 150, `${failed} of 600 failed`);
  });
}
