/**
 * `deno task train:segmentation --data VOC2012 --set train_aug --masks RUN/pseudo_labels --run RUN/segmentation`:
 * a segmentation network, from label maps such as the chain's pseudo labels.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { classNames } from "../../core/data/class_list.ts";
import { buildNetwork } from "../../core/nets/build_network.ts";
import { backboneNamed } from "../../core/nets/backbones.ts";
import type { SegmentationModelInfo } from "../../core/runtime/models.ts";
import type { StateDict } from "../../core/weights/state_dict.ts";
import { SampleLoader } from "../../core/training/data/sample_loader.ts";
import { exportModel, type ModelFacts } from "../../core/training/export_model.ts";
import { renderModelCard } from "../../core/training/model_card.ts";
import {
  segmentationFeeds,
  segmentationLosses,
} from "../../core/training/networks/segmentation.ts";
import { validateSegmentation } from "../../core/training/networks/validate_segmentation.ts";
import { NetworkTrainer } from "../../core/training/network_trainer.ts";
import { restoreBest } from "../../core/training/run/training_loop.ts";
import { fail } from "../cli.ts";
import {
  augmentOptions,
  learningOptions,
  measuredClasses,
  NETWORK_MAY_CHANGE,
  NETWORK_OPTIONS,
  openSets,
  planSteps,
  sessionOptions,
  startingPoint,
} from "./network_options.ts";
import {
  MAY_CHANGE,
  readTrainingOptions,
  runOptions,
  trainWithProgress,
} from "./training_script.ts";

const schema = z.strictObject({
  ...NETWORK_OPTIONS,
  masks: z.string().min(1).describe("folder of ID.png: classes by number, 255 = ignore"),
  longSideLow: z.int().min(16).max(4096).default(256).describe("least longer side of an image"),
  longSideHigh: z.int().min(16).max(4096).default(1024).describe(
    "greatest longer side of an image",
  ),
  labelStride: z.int().min(1).max(16).default(1)
    .describe("pixels per label that is learnt, each way; 4 is what light networks answer"),
  epochs: NETWORK_OPTIONS.epochs.default(15),
  rate: NETWORK_OPTIONS.rate.default(0.007),
  weightDecay: NETWORK_OPTIONS.weightDecay.default(4e-5),
});
type Config = z.output<typeof schema>;

async function train(config: Config): Promise<void> {
  const { backbone: name, batch, size, labelStride, seed, workers, prefetch, cacheMb } = config;
  const { data, train: ids, validation } = await openSets(config);
  const names = ["background", ...classNames(data.classes)];
  const missing = ids.filter((id) => !existsSync(join(config.masks, `${id}.png`)));
  if (missing.length > 0) {
    fail(`${config.masks} lacks ${missing.length} of ${ids.length} masks, ${missing[0]}.png first`);
  }
  const backbone = backboneNamed(name);
  const session = sessionOptions(config);
  const { parameters, fresh, origin } = await startingPoint("deeplabv3plus", names.length, config);
  using loader = new SampleLoader(
    ids.map((id) => ({ id, image: data.imagePath(id), mask: join(config.masks, `${id}.png`) })),
    {
      ...augmentOptions(config, [config.longSideLow, config.longSideHigh], labelStride),
      batch,
      seed,
      workers,
      prefetch,
      cacheMb,
    },
  );
  const training = { backbone, classes: names.length, batch, size, labelStride };
  await using trainer = await NetworkTrainer.create({
    build: segmentationLosses(training),
    parameters,
    ...learningOptions(config, fresh),
    seed,
    session,
  });
  const { steps, schedule, every } = planSteps(config, loader.perEpoch);
  const measured = measuredClasses(config, classNames(data.classes));
  const build = (weights: StateDict, storage?: "fp16") =>
    buildNetwork("deeplabv3plus", name, weights, { storage }).bytes;
  const facts: ModelFacts<SegmentationModelInfo> = {
    task: "segmentation",
    mean: [...backbone.mean],
    std: [...backbone.std],
    backbone: name,
    precision: config.precision,
    classes: names,
    outputStride: 16,
    scales: [1],
    mirror: false,
    crf: false,
    licence:
      "Backbone weights under their own licence (see NOTICE); trained on photographs whose " +
      "terms the card explains",
    origin,
    madeBy: `deno task train:segmentation ${Deno.args.join(" ")}`,
  };
  const draft = { ...facts, file: "candidate.onnx", bytes: 1, sha256: "0".repeat(64) };

  await trainWithProgress("segmentation", {
    ...runOptions(config),
    mayChange: [...MAY_CHANGE, ...NETWORK_MAY_CHANGE],
    trainer,
    source: loader,
    steps,
    schedule,
    feeds: (made) => segmentationFeeds(made, training),
    madeWith: { samples: loader.fingerprint },
    validation: validation.length === 0 ? undefined : {
      every,
      metric: "miou",
      patience: config.patience,
      run: (_step, signal) =>
        validateSegmentation(build(trainer.parameters()), draft, {
          data,
          ids: validation,
          measured,
          session,
          signal,
        }),
    },
  });

  const best = await restoreBest(config.run, trainer);
  const storage = config.precision === "fp16" ? "fp16" : undefined;
  const modelName = config.name ?? `segmentation-${name}`;
  const result = best === null
    ? "It was not validated."
    : `Mean IoU ${
      (100 * best.value).toFixed(1)
    } on ${validation.length} images of ${config.dev}, ` +
      `at one scale, without labels, after step ${best.step} of ${steps}.`;
  const info = await exportModel(config.out ?? config.run, {
    name: modelName,
    model: build(trainer.parameters(), storage),
    facts,
    card: (info) =>
      renderModelCard(modelName, info, {
        summary: "Segments photographs into classes in one look.",
        sections: [["What it is worth", result]],
      }),
  });
  console.log(`wrote ${join(config.out ?? config.run, info.file)}\n${result}`);
}

if (import.meta.main) {
  const config = await readTrainingOptions(
    "train:segmentation",
    "Train a segmentation network on label maps.",
    schema,
  );
  await train(config);
}
