import assert from "node:assert/strict";
import type { Orientation } from "../../../core/image/mod.ts";
import { applyOrientation } from "../../../core/image/orient.ts";

/** Rows of letters as a raster whose pixels are the letters' codes. */
function picture(rows: string[]) {
  const data = Uint8Array.from([...rows.join("")].flatMap((c) => Array(3).fill(c.charCodeAt(0))));
  return { width: rows[0]!.length, height: rows.length, data };
}

Deno.test("applyOrientation() turns the eight stored forms of one picture upright", () => {
  const upright = picture(["abc", "def"]);
  const stored: Record<Orientation, string[]> = {
    1: ["abc", "def"],
    2: ["cba", "fed"],
    3: ["fed", "cba"],
    4: ["def", "abc"],
    5: ["ad", "be", "cf"],
    6: ["cf", "be", "ad"],
    7: ["fc", "eb", "da"],
    8: ["da", "eb", "fc"],
  };
  for (const [orientation, rows] of Object.entries(stored)) {
    const turned = applyOrientation(picture(rows), Number(orientation) as Orientation);
    assert.deepEqual(turned, upright, `orientation ${orientation}`);
  }
});
