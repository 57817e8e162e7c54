/**
 * `deno task segment PHOTO…`: masks of photos and of folders of photos.
 *
 * Exit codes: 0, all photos are done; 1, some are not, each with a line on standard error; 2, the command
 * line makes no sense.
 */

import { Option } from "commander";
import { modelLegend } from "../core/runtime/legend.ts";
import { labelIndices } from "../core/stages/cam.ts";
import { SEGMENT_MODES, type SegmentMode } from "../core/stages/refine_choices.ts";
import {
  createCommand,
  EXIT_USAGE,
  fail,
  integerIn,
  numberIn,
  numbersIn,
  readList,
} from "./cli.ts";
import { addBatchOptions, type BatchFlags, runPhotos } from "./photo_batch.ts";

interface SegmentFlags extends BatchFlags {
  mode?: SegmentMode;
  crf?: boolean;
  labels?: string[];
  scales?: number[];
  mirror?: boolean;
  threshold?: number;
  minArea?: number;
  workingSize?: number;
}

const FORMATS = ["mask", "overlay", "json", "npz"] as const;
const STANDARD_FORMATS = ["mask", "overlay"] as const;

const command = createCommand("segment", "Find the VOC classes in photos and write masks of them.")
  .addOption(
    new Option(
      "--mode <name>",
      "fast: by a segmentation network; cam: from class activation maps; pipeline: from maps refined " +
        "by perimeters (default: fast where there is such a network, else cam)",
    ).choices(SEGMENT_MODES),
  )
  .option("--labels <list>", "classes known to be in the photos, as cat,dog", readList)
  .option("--scales <list>", "scales to look at, as 0.5,1,1.5", numbersIn(0.1, 4))
  .option("--mirror", "look at the mirrored photo as well (default: the mode's)")
  .option("--no-mirror", "do not look at the mirrored photo as well")
  .option("--crf", "let a dense CRF revise the mask (default: the mode's)")
  .option("--no-crf", "do not let a dense CRF revise the mask")
  .option(
    "--threshold <n>",
    "map value from which a pixel is foreground; not of fast",
    numberIn(0, 2),
  )
  .option("--min-area <n>", "smallest region kept, as a share of the photo", numberIn(0, 1))
  .option(
    "--working-size <px>",
    "long side to which larger photos are reduced",
    integerIn(16, 2048),
  );
addBatchOptions(command, FORMATS, STANDARD_FORMATS).parse(Deno.args, { from: "user" });
const flags = command.opts<SegmentFlags>();
const { mode, labels, scales, mirror, crf, threshold, minArea, workingSize } = flags;

await runPhotos(command.args, flags, {
  stage: "segment",
  options: { mode, labels, scales, mirror, crf, threshold, minArea, workingSize },
  formats: STANDARD_FORMATS,
  check({ camModel, segmentationModel, segmentationFirst }) {
    const fast = mode === "fast" || (mode === undefined && segmentationFirst);
    if (fast && segmentationModel === undefined) {
      fail("There is no segmentation network for the mode fast; name one", EXIT_USAGE);
    }
    try {
      const { names } = modelLegend(fast ? segmentationModel! : camModel);
      labelIndices(labels ?? [], names);
    } catch (error) {
      fail((error as Error).message, EXIT_USAGE);
    }
  },
  describe: ({ classes }) =>
    classes.map(({ name, score, area }) =>
      `${name} (score ${score.toFixed(2)}, ${(100 * area).toFixed(1)} % of the area)`
    ).join(", ") || "no known class",
});
