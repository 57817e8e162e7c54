/**
 * Refinement: the whole chain from a photograph to a mask that follows the perimeters of things.
 *
 * CAM, unsupervised segmentations by SLIC and quickshift and their perimeters, the fit of the CAM to
 * them, a random walk if wanted, the best class above a threshold, revised by a dense CRF.
 */

import { OptionError } from "../errors.ts";
import type { Mask, Planes, Raster } from "../raster.ts";
import { crfKernels } from "../../kernels/dense_crf.ts";
import { enlargeRegions } from "../../kernels/enlarge_regions.ts";
import { pseudoLabels } from "../../kernels/pseudo_labels.ts";
import { removeSpecks } from "../../kernels/remove_specks.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { type EdgeNetwork, findModelEdges } from "./affinity.ts";
import { type Cam, type CamOptions, checkCamOptions, computeCam } from "./cam.ts";
import { fitMaps, type FittedMaps } from "./fit.ts";
import {
  checkPerimeterOptions,
  findPerimeters,
  type PerimeterOptions,
  type Perimeters,
} from "./perimeter.ts";
import type { MethodChoice } from "./perimeter_choices.ts";
import {
  EDGE_KINDS,
  type EdgeKind,
  FIT_RULES,
  type FitRule,
  REFINE_RESULTS,
  type RefineResult,
} from "./refine_choices.ts";
import { checkSegmentOptions, DEFAULT_MIN_AREA, type SegmentOptions } from "./segment.ts";
import type { Checkpoint, StageModels } from "./stage.ts";
import { walkCam, walkOverEdges } from "./walk.ts";
import { workingSize } from "./working_size.ts";

/** Options of {@linkcode refineImage}. */
export interface RefineOptions
  extends CamOptions, Omit<PerimeterOptions, "workingSize" | "reference">, SegmentOptions {
  /** How the CAM is fitted to the perimeters, see `kernels/fit_cam.ts`. Default: {@linkcode DEFAULT_FIT}. */
  fit?: FitRule;
  /** Lines between regions. Default: `"canny"` when `fit` is `"reference"`, else `"boundary"`. */
  detector?: PerimeterOptions["detector"];
  /** Which segmentations are made; one alone takes half the time. Default: `"both"`. */
  method?: PerimeterOptions["method"];
  /** Whether the fitted CAM walks at random between edges. Default: where there is an AffinityNet. */
  walk?: boolean;
  /** Whose edges the walk respects. Default: `"model"` where there is an AffinityNet, else `"perimeter"`. */
  edge?: EdgeKind;
  /** Whether a dense CRF revises the mask. Default: `true`. */
  crf?: boolean;
  /**
   * Value of the refined CAM, 0..2, that a pixel must exceed to be foreground. Default: the one in
   * {@linkcode FIT_THRESHOLDS}, or {@linkcode WALK_THRESHOLDS} after a walk.
   */
  threshold?: number;
  /** What pictures of the result show. Default: `"mask"`. */
  result?: RefineResult;
}

/** A refinement with all that led to it. Everything but the mask is of the working size. */
export interface Refinement {
  /** The image at the working size. */
  readonly image: Raster;
  readonly cam: Cam;
  readonly perimeters: Perimeters;
  readonly fit: FitRule;
  /** Without classes: the empty CAM. */
  readonly fitted: FittedMaps;
  /** The maps after the walk, `K×H×W`, when there was one. */
  readonly walked?: Planes;
  /** AffinityNet's edges, `⌈H/4⌉×⌈W/4⌉`, when it was asked. */
  readonly edges?: Planes;
  readonly crf: boolean;
  /** The threshold used. */
  readonly threshold: number;
  /** At the image's full size. */
  readonly mask: Mask;
  /** What pictures show. */
  readonly result: RefineResult;
}

/** The networks that refinement needs. */
export type RefineModels = Pick<StageModels, "classifier" | "uss" | "edges">;

/** Best on 137 photos with the first CAM model; `docs/refinement.md` has the figures of all rules. */
export const DEFAULT_FIT: FitRule = "half";

/**
 * Value above which a pixel is foreground, by fit rule. Chosen on the same photos with the CAM model that
 * comes with this project; rules that raise the CAM, or spread it, want other values than the CAM itself.
 */
export const FIT_THRESHOLDS: Readonly<Record<FitRule, number>> = {
  reference: 0.1,
  all: 0.1,
  majority: 0.16,
  "region-mean": 0.12,
  half: 0.1,
  "mean-majority": 0.16,
};
/** The same after a walk, whose result is divided by its largest value, by the kind of edges. */
export const WALK_THRESHOLDS: Readonly<Record<EdgeKind, number>> = { model: 0.24, perimeter: 0.24 };

/** How the CRF revises the mask: fitted maps thoroughly, walked ones as published. */
export const REFINE_CRF = {
  fitted: { steps: 10, unary: "values" },
  walked: { steps: 1, unary: "labels" },
} as const;

/**
 * Refines the CAM of a photograph, and cuts a mask from it.
 *
 * Larger images are reduced to the working size and the mask brought back along their own edges
 * (`kernels/enlarge_regions.ts`).
 *
 * @param checkpoint Told of every step done: `cam`; for each method `superpixels`, `training`,
 *   `enlarging`, `edges`; `fit`, `affinity`, `walk`, `crf`, `mask`.
 * @throws {OptionError} An option cannot be served.
 */
