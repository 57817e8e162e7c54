/**
 * `deno task train:affinity --data VOC2012 --labels RUN/affinity_labels --run RUN/affinity`: AffinityNet, whose
 * edges the random walk respects, from the chain's affinity labels.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { backboneNamed } from "../../core/nets/backbones.ts";
import { buildNetwork } from "../../core/nets/build_network.ts";
import type { AffinityModelInfo } from "../../core/runtime/models.ts";
import type { ModelFacts } from "../../core/training/export_model.ts";
import {
  AFFINITY_STRIDE,
  affinityFeeds,
  affinityLosses,
} from "../../core/training/networks/affinity.ts";
import { validateAffinity } from "../../core/training/networks/validate_affinity.ts";
import type { StateDict } from "../../core/weights/state_dict.ts";
import { fail } from "../cli.ts";
import { augmentOptions, measuredClasses, openSets, type Origin } from "./network_options.ts";
import { classNames } from "../../core/data/class_list.ts";
import { affinityOptions } from "./schemas.ts";
import { commonFacts, enterModel, NO_ORIGIN, trainNetwork } from "./train_network.ts";
import { readTrainingOptions, runScript } from "./training_script.ts";

async function run(): Promise<void> {
  const config = await readTrainingOptions(
    "train:affinity",
    "Train AffinityNet on affinity labels.",
    affinityOptions,
  );
  const { backbone: name, batch, size, radius, labels, cams } = config;
  const { data, train, validation } = await openSets(config);
  const missing = train.filter((id) => !existsSync(join(labels, `${id}.png`)));
  if (missing.length > 0) {
    fail(`${labels} lacks ${missing.length} of ${train.length} labels, ${missing[0]}.png first`);
  }
  const backbone = backboneNamed(name);
  const training = { backbone, batch, size, radius };
  const build = (weights: StateDict, storage?: "fp16") =>
    buildNetwork("affinity", name, weights, { storage }).bytes;
  const describe = (origin: Origin): ModelFacts<AffinityModelInfo> => ({
    task: "affinity",
    mean: [...backbone.mean],
    std: [...backbone.std],
    outputStride: 4,
    padding: { least: config.paddedTo, multiple: 16 },
    radius: config.walkRadius,
    beta: config.beta,
    ...commonFacts(config, { title: "affinity", schema: affinityOptions, data, origin }),
  });
  const draft = {
    ...describe(NO_ORIGIN),
    file: "candidate.onnx",
    bytes: 1,
    sha256: "0".repeat(64),
  };
  const measured = measuredClasses(config, classNames(data.classes));

  const { weights, best, steps, origin } = await trainNetwork(config, {
    title: "affinity",
    kind: "affinity",
    classes: 0,
    samples: train.map((id) => ({
      id,
      image: data.imagePath(id),
      mask: join(labels, `${id}.png`),
    })),
    loader: {
      ...augmentOptions(config, [config.longSideLow, config.longSideHigh], AFFINITY_STRIDE),
      maskClasses: data.classes.length + 1,
    },
    losses: affinityLosses(training),
    feeds: (made) => affinityFeeds(made, training),
    validation: cams === undefined || validation.length === 0 ? undefined : {
      metric: "miou",
      run: (weights, session, signal) =>
        validateAffinity(build(weights), draft, {
          data,
          ids: validation,
          cams,
          measured,
          session,
          signal,
        }),
    },
  });
  await enterModel<AffinityModelInfo>(
    config,
    config.name ?? `affinity-${name}`,
    build(weights, config.precision === "fp16" ? "fp16" : undefined),
    describe(origin),
    "Finds edges between things of different classes, for the random walk that spreads CAMs.",
    best === null
      ? null
      : `Walked CAMs of ${validation.length} images of ${config.dev} with known labels: mean IoU ` +
        `${
          (100 * best.value).toFixed(1)
        } at the best threshold, after step ${best.step} of ${steps}.`,
  );
}

if (import.meta.main) await runScript(run);
