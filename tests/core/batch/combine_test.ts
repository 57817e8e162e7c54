import assert from "node:assert/strict";
import { decodeCam, encodeCam, encodeUss } from "../../../core/batch/codecs.ts";
import type { BatchSurroundings } from "../../../core/batch/task.ts";
import { prepare } from "../../../core/batch/tasks/combine.ts";
import { combineOptions } from "../../../core/batch/tasks.ts";
import type { Planes } from "../../../core/raster.ts";
import { DEFAULT_FIT } from "../../../core/stages/refine.ts";

const SURROUNDINGS: BatchSurroundings = {
  models: [],
  device: "cpu",
  threads: 1,
  layout: "silop",
};
const [WIDTH, HEIGHT] = [8, 6];
const planes = (width: number, height: number, value: (x: number) => number): Planes => ({
  channels: 1,
  width,
  height,
  data: Float32Array.from({ length: width * height }, (_, p) => value(p % width)),
});

/** The first row of the map that a rule makes of a CAM that rises to the right over two regions. */
async function combined(fit: "region-mean" | "half" | "mean-majority"): Promise<number[]> {
  const data = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, p) => p % WIDTH < 4 ? 1 : 2);
  const uss = encodeUss({ width: WIDTH, height: HEIGHT, data }, "silop");
  const cam = encodeCam({
    keys: [0, 5],
    cam: planes(2, 2, (x) => x),
    hrCam: planes(WIDTH, HEIGHT, (x) => x < 4 ? 0 : x / 8),
  }, "silop");
  const work = await prepare(combineOptions.parse({ fit }), SURROUNDINGS);
  const made = await work({ cam, uss_slic: uss, uss_quickshift: uss }, () => Promise.resolve());
  const { keys, cam: small, hrCam } = decodeCam(made.combined!);
  assert.deepEqual([keys, small.width, small.height], [[0, 5], 2, 2]);
  return Array.from(hrCam.data.subarray(0, WIDTH));
}

Deno.test("combine takes means over regions, wholly, by half, or raised where the CAM mostly is", async () => {
  const mean = (4 + 5 + 6 + 7) / 4 / 8;
  const none = [0, 0, 0, 0];
  assert.deepEqual(await combined("region-mean"), [...none, mean, mean, mean, mean]);
  const half = [4, 5, 6, 7].map((x) => (x / 8 + mean) / 2);
  assert.deepEqual(await combined("half"), [...none, ...half]);
  const raised = await combined("mean-majority");
  assert.deepEqual(raised.slice(0, 4), none);
  for (const value of raised.slice(4)) assert.ok(value > mean, `${raised}`);
});

Deno.test("combine offers the rule that refining takes by default", () => {
  assert.equal(combineOptions.parse({ fit: DEFAULT_FIT }).fit, DEFAULT_FIT);
});
