import assert from "node:assert/strict";
import { drawText, TEXT_HEIGHT, textWidth } from "../../../core/pictures/bitmap_font.ts";
import { drawContactSheet } from "../../../core/pictures/contact_sheet.ts";
import type { Raster } from "../../../core/raster.ts";

function plain(width: number, height: number, value: number): Raster {
  return { width, height, data: new Uint8Array(3 * width * height).fill(value) };
}

/** Rows of `#` where pixels are dark. */
function show({ width, height, data }: Raster): string[] {
  return Array.from(
    { length: height },
    (_, y) =>
      Array.from({ length: width }, (_, x) => data[3 * (y * width + x)]! < 128 ? "#" : ".").join(
        "",
      ),
  );
}

Deno.test("drawText() draws letters at twice their size and cuts off what reaches beyond", () => {
  const paper = plain(textWidth("T-"), TEXT_HEIGHT, 255);
  drawText(paper, "T-", 0, 0);
  assert.deepEqual(show(paper).filter((_, y) => y % 2 === 0), [
    "######........",
    "..##..........",
    "..##....######",
    "..##..........",
    "..##..........",
  ]);
  const small = plain(3, 2, 255);
  drawText(small, "T", -1, 0);
  assert.deepEqual(show(small), ["###", "###"]);
});

Deno.test("drawContactSheet() fits pictures into squares, below their captions", () => {
  const sheet = drawContactSheet(["a", "b"], [
    { caption: "one", pictures: [plain(10, 20, 40), null] },
  ], { side: 32 });
  assert.deepEqual([sheet.width, sheet.height], [6 + 2 * 38, 22 + 38 + 22]);
  const at = (x: number, y: number) => sheet.data[3 * (y * sheet.width + x)];
  // 10×20 becomes 16×32, in the middle.
  assert.deepEqual([at(13, 30), at(14, 30), at(29, 30), at(30, 30)], [255, 40, 40, 255]);
  assert.equal(at(44 + 10, 30), 235);
  assert.ok(show(sheet).slice(22 + 32 + 6).some((row) => row.includes("#")));
});

Deno.test("drawContactSheet() refuses rows of another length", () => {
  assert.throws(() => drawContactSheet(["a"], [{ caption: "", pictures: [] }]), TypeError);
});
