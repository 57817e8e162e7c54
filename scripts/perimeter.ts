/**
 * `deno task perimeter PHOTO…`: perimeter maps of photos and of folders of photos.
 *
 * Exit codes: 0, all photos are done; 1, some are not, each with a line on standard error; 2, the command
 * line makes no sense.
 */

import { Option } from "commander";
import {
  type Detector,
  DETECTORS,
  METHOD_CHOICES,
  type MethodChoice,
} from "../core/stages/perimeter_choices.ts";
import { createCommand, EXIT_USAGE, fail, integerIn } from "./cli.ts";
import { addBatchOptions, type BatchFlags, runPhotos } from "./photo_batch.ts";

interface PerimeterFlags extends BatchFlags {
  method: MethodChoice;
  detector?: Detector;
  reference: boolean;
  workingSize?: number;
  iterations?: number;
  minLabels?: number;
  seed?: number;
}

const FORMATS = ["perimeter", "overlay", "json", "npz"] as const;
const STANDARD_FORMATS = ["perimeter", "overlay"] as const;

const command = createCommand(
  "perimeter",
  "Find regions in photos, without classes, and the lines between them.",
)
  .addOption(
    new Option("--method <name>", "superpixels the regions are made of").choices(METHOD_CHOICES)
      .default("slic"),
  )
  .addOption(
    new Option("--detector <name>", "how lines are found (default: boundary)").choices(DETECTORS),
  )
  .option("--reference", "the published code's edges, and its picture as overlay", false)
  .option("--working-size <px>", "long side to which larger photos are reduced", integerIn(16, 768))
  .option("--iterations <n>", "most iterations of the training", integerIn(1, 64))
  .option("--min-labels <n>", "training ends with fewer labels than this", integerIn(1, 32))
  .option("--seed <n>", "seed of the initial weights", integerIn(0, 2 ** 32 - 1));
addBatchOptions(command, FORMATS, STANDARD_FORMATS).parse(Deno.args, { from: "user" });
const flags = command.opts<PerimeterFlags>();
const { method, detector, reference, workingSize, iterations, minLabels, seed } = flags;
if (reference && detector !== undefined && detector !== "canny") {
  fail(`--reference goes with --detector canny, not ${detector}`, EXIT_USAGE);
}

await runPhotos(command.args, flags, {
  stage: "perimeter",
  options: { method, detector, reference, workingSize, iterations, minLabels, seed },
  formats: STANDARD_FORMATS,
  kind: "perimeter",
  describe: ({ results }) =>
    results.map(({ method, regions, labels, iterations }) =>
      `${method}: ${regions} regions of ${labels} labels after ${iterations} iterations`
    ).join(", "),
});
