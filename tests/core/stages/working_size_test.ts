import assert from "node:assert/strict";
import { OptionError } from "../../../core/errors.ts";
import { perimeterStage } from "../../../core/stages/perimeter_stage.ts";
import { refineStage } from "../../../core/stages/refine_stage.ts";
import { segmentStage } from "../../../core/stages/segment_stage.ts";
import type { StageModels } from "../../../core/stages/stage.ts";
import {
  checkHeavyPixels,
  MAX_HEAVY_PIXELS,
  workingSize,
} from "../../../core/stages/working_size.ts";

Deno.test("checkHeavyPixels() advises the greatest working size that it takes", () => {
  for (const [width, height] of [[4000, 3000], [600, 570], [3000, 4001], [5000, 5000]] as const) {
    const image = { width, height };
    checkHeavyPixels(image, undefined, "training");
    let advice = 0;
    assert.throws(() => checkHeavyPixels(image, 2048, "training"), (error: Error) => {
      advice = Number(/at most (\d+)$/.exec(error.message)![1]);
      return error instanceof OptionError && error.message.includes("for training");
    });
    checkHeavyPixels(image, advice, "training");
    const more = workingSize(width, height, advice + 1);
    assert.ok(more.width * more.height > MAX_HEAVY_PIXELS);
  }
});

Deno.test("Stages refuse to train and to infer a CRF on more pixels than may be waited for", async () => {
  const image = { width: 640, height: 600, data: new Uint8Array(0) };
  // What is refused never comes to a model.
  const segmenter = { info: { crf: false } };
  const models = { classifier: {}, uss: {}, segmenter } as unknown as StageModels;
  const limits = { workingSize: 640 };
  const refused = { name: "OptionError", message: /640×600 px are 384000 px .*limit is 331776/ };
  const checkpoint = () => {};
  const compute = [
    () => perimeterStage.compute(image, limits, models, checkpoint),
    () => refineStage.compute(image, limits, models, checkpoint),
    () => segmentStage.compute(image, { ...limits, mode: "pipeline" }, models, checkpoint),
    () => segmentStage.compute(image, { ...limits, mode: "fast", crf: true }, models, checkpoint),
  ];
  for (const refuse of compute) await assert.rejects(async () => await refuse(), refused);
});
