import assert from "node:assert/strict";
import { vocPalette } from "../../../core/image/mod.ts";
import { colorOf, modelLegend } from "../../../core/runtime/legend.ts";

Deno.test("modelLegend() has VOC's colours of the labels where a model has none of its own", () => {
  const cam = modelLegend({ task: "cam", classes: ["a", "b"] });
  const masks = modelLegend({ task: "segmentation", classes: ["background", "a", "b"] });
  for (const { names, palette } of [cam, masks]) {
    assert.deepEqual(names, ["a", "b"]);
    assert.deepEqual(palette, vocPalette());
  }
});

Deno.test("modelLegend() gives a model's colours to the labels of its classes alone", () => {
  const expected = vocPalette();
  expected.set([1, 2, 3, 4, 5, 6], 3);
  const cam = modelLegend({ task: "cam", classes: ["a", "b"], colors: [[1, 2, 3], [4, 5, 6]] });
  assert.deepEqual(cam.palette, expected);
  assert.deepEqual(colorOf(cam.palette, 2), [4, 5, 6]);
  expected.set([7, 8, 9], 0);
  const masks = modelLegend({
    task: "segmentation",
    classes: ["background", "a", "b"],
    colors: [[7, 8, 9], [1, 2, 3], [4, 5, 6]],
  });
  assert.deepEqual(masks.palette, expected);
  assert.deepEqual(masks.names, ["a", "b"]);
});
