/**
 * `deno task segment PHOTO…`: masks of photos and of folders of photos.
 *
 * Exit codes: 0, all photos are done; 1, some are not, each with a line on standard error; 2, the command
 * line makes no sense.
 */

import { readFile, stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type ListedFile, listImages, writeFileAtomic } from "../core/files.ts";
import { checkImageBytes } from "../core/image/limits.ts";
import { planWork } from "../core/runtime/machine.ts";
import { createSilop, type Silop } from "../core/silop.ts";
import { labelIndices } from "../core/stages/cam.ts";
import type { StageOptions, StageResult } from "../core/stages/render.ts";
import type { FileFormat } from "../core/stages/stage.ts";
import {
  addWorkOptions,
  createCommand,
  EXIT_FAILED,
  EXIT_USAGE,
  fail,
  integerIn,
  limitsOf,
  numberIn,
  numbersIn,
  readList,
  someOf,
  type WorkFlags,
} from "./cli.ts";
import { Console } from "./console.ts";
import {
  OUTPUT_FORMATS,
  type OutputFormat,
  type PlannedPhoto,
  planOutputs,
} from "./plan_outputs.ts";

interface SegmentFlags extends WorkFlags {
  out: string;
  format: OutputFormat[];
  labels?: string[];
  scales?: number[];
  mirror: boolean;
  threshold?: number;
  minArea?: number;
  workingSize?: number;
  skipExisting?: boolean;
}

/** The stage's files among the outputs; the others are made here. */
const STAGE_FILES: Partial<Record<OutputFormat, FileFormat>> = {
  mask: "png",
  overlay: "overlay",
  npz: "npz",
};

const command = createCommand("segment", "Find the VOC classes in photos and write masks of them.")
  .argument("<photo...>", "image files, and folders of them at any depth")
  .option("--out <folder>", "where results go; sub-folders are kept", "out")
  .option(
    "--format <list>",
    `what to write, of ${OUTPUT_FORMATS.join(",")} (default: mask,overlay)`,
    someOf(OUTPUT_FORMATS),
  )
  .option("--labels <list>", "classes known to be in the photos, as cat,dog", readList)
  .option("--scales <list>", "scales to look at, as 0.5,1,1.5", numbersIn(0.1, 4))
  .option("--no-mirror", "do not look at the mirrored photo as well")
  .option("--threshold <n>", "map value from which a pixel is foreground", numberIn(0, 1))
  .option("--min-area <n>", "smallest region kept, as a share of the photo", numberIn(0, 1))
  .option(
    "--working-size <px>",
    "long side to which larger photos are reduced",
    integerIn(16, 2048),
  )
  .option("--skip-existing", "leave out photos whose files are all there");
addWorkOptions(command).parse(Deno.args, { from: "user" });
await run(command.args, command.opts<SegmentFlags>());

async function run(paths: readonly string[], flags: SegmentFlags): Promise<void> {
  const began = performance.now();
  const formats = flags.format ?? ["mask", "overlay"];
  const { photos, missing } = await findPhotos(paths, flags.out);
  const { planned, refused } = await planOutputs(photos, flags.out, formats);
  const todo = flags.skipExisting ? await withoutDone(planned) : planned;
  for (const { photo, reason } of refused) console.error(`${photo.path}: not done, ${reason}`);

  let failed = missing + refused.length;
  if (todo.length > 0) {
    using silop = open(flags, todo.length);
    const { camModel } = await silop.ready.catch((error) => fail(error.message));
    try {
      labelIndices(flags.labels ?? [], camModel.classes);
    } catch (error) {
      fail((error as Error).message, EXIT_USAGE);
    }
    failed += await segmentAll(silop, todo, flags);
  } else if (failed === 0 && planned.length === 0) {
    fail(`No photo found in ${paths.join(", ")}`);
  }
  const total = missing + photos.length;
  if (total > 1) {
    const counts = [`${total - failed - (planned.length - todo.length)} done`];
    if (failed > 0) counts.push(`${failed} failed`);
    if (todo.length < planned.length) counts.push(`${planned.length - todo.length} there already`);
    console.error(`${counts.join(", ")}, in ${seconds(performance.now() - began)}`);
  }
  Deno.exit(failed > 0 ? EXIT_FAILED : 0);
}

