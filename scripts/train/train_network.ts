/** A training of a network from its options to its best weights; the scripts of each kind build on it. */

import { basename, join } from "node:path";
import type { z } from "zod";
import type { DataSet } from "../../core/data/data_set.ts";
import type { NetworkKind } from "../../core/nets/build_network.ts";
import type { SessionOptions } from "../../core/runtime/device.ts";
import type { ModelInfo } from "../../core/runtime/models.ts";
import {
  type Batch,
  type Sample,
  SampleLoader,
  type SampleLoaderOptions,
} from "../../core/training/data/sample_loader.ts";
import { fingerprintFiles } from "../../core/training/data/fingerprint_files.ts";
import { splitBatch } from "../../core/training/data/split_batch.ts";
import { exportModel, type ModelFacts } from "../../core/training/export_model.ts";
import { renderModelCard } from "../../core/training/model_card.ts";
import {
  type BuildLosses,
  type Feeds,
  NetworkTrainer,
} from "../../core/training/networks/network_trainer.ts";
import type { BestValidation } from "../../core/training/run/checkpoints.ts";
import { restoreBest } from "../../core/training/run/training_loop.ts";
import type { StateDict } from "../../core/weights/state_dict.ts";
import { blockSizeOn, runtimeMadeWith } from "../voc/made_with.ts";
import { writeCommandLine } from "./command_line.ts";
import { dateAndHardware } from "./hardware.ts";
import {
  learningOptions,
  NETWORK_MAY_CHANGE,
  type NetworkConfig,
  type Origin,
  planSteps,
  sessionOptions,
  startingPoint,
} from "./network_options.ts";
import { MAY_CHANGE, runOptions, trainWithProgress } from "./training_script.ts";

/** What is particular to a kind of network. */
export interface NetworkTraining {
  /** As in `train:TITLE`. */
  readonly title: string;
  readonly kind: NetworkKind;
  /** Number of the network's classes. */
  readonly classes: number;
  readonly samples: readonly Sample[];
  /** How samples are varied. */
  readonly loader: Omit<SampleLoaderOptions, "batch" | "seed" | "workers" | "prefetch" | "cacheMb">;
  readonly losses: BuildLosses<string>;
  readonly feeds: (batch: Batch, step: number, steps: number) => Feeds;
  /** Default: none. */
  readonly validation?: {
    readonly metric: string;
    readonly run: (
      weights: StateDict,
      session: SessionOptions,
      signal: AbortSignal,
    ) => Promise<Readonly<Record<string, number>>>;
  };
}

/** A network that has been trained. */
export interface TrainedNetwork {
  /** Those of the best validation, else the last. */
  readonly weights: StateDict;
  readonly best: BestValidation | null;
  readonly steps: number;
  readonly session: SessionOptions;
  /** Where the weights come from that it started from. */
  readonly origin: Origin;
}

/** Stands for the origin where nobody will read of it. */
export const NO_ORIGIN: Origin = { text: "", sha256: "", pinned: false };

/** Trains; returns only when the training has come to its end, see {@linkcode trainWithProgress}. */
export async function trainNetwork(
  config: NetworkConfig,
  { title, kind, classes, samples, loader: varied, losses, feeds, validation }: NetworkTraining,
): Promise<TrainedNetwork> {
  const { batch: size, accumulate, seed, workers, prefetch, cacheMb } = config;
  const session = sessionOptions(config);
  const { parameters, fresh, origin } = await startingPoint(kind, classes, config);
  // Batches of whole steps, so that an epoch is the same however they are split.
  const batch = size * accumulate;
  using loader = new SampleLoader(samples, { ...varied, batch, seed, workers, prefetch, cacheMb });
  await using trainer = await NetworkTrainer.create({
    build: losses,
    parameters,
    ...learningOptions(config, fresh),
    seed,
    session,
  });
  const { steps, schedule, every } = planSteps(config, loader.perEpoch);
  await trainWithProgress(title, {
    ...runOptions(config),
    mayChange: [...MAY_CHANGE, ...NETWORK_MAY_CHANGE],
    trainer,
    source: loader,
    steps,
    schedule,
    feeds: (made, step) => splitBatch(made, accumulate).map((part) => feeds(part, step, steps)),
    madeWith: {
      samples: loader.fingerprint,
      masks: await fingerprintFiles(samples.flatMap(({ mask }) => mask ?? [])),
      startingWeights: origin.sha256,
      runtime: {
        ...runtimeMadeWith(session.device, session.threads),
        blockSize: await blockSizeOn(session.device),
      },
    },
    validation: validation && {
      every,
      metric: validation.metric,
      patience: config.patience,
      run: (_step, signal) => validation.run(trainer.parameters(), session, signal),
    },
  });
  const best = await restoreBest(config.run, trainer);
  return { weights: trainer.parameters(), best, steps, session, origin };
}

/** What every trained model tells of itself. */
export function commonFacts(
  config: NetworkConfig,
  { title, schema, data, origin }: {
    /** As in `train:TITLE`. */
    readonly title: string;
    readonly schema: z.ZodObject;
    readonly data: Pick<DataSet, "root">;
    readonly origin: Origin;
  },
) {
  const weights = origin.pinned
    ? "Backbone weights Apache-2.0 (see NOTICE)"
    : "Started from weights that are under the terms of who made them";
  return {
    backbone: config.backbone,
    precision: config.precision,
    licence: `${weights}; trained on the images of ${basename(data.root)}, ` +
      "whose terms are their owners'",
    origin: origin.text,
    madeBy: writeCommandLine(`train:${title}`, schema, config),
  };
}

/**
 * Enters a trained model in its folder, with a card, and says so.
 *
 * @param measured What was measured of it, as a sentence; `null` when nothing was.
 */
export async function enterModel<Info extends ModelInfo>(
  config: NetworkConfig,
  name: string,
  model: Uint8Array,
  facts: ModelFacts<Info>,
  summary: string,
  measured: string | null,
): Promise<void> {
  const folder = config.out ?? config.run;
  const when = dateAndHardware(sessionOptions(config));
  const worth = measured === null
    ? `It was not validated. Trained ${when}.`
    : `${measured} Measured ${when}.`;
  const info = await exportModel<Info>(folder, {
    name,
    model,
    facts,
    card: (info) =>
      renderModelCard(name, info, { summary, sections: [["What it is worth", worth]] }),
  });
  console.log(`wrote ${join(folder, info.file)}\n${worth}`);
}
