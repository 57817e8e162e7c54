/** Damaged images in a process of their own, whose memory is theirs alone: SEED ROUNDS. Prints what it saw. */

import assert from "node:assert/strict";
import { decodeImage } from "../../../core/image/mod.ts";
import { DECODED, maxDifference, readFixture } from "./fixtures.ts";
import { fuzzDecoder } from "./fuzz.ts";

const [seed, rounds] = Deno.args.map(Number);
const before = Deno.memoryUsage().rss;
const { accepted, refused, texts } = await fuzzDecoder(seed!, rounds!);
const grown = Deno.memoryUsage().rss - before;
// And nothing of what went wrong may linger in a decoder.
for (const [name, expected] of DECODED) {
  const image = await decodeImage(readFixture(name));
  assert.ok(maxDifference(image.data, readFixture(expected.pixels)) <= expected.tolerance, name);
}
console.log(JSON.stringify({ accepted, refused, texts: texts.size, grown }));
