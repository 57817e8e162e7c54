/** A classifier whose answers are simple functions of its input, and which remembers its calls. */

import type { CamModelInfo } from "../../core/runtime/models.ts";
import type { CamClassifier, ClassifierOutput } from "../../core/stages/cam.ts";

/** One call: the size of the images, and how many there were. */
export interface ClassifierCall {
  readonly width: number;
  readonly height: number;
  readonly views: number;
}

export interface FakeClassifier extends CamClassifier {
  readonly calls: ClassifierCall[];
}

const CELL = 16;

/**
 * Classes a, b, c: their maps are a channel each (red, green, blue) at every sixteenth pixel, before
 * normalisation minus `offset`; their logits are the `logits` given.
 */
export function createFakeClassifier(
  { logits = [2, -2, 0], offset = 0.3, ...info }:
    & Partial<CamModelInfo>
    & { logits?: readonly number[]; offset?: number } = {},
): FakeClassifier {
  const calls: ClassifierCall[] = [];
  return {
    calls,
    info: {
      task: "cam",
      file: "fake.onnx",
      bytes: 1,
      sha256: "0".repeat(64),
      classes: ["a", "b", "c"],
      mean: [0, 0, 0],
      std: [1, 1, 1],
      outputStride: CELL,
      scales: [1],
      threshold: 0.3,
      scoreThresholds: [0.5, 0.5, 0.5],
      licence: "",
      origin: "",
      madeBy: "",
      card: "",
      ...info,
    },
    classify(image, width, height): Promise<ClassifierOutput> {
      const views = image.length / (3 * width * height);
      calls.push({ width, height, views });
      const mapWidth = Math.ceil(width / CELL);
      const mapHeight = Math.ceil(height / CELL);
      const maps = new Float32Array(views * 3 * mapWidth * mapHeight);
      let to = 0;
      for (let plane = 0; plane < views * 3; plane++) {
        for (let y = 0; y < mapHeight; y++) {
          for (let x = 0; x < mapWidth; x++) {
            maps[to++] = image[(plane * height + y * CELL) * width + x * CELL]! - offset;
          }
        }
      }
      const answers = Array.from({ length: views }, () => logits).flat();
      return Promise.resolve({ maps, mapWidth, mapHeight, logits: Float32Array.from(answers) });
    },
  };
}
