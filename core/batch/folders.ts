/**
 * The folder contract: where the files of a data set and of a run are.
 *
 * | kind | file | content |
 * |---|---|---|
 * | `photo` | of VOC `DATA/JPEGImages/ID.jpg` | the photograph |
 * | `annotation` | of VOC `DATA/Annotations/ID.xml` | names of the objects in it, or a JSON array of them |
 * | `truth` | of VOC `DATA/SegmentationClass/ID.png` | palette PNG, 255 = ignore |
 * | `cam` | `RUN/cam/ID.npz` | `keys` int64 [0, c1, …], `cam` float32 K×⌈H/4⌉×⌈W/4⌉, `hr_cam` float32 K×H×W |
 * | `uss_slic`, `uss_quickshift` | `RUN/uss_slic/ID.png` | palette PNG, labels 0..31 |
 * | `perimeter_slic`, `perimeter_quickshift` | `RUN/perimeter_slic/ID.png` | grey palette PNG, 0 or 255 |
 * | `fit_slic`, `fit_quickshift` | `RUN/fit_slic/ID.npz` | `keys`, `masks` uint8 K×H×W, 0 or 255 |
 * | `combined` | `RUN/combined/ID.npz` | as `cam`; values reach 2 with masks |
 * | `affinity_labels` | `RUN/affinity_labels/ID.png` | palette PNG, 255 = trusted neither way |
 * | `random_walk` | `RUN/random_walk/ID.npz` | `keys`, `rw` float32 K×H×W, largest value 1 |
 * | `pseudo_labels` | `RUN/pseudo_labels/ID.png` | palette PNG in the classes' colours |
 * | `segmentation` | `RUN/segmentation/ID.png` | palette PNG in the classes' colours |
 *
 * Where the files of a data set of another layout are, the data set knows; see `core/data/open.ts`.
 *
 * With the layout `published` a run has the folders and files that the published Python scripts read and
 * write: below `RUN/Dataset` and `RUN/experiments/predictions`, CAMs as pickled dictionaries. Pictures
 * that they store as JPEG are lossless there (their content is PNG, which both Pillow and OpenCV tell
 * by its first bytes), because JPEG would blur the labels. Some names tell options; other values of these
 * are refused. That of the CAMs, which tells a network as well, is but the place where they are looked for.
 */

import { join } from "node:path";
import type { DataSet } from "../data/data_set.ts";
import type { BatchSurroundings, Slot } from "./task.ts";

/** Kinds of files that tasks make, and their makers. */
export const MAKERS = {
  cam: "cam",
  uss_slic: "perimeter",
  uss_quickshift: "perimeter",
  perimeter_slic: "perimeter",
  perimeter_quickshift: "perimeter",
  fit_slic: "fit",
  fit_quickshift: "fit",
  combined: "combine",
  affinity_labels: "affinity-labels",
  random_walk: "random-walk",
  pseudo_labels: "pseudo-labels",
  segmentation: "segment",
} as const;
/** A kind of file that a task makes. */
export type MadeKind = keyof typeof MAKERS;
/** A kind of file. */
export type FileKind = "photo" | "annotation" | "truth" | MadeKind;

/** The two ways of laying out a run. */
export type Layout = BatchSurroundings["layout"];
export const LAYOUTS = ["silop", "published"] as const satisfies readonly Layout[];

const WALKED = "AffinityNet@ResNeSt-101@Puzzle@train@beta=10@exp_times=8@rw";
/** Folders of the published scripts, with the names that its README and defaults give. */
const PUBLISHED: Readonly<Record<MadeKind, readonly [folder: string, ending: string]>> = {
  cam: [predictions("ResNeSt101@Puzzle@optimal@train@scale=0.5,1.0,1.5,2.0"), ".npy"],
  uss_slic: ["Dataset/USS_slic", ".jpg"],
  uss_quickshift: ["Dataset/USS_quick", ".jpg"],
  perimeter_slic: ["Dataset/PM_slic", ".jpg"],
  perimeter_quickshift: ["Dataset/PM_quick", ".jpg"],
  fit_slic: ["Dataset/PerimeterFit_slic", ".npy"],
  fit_quickshift: ["Dataset/PerimeterFit_quick", ".npy"],
  combined: [predictions("Combined_CAM"), ".npy"],
  affinity_labels: [predictions("Combined_CAM@aff_fg=0.60_bg=0.40"), ".png"],
  random_walk: [predictions(WALKED), ".npy"],
  pseudo_labels: [predictions(`${WALKED}@crf=1`), ".png"],
  segmentation: [predictions("DeepLabv3+@ResNeSt-101@Fix@GN"), ".png"],
};
/** Options that those names tell, by task. `exp_times=8` is 2⁸ steps. */
const PUBLISHED_OPTIONS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "affinity-labels": { foreground: 0.6, background: 0.4 },
  "random-walk": { beta: 10, steps: 256 },
  "pseudo-labels": { crfSteps: 1 },
};

/**
 * Why a task's results cannot be laid out as published: the folders' names would tell other options than
 * the task's; `null` when they can.
 */
export function publishedMismatch(
  task: string,
  options: Readonly<Record<string, unknown>>,
): string | null {
  for (const [name, told] of Object.entries(PUBLISHED_OPTIONS[task] ?? {})) {
    // What is not settled yet is looked at when it is.
    if (options[name] === told || options[name] === undefined) continue;
    return `The published folder of ${task} is named for ${name} ${told}, not ${options[name]}: ` +
      "use that, or this project's own layout";
  }
  return null;
}

const OWN_ENDINGS: Partial<Record<MadeKind, string>> = {
  cam: ".npz",
  fit_slic: ".npz",
  fit_quickshift: ".npz",
  combined: ".npz",
  random_walk: ".npz",
};

/** Where things are. */
export interface Places {
  readonly data: DataSet;
  readonly run: string;
  readonly layout: Layout;
  /** Folders of other origin that take the place of the run's own, by kind. */
  readonly others?: Readonly<Partial<Record<FileKind, Slot>>>;
}

/** Where files of a kind are. */
export function slotOf(kind: FileKind, { data, run, layout, others }: Places): Slot {
  const other = others?.[kind];
  if (other !== undefined) return other;
  switch (kind) {
    case "photo":
      return dataSlot(data, (id) => ({ path: data.imagePath(id) }));
    case "annotation":
      return dataSlot(data, (id) => data.labelSource(id));
    case "truth":
      return dataSlot(data, (id) => {
        const path = data.truthPath(id);
        return path === null ? null : { path };
      });
  }
  const madeBy = MAKERS[kind];
  if (layout === "published") {
    const [folder, ending] = PUBLISHED[kind];
    return { folder: join(run, folder), ending, madeBy, madeAs: kind };
  }
  return { folder: join(run, kind), ending: OWN_ENDINGS[kind] ?? ".png", madeBy, madeAs: kind };
}

function dataSlot({ root }: DataSet, find: Slot["find"]): Slot {
  return { folder: root, ending: "", madeBy: "data", find };
}

function predictions(name: string): string {
  return `experiments/predictions/${name}`;
}
