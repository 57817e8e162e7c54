import assert from "node:assert/strict";
import { decodeImage } from "../../../core/image/mod.ts";
import { DECODED, maxDifference, readFixture } from "./fixtures.ts";
import { fuzzDecoder } from "./fuzz.ts";

/** Bytes that this test holds; resident memory is that of all tests at work side by side. */
function memory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("decodeImage() throws only typed errors when files are damaged at random", async () => {
  const before = memory();
  const report = await fuzzDecoder(20240607, 10);
  assert.ok(report.refused > 200 && report.accepted > 50);
  assert.ok(report.texts.size > 30, "the damage should reach many different checks");
  assert.ok(memory() - before < 400e6, "memory should stay bounded");
  // And nothing of what went wrong may linger in a decoder.
  for (const [name, expected] of DECODED) {
    const image = await decodeImage(readFixture(name));
    assert.ok(maxDifference(image.data, readFixture(expected.pixels)) <= expected.tolerance, name);
  }
});