/** The photos among the paths; says which paths do not exist. */
async function findPhotos(
  paths: readonly string[],
  out: string,
): Promise<{ photos: ListedFile[]; missing: number }> {
  const photos = new Map<string, ListedFile>();
  let missing = 0;
  for (const path of paths) {
    try {
      // Results of an earlier run, in a folder below the one to be searched, are no photos.
      const results = isBelow(out, path) ? resolve(out) : null;
      for (const photo of await listImages([path])) {
        const file = resolve(photo.path);
        if (results !== null && isBelow(file, results)) continue;
        if (!photos.has(file)) photos.set(file, photo);
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === "ENOENT" ? `not found (looking from ${Deno.cwd()})` : message;
      console.error(`${path}: ${reason}`);
      missing++;
    }
  }
  return { photos: [...photos.values()], missing };
}

/** Whether a path lies strictly below a folder. */
function isBelow(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== "" && !/^\.\.([/\\]|$)/.test(way) && resolve(way) !== way;
}

async function withoutDone(planned: readonly PlannedPhoto[]): Promise<PlannedPhoto[]> {
  const todo: PlannedPhoto[] = [];
  for (const item of planned) {
    const there = await Promise.all(
      [...item.outputs.values()].map((path) => stat(path).then(() => true, () => false)),
    );
    if (there.includes(false)) todo.push(item);
  }
  return todo;
}

/** Workers side by side when there are photos for all cores, else more threads for each photo. */
function open(flags: SegmentFlags, photos: number): Silop {
  const { device, workers, threads } = flags;
  const aim = photos >= navigator.hardwareConcurrency ? "throughput" : "latency";
  const plan = planWork({ workers, threads, aim });
  return createSilop({
    device,
    workers: workers ?? Math.min(plan.workers, photos),
    threads: plan.threads,
    models: flags.models === undefined ? undefined : pathToFileURL(flags.models + "/"),
    limits: limitsOf(flags),
  });
}

/** Works through the photos; returns how many failed. */
async function segmentAll(
  silop: Silop,
  todo: readonly PlannedPhoto[],
  flags: SegmentFlags,
): Promise<number> {
  const { labels, scales, mirror, threshold, minArea, workingSize } = flags;
  const options = { labels, scales, mirror, threshold, minArea, workingSize };
  const output = new Console(todo.length);
  const waiting = todo.values();
  let failed = 0;
  const lane = async () => {
    for (const item of waiting) {
      try {
        output.log(await segmentOne(silop, item, options));
      } catch (error) {
        failed++;
        output.error(`${item.photo.path}: ${(error as Error).message}`);
      }
      output.step();
    }
  };
  // One lane more than there are workers: it reads the next photo while they are all busy.
  await Promise.all(Array.from({ length: silop.plan.workers + 1 }, lane));
  output.stop();
  return failed;
}

/** Segments a photo and writes its files; returns what there is to say about it. */
async function segmentOne(
  silop: Silop,
  { photo, outputs }: PlannedPhoto,
  options: StageOptions<"segment">,
): Promise<string> {
  checkImageBytes((await stat(photo.path)).size, silop.limits);
  const wanted = [...outputs.keys()].flatMap((format) => STAGE_FILES[format] ?? []);
  const result = await silop.render("segment", await readFile(photo.path), options, wanted);
  for (const [format, path] of outputs) {
    const file = STAGE_FILES[format];
    const content = file === undefined
      ? JSON.stringify({ file: photo.relative, ...result.summary }, null, 2) + "\n"
      : result.files[file]!;
    await writeFileAtomic(path, content);
  }
  return describe(photo, result, [...outputs.values()]);
}

function describe(
  { path }: ListedFile,
  { summary, timings }: StageResult<"segment">,
  written: readonly string[],
): string {
  const { width, height, classes } = summary;
  const taken = timings.decode + timings.compute + timings.encode;
  const found = classes.map(({ name, score, area }) =>
    `${name} (score ${score.toFixed(2)}, ${(100 * area).toFixed(1)} % of the area)`
  );
  return `${path}  ${width}×${height}  ${seconds(taken)}  ${
    found.join(", ") || "no known class"
  }\n` +
    `  ${written.join("  ")}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