export async function refineImage(
  image: Raster,
  { classifier, uss, edges: network }: RefineModels,
  options: RefineOptions = {},
  checkpoint: Checkpoint = () => {},
): Promise<Refinement> {
  checkRefineOptions(options, { classifier, edges: network });
  const { fit, method, walk, edge, crf, threshold, minArea, result } = settle(options, network);
  const work = reduce(image, options.workingSize);
  const cam = await computeCam(image, classifier, options, () => checkpoint("cam"));
  checkpoint("cam");
  const forPerimeters = perimeterOptions(options, fit, method);
  const perimeters = await findPerimeters(work, uss, forPerimeters, checkpoint);
  const parts = { image: work, cam, perimeters, fit, crf, threshold, result };
  if (cam.keys.length === 1) {
    const { width, height } = image;
    const mask = { width, height, data: new Uint8Array(width * height) };
    return { ...parts, fitted: { cam: cam.cam, hrCam: cam.hrCam }, mask };
  }

  const fitted = fitMaps(cam, perimeters.branches, fit);
  checkpoint("fit");
  const byModel = walk && edge === "model";
  const edges = byModel
    ? await findModelEdges(work, network!, () => checkpoint("affinity"))
    : undefined;
  const walked = walk
    ? walkOn(fitted.cam, perimeters, edges, network, work, () => checkpoint())
    : undefined;
  if (walk) checkpoint("walk");
  const { data } = walked ?? fitted.hrCam;
  const revised = { checkpoint: () => checkpoint() };
  const kernels = crf ? crfKernels(work.data, work.width, work.height, revised) : [];
  const { labels } = pseudoLabels(data, cam.keys, work.width, work.height, kernels, {
    threshold,
    ...REFINE_CRF[walk ? "walked" : "fitted"],
    ...revised,
  });
  if (crf) checkpoint("crf");
  const mask = finish(labels, work, image, minArea, () => checkpoint());
  checkpoint("mask");
  return { ...parts, fitted, ...(walked && { walked }), ...(edges && { edges }), mask };
}

/**
 * Refuses options that {@linkcode refineImage} cannot serve, whatever the image.
 *
 * @throws {OptionError}
 */
export function checkRefineOptions(
  options: RefineOptions,
  { classifier: { info }, edges }: Pick<StageModels, "classifier" | "edges">,
): void {
  const { fit, method, walk, edge, threshold, minArea, result } = settle(options, edges);
  const choose = (name: string, value: string, choices: readonly string[]) => {
    if (choices.includes(value)) return;
    throw new OptionError(`${name} must be one of ${choices.join(", ")}, got ${value}`);
  };
  choose("fit", fit, FIT_RULES);
  choose("result", result, REFINE_RESULTS);
  choose("edge", edge, EDGE_KINDS);
  if (walk && edge === "model" && edges === undefined) {
    throw new OptionError("edge model needs an AffinityNet, and there is none here");
  }
  checkCamOptions(options, info);
  checkPerimeterOptions(perimeterOptions(options, fit, method));
  if (method !== "both" && result === (method === "slic" ? "quickshift" : "slic")) {
    throw new OptionError(`There is no result ${result} when the method is ${method} alone`);
  }
  checkSegmentOptions({ minArea });
  if (!(threshold >= 0 && threshold <= 2)) {
    throw new OptionError(`threshold of a refined CAM must lie in 0..2, got ${threshold}`);
  }
}

/** What the options leave open. */
function settle(options: RefineOptions, network: EdgeNetwork | undefined) {
  const { fit = DEFAULT_FIT, method = "both", walk = network !== undefined, crf = true } = options;
  const { minArea = DEFAULT_MIN_AREA, result = "mask" } = options;
  const { edge = network === undefined ? "perimeter" : "model" } = options;
  const { threshold = walk ? WALK_THRESHOLDS[edge] : FIT_THRESHOLDS[fit] } = options;
  return { fit, method, walk, edge, crf, threshold, minArea, result };
}

/** Only what concerns perimeters, so that options of other things are not taken for theirs. */
function perimeterOptions(
  { iterations, minLabels, learningRate, momentum, seed, workingSize, detector }: RefineOptions,
  fit: FitRule,
  method: MethodChoice,
): PerimeterOptions {
  const training = { iterations, minLabels, learningRate, momentum, seed };
  const lines = detector ?? (fit === "reference" ? "canny" : "boundary");
  return { ...training, workingSize, method, detector: lines };
}

/** Walks over AffinityNet's edges, or over the perimeters. */
function walkOn(
  cam: Planes,
  { branches }: Perimeters,
  edges: Planes | undefined,
  network: EdgeNetwork | undefined,
  { width, height }: Raster,
  checkpoint: () => void,
): Planes {
  if (edges === undefined) {
    const lines = branches.map(({ perimeter }) => perimeter);
    return walkCam(cam, lines, width, height, { checkpoint });
  }
  const { radius, beta } = network!.info;
  return walkOverEdges(cam, edges, width, height, { radius, beta, checkpoint });
}

function reduce(image: Raster, longSide?: number): Raster {
  const size = workingSize(image.width, image.height, longSide);
  if (size.width === image.width && size.height === image.height) return image;
  const { data, width, height } = image;
  return { ...size, data: resizeImage(data, width, height, 3, size.width, size.height) };
}

/** Labels at the image's full size, without specks. */
function finish(
  labels: Uint8Array,
  work: Raster,
  image: Raster,
  minArea: number,
  checkpoint: () => void,
): Mask {
  const { width, height } = image;
  const data = work === image
    ? labels
    : Uint8Array.from(enlargeRegions(Int32Array.from(labels), work, image, checkpoint));
  removeSpecks(data, width, height, Math.round(minArea * width * height));
  return { width, height, data };
}
