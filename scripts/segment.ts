/**
 * `deno task segment PHOTO…`: masks of photos and of folders of photos.
 *
 * Exit codes: 0, all photos are done; 1, some are not, each with a line on standard error; 2, the command
 * line makes no sense.
 */

import { labelIndices } from "../core/stages/cam.ts";
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
  labels?: string[];
  scales?: number[];
  mirror: boolean;
  threshold?: number;
  minArea?: number;
  workingSize?: number;
}

const FORMATS = ["mask", "overlay", "json", "npz"] as const;
const STANDARD_FORMATS = ["mask", "overlay"] as const;

const command = createCommand("segment", "Find the VOC classes in photos and write masks of them.")
  .option("--labels <list>", "classes known to be in the photos, as cat,dog", readList)
  .option("--scales <list>", "scales to look at, as 0.5,1,1.5", numbersIn(0.1, 4))
  .option("--no-mirror", "do not look at the mirrored photo as well")
  .option("--threshold <n>", "map value from which a pixel is foreground", numberIn(0, 1))
  .option("--min-area <n>", "smallest region kept, as a share of the photo", numberIn(0, 1))
  .option(
    "--working-size <px>",
    "long side to which larger photos are reduced",
    integerIn(16, 2048),
  );
addBatchOptions(command, FORMATS, STANDARD_FORMATS).parse(Deno.args, { from: "user" });
const flags = command.opts<SegmentFlags>();
const { labels, scales, mirror, threshold, minArea, workingSize } = flags;

await runPhotos(command.args, flags, {
  stage: "segment",
  options: { labels, scales, mirror, threshold, minArea, workingSize },
  formats: STANDARD_FORMATS,
  check({ camModel }) {
    try {
      labelIndices(labels ?? [], camModel.classes);
    } catch (error) {
      fail((error as Error).message, EXIT_USAGE);
    }
  },
  describe: ({ classes }) =>
    classes.map(({ name, score, area }) =>
      `${name} (score ${score.toFixed(2)}, ${(100 * area).toFixed(1)} % of the area)`
    ).join(", ") || "no known class",
});
