/** The options of each kind of network's training, with their explanations. */

import { z } from "zod";
import { NETWORK_OPTIONS } from "./network_options.ts";

const length = z.int().min(16).max(4096);

/** Options of `train:classifier`. */
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

/** Options of `train:affinity`. */
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

/** Options of `train:segmentation`. */
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
