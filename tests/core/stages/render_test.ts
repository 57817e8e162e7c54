import assert from "node:assert/strict";
import { DecodeError } from "../../../core/errors.ts";
import { renderStage, type StageName, type StageOptions } from "../../../core/stages/render.ts";
import type { StageModels } from "../../../core/stages/stage.ts";
import { createFakeClassifier } from "../../helpers/fake_classifier.ts";
import { TRUNCATED_CAT } from "../../helpers/photos.ts";

const models: StageModels = {
  classifier: createFakeClassifier(),
  uss: { segment: () => Promise.reject(new Error("no network was to be trained")) },
};

async function render<S extends StageName>(stage: S, options: StageOptions<S>) {
  return await renderStage(
    { stage, image: TRUNCATED_CAT, options, files: [], output: false, limits: {} },
    models,
  );
}

Deno.test("renderStage() refuses options before it decodes the image", async () => {
  // The image is damaged, which would be found out by decoding it.
  for (const stage of ["cam", "segment", "perimeter"] as const) {
    await assert.rejects(render(stage, {}), DecodeError);
  }
  for (const stage of ["cam", "segment"] as const) {
    const refuse = async (options: StageOptions<"cam">, message: RegExp) =>
      await assert.rejects(render(stage, options), { name: "OptionError", message });
    await refuse({ labels: ["a", "unicorn"] }, /unicorn/);
    await refuse({ scales: [] }, /1 to 8 numbers, got 0/);
    await refuse({ scales: [1, 9] }, /0\.1\.\.4, got 9/);
    await refuse({ workingSize: 15 }, /16\.\.2048, got 15/);
  }
  for (
    const [options, message] of [
      [{ threshold: 5 }, /threshold must lie in 0\.\.1, got 5/],
      [{ minArea: NaN }, /minArea must lie in 0\.\.1, got NaN/],
    ] as const
  ) {
    await assert.rejects(render("segment", options), { name: "OptionError", message });
  }
  for (
    const [options, message] of [
      [{ method: "felzenszwalb" as "slic" }, /slic, quickshift, both/],
      [{ detector: "sobel" as "canny" }, /boundary, canny/],
      [{ reference: true, detector: "boundary" }, /canny, not boundary/],
      [{ workingSize: 769 }, /16\.\.768, got 769/],
      [{ iterations: 0 }, /1\.\.64, got 0/],
    ] as const
  ) {
    await assert.rejects(render("perimeter", options), { name: "OptionError", message });
  }
});
