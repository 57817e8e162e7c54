import assert from "node:assert/strict";
import { removeSpecks } from "../../kernels/remove_specks.ts";
import { pattern } from "./pattern.ts";

/** A mask drawn with characters. */
function draw(...rows: string[]): { data: Uint8Array; width: number; height: number } {
  const data = Uint8Array.from(rows.join(""), Number);
  return { data, width: rows[0]!.length, height: rows.length };
}

function show(data: Uint8Array, width: number): string[] {
  return data.join("").match(new RegExp(`.{${width}}`, "g"))!;
}

Deno.test("removeSpecks() gives a speck the label of its longest border", () => {
  const { data, width, height } = draw(
    "0000011",
    "0030011",
    "0000211",
    "0000011",
  );
  removeSpecks(data, width, height, 2);
  assert.deepEqual(show(data, width), ["0000011", "0000011", "0000011", "0000011"]);
});

Deno.test("removeSpecks() keeps regions of the area asked for, wherever they touch the rim", () => {
  const { data, width, height } = draw(
    "11000",
    "00002",
    "33000",
    "30040",
  );
  removeSpecks(data, width, height, 2);
  assert.deepEqual(show(data, width), ["11000", "00000", "33000", "30000"]);
});

Deno.test("removeSpecks() does not join regions that touch at corners alone", () => {
  const { data, width, height } = draw(
    "10000",
    "01000",
    "00100",
  );
  removeSpecks(data, width, height, 2);
  assert.deepEqual(show(data, width), ["00000", "00000", "00000"]);
});

const COMB = ["1010100", "1111100", "0000000"];

Deno.test("removeSpecks() takes a region of any shape for one", () => {
  const { data, width, height } = draw(...COMB);
  removeSpecks(data, width, height, 8);
  assert.deepEqual(show(data, width), ["1111100", "1111100", "0000000"]);
});

Deno.test("removeSpecks() leaves nothing of a speck whose holes were filled first", () => {
  const { data, width, height } = draw(...COMB);
  removeSpecks(data, width, height, 9);

  assert.deepEqual(show(data, width), ["0000000", "0000000", "0000000"]);
});

Deno.test("removeSpecks() changes nothing when the area is 0 or 1 or there is one region", () => {
  for (const minArea of [0, 1]) {
    const { data, width, height } = draw("0101", "1010");
    assert.deepEqual(show(removeSpecks(data, width, height, minArea), width), ["0101", "1010"]);
  }
  const { data, width, height } = draw("222", "222");
  assert.deepEqual(show(removeSpecks(data, width, height, 100), width), ["222", "222"]);
});

/** The rules, by flood filling. */
function removeSpecksSlowly(
  mask: Uint8Array,
  width: number,
  height: number,
  minArea: number,
): Uint8Array {
  const neighbours = (p: number) =>
    [
      p % width > 0 ? p - 1 : -1,
      p % width < width - 1 ? p + 1 : -1,
      p - width,
      p + width < width * height ? p + width : -1,
    ].filter((q) => q >= 0);
  const region = new Int32Array(mask.length).fill(-1);
  const regions: number[][] = [];
  for (let start = 0; start < mask.length; start++) {
    if (region[start] !== -1) continue;
    const members = [start];
    region[start] = regions.length;
    for (let i = 0; i < members.length; i++) {
      for (const q of neighbours(members[i]!)) {
        if (region[q] !== -1 || mask[q] !== mask[start]) continue;
        region[q] = regions.length;
        members.push(q);
      }
    }
    regions.push(members);
  }
  let changed = false;
  const specks = regions.filter((members) => members.length < minArea)
    .sort((a, b) => a.length - b.length || a[0]! - b[0]!);
  for (const members of specks) {
    const own = mask[members[0]!]!;
    const border = new Map<number, number>();
    for (const p of members) {
      for (const q of neighbours(p)) {
        if (mask[q] !== own) border.set(mask[q]!, (border.get(mask[q]!) ?? 0) + 1);
      }
    }
    const best = [...border].sort(([a, m], [b, n]) => n - m || a - b)[0];
    if (best === undefined) continue;
    for (const p of members) mask[p] = best[0];
    changed = true;
  }
  if (changed) return removeSpecksSlowly(mask, width, height, minArea);
  assert.ok(specks.length === 0 || regions.length === 1);
  return mask;
}

Deno.test("removeSpecks() equals flood filling on noise", () => {
  for (let seed = 0; seed < 60; seed++) {
    const [width, height] = [5 + (seed % 17), 3 + (seed % 11)];
    const colours = 2 + (seed % 3);
    const noise = pattern(width * height, seed).map((v) => v % colours);
    const minArea = 2 + (seed % 7);
    assert.deepEqual(
      removeSpecks(noise.slice(), width, height, minArea),
      removeSpecksSlowly(noise.slice(), width, height, minArea),
      `seed ${seed}`,
    );
  }
});

Deno.test("removeSpecks() throws TypeError when the mask does not fit its size", () => {
  assert.throws(() => removeSpecks(new Uint8Array(11), 4, 3, 2), TypeError);
});
