import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { COLOUR_MAPS, colourMapPalette } from "../../../core/image/colour_maps.ts";

const FILE = new URL("../../fixtures/colour_maps.txt", import.meta.url);
const published = new Map(
  readFileSync(FILE, "utf8").trim().split("\n").map((line) => {
    const [name, hex] = line.split(" ");
    return [name!, Uint8Array.fromHex(hex!)];
  }),
);

for (const name of COLOUR_MAPS.filter((each) => each !== "grey")) {
  Deno.test(`colourMapPalette("${name}") is within 3 levels of the published colours`, () => {
    const palette = colourMapPalette(name);
    const differences = published.get(name)!.map((level, i) => Math.abs(level - palette[i]!));
    assert.equal(differences.length, 768);
    assert.ok(Math.max(...differences) <= 3);
    const mean = differences.reduce((sum, difference) => sum + difference, 0) / 768;
    assert.ok(mean < 0.5, `${mean}`);
  });
}

Deno.test('colourMapPalette("grey") gives every value itself', () => {
  const palette = colourMapPalette("grey");
  assert.deepEqual([...palette.subarray(3 * 200, 3 * 200 + 3)], [200, 200, 200]);
});
