import assert from "node:assert/strict";
import { encodeCam, encodePerimeter } from "../../../core/batch/codecs.ts";
import type { BatchSurroundings, Files, Work } from "../../../core/batch/task.ts";
import { prepare as prepareAffinityLabels } from "../../../core/batch/tasks/affinity_labels.ts";
import { prepare as preparePseudoLabels } from "../../../core/batch/tasks/pseudo_labels.ts";
import { prepare as prepareRandomWalk } from "../../../core/batch/tasks/random_walk.ts";
import {
  affinityLabelsOptions,
  pseudoLabelsOptions,
  randomWalkOptions,
} from "../../../core/batch/tasks.ts";
import { encodeRgbPng } from "../../../core/image/mod.ts";

const SURROUNDINGS: BatchSurroundings = {
  models: [],
  device: "cpu",
  threads: 1,
  layout: "silop",
};
const [width, height] = [12, 8];

function filesOf(): Files {
  const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => i * 37);
  const ramp = (across: number, down: number) => ({
    channels: 1,
    width: across,
    height: down,
    data: Float32Array.from({ length: across * down }, (_, p) => p % across / across),
  });
  const perimeter = encodePerimeter({ width, height, data: new Uint8Array(width * height) });
  return {
    photo: encodeRgbPng({ width, height, data: rgb }),
    combined: encodeCam({ keys: [0, 5], cam: ramp(3, 2), hrCam: ramp(width, height) }, "silop"),
    perimeter_slic: perimeter,
    perimeter_quickshift: perimeter,
  };
}

/** How often the work looks whether it is wanted; it must end wherever it is told that it is not. */
async function looksOf(work: Work): Promise<number> {
  let looks = 0;
  await work(filesOf(), () => void looks++);
  for (const last of [1, looks]) {
    let left = last;
    const stop = new DOMException("no longer wanted", "AbortError");
    await assert.rejects(
      work(filesOf(), () => {
        if (--left === 0) throw stop;
      }),
      stop,
    );
    assert.equal(left, 0);
  }
  return looks;
}

// The softmax that a CRF starts from counts as a step.
Deno.test("pseudo-labels looks after each of the CRF's kernels and steps whether it is wanted", async () => {
  const options = pseudoLabelsOptions.parse({ from: "combined", crfSteps: 7 });
  assert.equal(await looksOf(await preparePseudoLabels(options, SURROUNDINGS)), 2 + (1 + 7));
});

Deno.test("affinity-labels looks after each kernel and every step of both CRFs whether it is wanted", async () => {
  const options = affinityLabelsOptions.parse({ from: "combined", crfSteps: 4 });
  assert.equal(await looksOf(await prepareAffinityLabels(options, SURROUNDINGS)), 2 + 2 * (1 + 4));
});

Deno.test("random-walk looks after every step over perimeters whether it is wanted", async () => {
  const options = randomWalkOptions.parse({ from: "combined", edge: "perimeter", steps: 3 });
  assert.equal(await looksOf(await prepareRandomWalk(options, SURROUNDINGS)), 3);
});
