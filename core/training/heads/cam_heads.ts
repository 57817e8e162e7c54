/**
 * Heads of a CAM model from image-level labels alone, on a frozen backbone's features:
 *
 * 1. a head that tags whole images (`tag_head.ts`);
 * 2. the maps it makes of the classes known to be in an image say of some cells what they show (`seeds.ts`);
 * 3. a head of class against background learnt from these cells and the image labels (`map_head.ts`).
 *
 * The first makes the model's logits, the last its maps. The one tags better, the other, which has seen
 * background, finds more of an object than its most telling part.
 */

import { Pcg64 } from "../../../kernels/pcg64.ts";
import type { CamHeads } from "../../nets/cam_model.ts";
import type { Features } from "./features.ts";
import type { Prior } from "./linear_head.ts";
import { type MapHeadOptions, trainMapHead } from "./map_head.ts";
import { joinSeeds, pickSeeds, type SeedOptions, type Seeds } from "./seeds.ts";
import { type TaggedMeans, type TagHeadOptions, trainTagHead } from "./tag_head.ts";

/** One training image. */
export interface TrainingImage {
  /** 0-based classes in the image. */
  readonly labels: readonly number[];
  /** Its averaged features: `C`. */
  mean(): Promise<Float32Array>;
  features(): Promise<Features>;
}

/** What training is about to do. */
export type TrainingPhase = "means" | "tags" | "seeds" | "maps";

/** Options of {@linkcode trainCamHeads}. */
export interface CamHeadsOptions {
  /**
   * Classes with fewer images than this start from the prior, the others from nothing: with enough
   * images of its own a class does better without. Default: 30.
   */
  priorBelow?: number;
  /** How the tag head is trained. */
  tags?: Omit<TagHeadOptions, "threads" | "onStep">;
  /** How seeds are picked. */
  seeds?: SeedOptions;
  /** How the map head is trained. */
  maps?: Omit<MapHeadOptions, "seed" | "threads" | "onStep">;
  /** Seed of all choices. Default: 0. */
  seed?: number;
  /** Native threads. Default: ONNX Runtime's choice. */
  threads?: number;
  /** Called after every image or step of a phase. */
  onStep?: (phase: TrainingPhase, step: number, steps: number, loss?: number) => void;
}

/**
 * Trains both heads.
 *
 * @param classes Number of classes.
 * @param directions `K×C`, a direction for each class; see `imagenet_prior.ts`.
 */
export async function trainCamHeads(
  images: readonly TrainingImage[],
  classes: number,
  directions: Float32Array,
  options: CamHeadsOptions = {},
): Promise<CamHeads> {
  const { priorBelow = 30, seed = 0, threads, onStep = () => {} } = options;
  const tagged = await collectMeans(images, classes, onStep);
  const prior: Prior = { directions, used: rareClasses(images, classes, priorBelow) };
  const tags = await trainTagHead(tagged, prior, {
    ...options.tags,
    threads,
    onStep: (step, steps, loss) => onStep("tags", step, steps, loss),
  });

  const random = new Pcg64(seed);
  const parts: Seeds[] = [];
  for (const [i, image] of images.entries()) {
    const features = await image.features();
    parts.push(pickSeeds(features, tags.weights, image.labels, random, options.seeds));
    onStep("seeds", i + 1, images.length);
  }
  const seeds = joinSeeds(parts.splice(0));
  const maps = await trainMapHead(seeds, tagged, prior, {
    ...options.maps,
    seed: seed + 1,
    threads,
    onStep: (step, steps, loss) => onStep("maps", step, steps, loss),
  });
  return { maps: maps.weights, tags: tags.weights, tagBias: tags.bias };
}

/** 1 for every class with fewer images than `below`, else 0. */
export function rareClasses(
  images: readonly Pick<TrainingImage, "labels">[],
  classes: number,
  below: number,
): Float32Array {
  const counts = new Uint32Array(classes);
  for (const { labels } of images) for (const label of labels) counts[label]! += 1;
  return Float32Array.from(counts, (count) => count < below ? 1 : 0);
}

async function collectMeans(
  images: readonly TrainingImage[],
  classes: number,
  onStep: NonNullable<CamHeadsOptions["onStep"]>,
): Promise<TaggedMeans> {
  const rows: Float32Array[] = [];
  const tags = new Float32Array(images.length * classes);
  for (const [i, image] of images.entries()) {
    rows.push(await image.mean());
    for (const label of image.labels) tags[i * classes + label] = 1;
    onStep("means", i + 1, images.length);
  }
  const channels = rows[0]?.length ?? 0;
  const means = new Float32Array(rows.length * channels);
  rows.forEach((row, i) => means.set(row, i * channels));
  return { means, tags, classes };
}
