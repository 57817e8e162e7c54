import assert from "node:assert/strict";
import { softmaxOfSome, softmaxPlanes } from "../../kernels/segment_logits.ts";
import { pattern } from "./pattern.ts";

const PIXELS = 35;

/** Logits of five channels from -64 to 63, so that sums begin far from their maximum. */
const LOGITS = Float32Array.from(pattern(5 * PIXELS, 3), (value) => value / 2 - 64);
const planeOf = (channel: number) => LOGITS.subarray(channel * PIXELS, (channel + 1) * PIXELS);

Deno.test("softmaxOfSome() gives those planes of the whole softmax in the order asked for", () => {
  const all = softmaxPlanes(LOGITS, 5);
  const some = softmaxOfSome(planeOf, 5, [4, 0, 2], PIXELS);
  assert.equal(some.length, 3 * PIXELS);
  [4, 0, 2].forEach((channel, k) => {
    for (let p = 0; p < PIXELS; p++) {
      const difference = some[k * PIXELS + p]! - all[channel * PIXELS + p]!;
      assert.ok(Math.abs(difference) < 1e-6, `${channel}, ${p}`);
    }
  });
});

Deno.test("softmaxOfSome() holds no plane that it was given", () => {
  const buffer = new Float32Array(PIXELS);
  const reused = softmaxOfSome(
    (channel) => {
      buffer.set(planeOf(channel));
      return buffer;
    },
    5,
    [1, 3],
    PIXELS,
  );
  assert.deepEqual(reused, softmaxOfSome(planeOf, 5, [1, 3], PIXELS));
});

Deno.test("softmaxOfSome() refuses planes of another size", () => {
  const refused = { name: "TypeError", message: /35 logits is not of 34 px/ };
  assert.throws(() => softmaxOfSome(planeOf, 5, [1], PIXELS - 1), refused);
});
