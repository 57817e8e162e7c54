import assert from "node:assert/strict";
import { edgeOfPerimeters, walkCam } from "../../../core/stages/walk.ts";

const [width, height] = [42, 30];
const [across, down] = [11, 8];

/** A vertical line. */
function lineAt(column: number) {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) data[y * width + column] = 255;
  return { width, height, data };
}

Deno.test("edgeOfPerimeters() gives the share of perimeters that cross a cell", () => {
  const edge = edgeOfPerimeters([lineAt(9), lineAt(21)], width, height, across, down);
  const row = [0, 0, 0.5, 0, 0, 0.5, 0, 0, 0, 0, 0];
  assert.deepEqual([...edge], Array.from({ length: down }, () => row).flat());
  const both = edgeOfPerimeters([lineAt(9), lineAt(10)], width, height, across, down);
  assert.deepEqual([both[2], both[3]], [1, 0]);
});

Deno.test("walkCam() spreads a CAM up to the perimeter and scales its largest value to 1", () => {
  const data = new Float32Array(across * down);
  data[3 * across + 2] = 0.3;
  const cam = { width: across, height: down, channels: 1, data };
  // Beyond the radius of one step, so that nothing reaches over the line.
  const lines = [lineAt(20)];
  const options = { edgeStrength: 1, radius: 3, steps: 64 };
  const walked = walkCam(cam, lines, width, height, options);
  assert.deepEqual([walked.width, walked.height, walked.channels], [width, height, 1]);
  assert.equal(walked.data.reduce((most, value) => Math.max(most, value), 0), 1);
  const row = walked.data.subarray(15 * width, 16 * width);
  // The walk takes less where it is near the border; all of the left is reached, the right is not.
  assert.ok(row.subarray(0, 17).every((value) => value > 0.1), `${row}`);
  assert.ok(row.subarray(27).every((value) => value < 1e-4), `${row}`);
  const free = walkCam(cam, lines, width, height, { ...options, edgeStrength: 0 });
  assert.ok(free.data.at(-1)! > 0.05);
});

Deno.test("walkCam() leaves a CAM of no classes, and one of zeros, as it is", () => {
  const none = { width: across, height: down, channels: 0, data: new Float32Array(0) };
  assert.equal(walkCam(none, [lineAt(3)], width, height).data.length, 0);
  const zeros = { ...none, channels: 1, data: new Float32Array(across * down) };
  assert.ok(walkCam(zeros, [lineAt(3)], width, height).data.every((value) => value === 0));
});

Deno.test("walkCam() refuses sizes that do not fit", () => {
  const cam = { width: across, height: down, channels: 1, data: new Float32Array(across * down) };
  assert.throws(() => walkCam(cam, [lineAt(3)], width + 4, height), TypeError);
  const other = { width: 3, height: 3, data: new Uint8Array(9) };
  assert.throws(() => walkCam(cam, [other], width, height), TypeError);
  assert.throws(() => walkCam(cam, [], width, height, { edgeStrength: 2 }), RangeError);
});
