/**
 * `deno task train:segmentation --data VOC2012 --masks RUN/pseudo_labels --run RUN/segmentation`: a
 * segmentation network, from label maps such as the chain's pseudo labels.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { classNames, modelColors } from "../../core/data/class_list.ts";
import { backboneNamed } from "../../core/nets/backbones.ts";
import { buildNetwork } from "../../core/nets/build_network.ts";
import type { SegmentationModelInfo } from "../../core/runtime/models.ts";
import type { ModelFacts } from "../../core/training/export_model.ts";
import {
  segmentationFeeds,
  segmentationLosses,
} from "../../core/training/networks/segmentation.ts";
import { validateSegmentation } from "../../core/training/networks/validate_segmentation.ts";
import type { StateDict } from "../../core/weights/state_dict.ts";
import { fail } from "../cli.ts";
import { augmentOptions, measuredClasses, openSets, type Origin } from "./network_options.ts";
import { segmentationOptions } from "./schemas.ts";
import { commonFacts, enterModel, NO_ORIGIN, trainNetwork } from "./train_network.ts";
import { readTrainingOptions, runScript } from "./training_script.ts";

async function run(): Promise<void> {
  const config = await readTrainingOptions(
    "train:segmentation",
    "Train a segmentation network on label maps.",
    segmentationOptions,
  );
  const { backbone: name, batch, size, labelStride, longSideLow, longSideHigh, masks } = config;
  const { data, train, validation } = await openSets(config);
  const missing = train.filter((id) => !existsSync(join(masks, `${id}.png`)));
  if (missing.length > 0) {
    fail(`${masks} lacks ${missing.length} of ${train.length} masks, ${missing[0]}.png first`);
  }
  const backbone = backboneNamed(name);
  const classes = ["background", ...classNames(data.classes)];
  const measured = measuredClasses(config, classNames(data.classes));
  const training = { backbone, classes: classes.length, batch, size, labelStride };
  const build = (weights: StateDict, storage?: "fp16") =>
    buildNetwork("deeplabv3plus", name, weights, { storage }).bytes;
  const describe = (origin: Origin): ModelFacts<SegmentationModelInfo> => ({
    task: "segmentation",
    mean: [...backbone.mean],
    std: [...backbone.std],
    classes,
    colors: modelColors(data.classes, { background: true }),
    outputStride: 16,
    scales: [1],
    mirror: false,
    crf: false,
    ...commonFacts(config, { title: "segmentation", schema: segmentationOptions, data, origin }),
  });
  const draft = {
    ...describe(NO_ORIGIN),
    file: "candidate.onnx",
    bytes: 1,
    sha256: "0".repeat(64),
  };

  const { weights, best, steps, origin } = await trainNetwork(config, {
    title: "segmentation",
    kind: "deeplabv3plus",
    classes: classes.length,
    samples: train.map((id) => ({
      id,
      image: data.imagePath(id),
      mask: join(masks, `${id}.png`),
    })),
    loader: {
      ...augmentOptions(config, [longSideLow, longSideHigh], labelStride),
      maskClasses: classes.length,
    },
    losses: segmentationLosses(training),
    feeds: (made) => segmentationFeeds(made, training),
    validation: validation.length === 0 ? undefined : {
      metric: "miou",
      run: (weights, session, signal) =>
        validateSegmentation(build(weights), draft, {
          data,
          ids: validation,
          measured,
          session,
          signal,
        }),
    },
  });
  await enterModel<SegmentationModelInfo>(
    config,
    config.name ?? `segmentation-${name}`,
    build(weights, config.precision === "fp16" ? "fp16" : undefined),
    describe(origin),
    "Segments photographs into classes in one look, without being told what is in them.",
    best === null
      ? null
      : `Mean IoU ${
        (100 * best.value).toFixed(1)
      } on ${validation.length} images of ${config.dev}, at ` +
        `one scale, without labels, after step ${best.step} of ${steps}.`,
  );
}

if (import.meta.main) await runScript(run);
