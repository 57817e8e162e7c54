import assert from "node:assert/strict";
import { renumberClasses } from "../../../core/batch/renumber_classes.ts";

const planes = (width: number, height: number) => ({
  channels: 3,
  width,
  height,
  data: Float32Array.from({ length: 3 * width * height }, (_, i) => i),
});
const CAM = { keys: [0, 1, 3, 4], cam: planes(2, 1), hrCam: planes(3, 2) };
const MODEL = ["ape", "bee", "cat", "dog"];

Deno.test("renumberClasses() orders maps as the data set does and leaves out what it has not", () => {
  const found = renumberClasses(CAM, MODEL, ["dog", "emu", "ape"]);
  assert.deepEqual(found.keys, [0, 1, 3]);
  assert.deepEqual([found.cam.channels, found.hrCam.channels], [2, 2]);
  assert.deepEqual([...found.cam.data], [4, 5, 0, 1]);
  assert.deepEqual([...found.hrCam.data], [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5]);
  assert.deepEqual(renumberClasses(CAM, MODEL, ["emu"]).keys, [0]);
});

Deno.test("renumberClasses() changes nothing where the lists are alike", () => {
  assert.equal(renumberClasses(CAM, MODEL, [...MODEL]), CAM);
});
