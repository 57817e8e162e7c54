/**
 * `deno task train:classifier --data VOC2012 --run RUN/classifier`: a classifier whose class activation maps the
 * chain begins with, from image-level labels, by Puzzle-CAM.
 */

import { classNames, modelColors } from "../../core/data/class_list.ts";
import { backboneNamed } from "../../core/nets/backbones.ts";
import { buildNetwork } from "../../core/nets/build_network.ts";
import type { SessionOptions } from "../../core/runtime/device.ts";
import type { CamModelInfo } from "../../core/runtime/models.ts";
import type { ModelFacts } from "../../core/training/export_model.ts";
import {
  classifierFeeds,
  classifierLosses,
  puzzleWeight,
} from "../../core/training/networks/classifier.ts";
import { validateClassifier } from "../../core/training/networks/validate_classifier.ts";
import type { StateDict } from "../../core/weights/state_dict.ts";
import { augmentOptions, measuredClasses, openSets, type Origin } from "./network_options.ts";
import { checkedClassifierOptions, classifierOptions } from "./schemas.ts";
import { commonFacts, enterModel, NO_ORIGIN, trainNetwork } from "./train_network.ts";
import { readTrainingOptions, runScript } from "./training_script.ts";

async function run(): Promise<void> {
  const config = await readTrainingOptions(
    "train:classifier",
    "Train a classifier for class activation maps on image-level labels.",
    checkedClassifierOptions,
  );
  const { backbone: name, batch, size, puzzle, alpha, longSideLow, longSideHigh } = config;
  const { data, train, validation } = await openSets(config);
  const backbone = backboneNamed(name);
  const classes = classNames(data.classes);
  const training = { backbone, classes: classes.length, batch, size, puzzle };
  const build = (weights: StateDict, storage?: "fp16") =>
    buildNetwork("classifier", name, weights, { storage }).bytes;
  const describe = (
    origin: Origin,
    threshold: number,
    scoreThresholds: readonly number[],
  ): ModelFacts<CamModelInfo> => ({
    task: "cam",
    mean: [...backbone.mean],
    std: [...backbone.std],
    classes,
    colors: modelColors(data.classes),
    outputStride: 16,
    scales: config.scales,
    threshold,
    scoreThresholds: [...scoreThresholds],
    ...commonFacts(config, { title: "classifier", schema: classifierOptions, data, origin }),
  });
  const half = classes.map(() => 0.5);
  const draft = {
    ...describe(NO_ORIGIN, 0.2, half),
    file: "candidate.onnx",
    bytes: 1,
    sha256: "0".repeat(64),
  };
  const measured = measuredClasses(config, classes);
  const measure = (
    weights: StateDict,
    ids: readonly string[],
    session: SessionOptions,
    signal?: AbortSignal,
  ) => validateClassifier(build(weights), draft, { data, ids, measured, session, signal });

  const { weights, best, steps, session, origin } = await trainNetwork(config, {
    title: "classifier",
    kind: "classifier",
    classes: classes.length,
    samples: await Promise.all(train.map(async (id) => ({
      id,
      image: data.imagePath(id),
      labels: await data.labels(id),
    }))),
    loader: { ...augmentOptions(config, [longSideLow, longSideHigh]), classes: classes.length },
    losses: classifierLosses(training),
    feeds: (made, step, steps) => classifierFeeds(made, training, puzzleWeight(step, steps, alpha)),
    validation: validation.length === 0 ? undefined : {
      metric: "miou",
      run: async (weights, session, signal) => {
        const { miou, threshold, meanAveragePrecision } = await measure(
          weights,
          validation,
          session,
          signal,
        );
        return { miou, threshold, meanAveragePrecision };
      },
    },
  });
  const chosen = validation.length === 0
    ? null
    : await measure(weights, await data.ids(config.dev), session);
  await enterModel<CamModelInfo>(
    config,
    config.name ?? `cam-${name}-puzzle`,
    build(weights, config.precision === "fp16" ? "fp16" : undefined),
    describe(origin, chosen?.threshold ?? 0.2, chosen?.scoreThresholds ?? half),
    "Tells which classes are in a photograph, and gives a map of each: where its evidence lies.",
    chosen === null
      ? null
      : `On all images of ${config.dev}, at scales ${config.scales.join(", ")} ` +
        `with mirrors: mean IoU of CAMs ${
          (100 * chosen.miou).toFixed(1)
        } with known labels at threshold ` +
        `${chosen.threshold}, mean average precision of labels ${
          chosen.meanAveragePrecision.toFixed(3)
        }; after step ` +
        `${best?.step ?? steps} of ${steps}.`,
  );
}

if (import.meta.main) await runScript(run);
