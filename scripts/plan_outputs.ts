/** Which file of a batch becomes which files, settled before any work is done. */

import { realpath } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import type { ListedFile } from "../core/files.ts";

/** Files that can be written for a photo. */
export const OUTPUT_FORMATS = ["mask", "perimeter", "overlay", "json", "npz"] as const;
export type OutputFormat = typeof OUTPUT_FORMATS[number];

/** Endings that take the place of the photo's own. */
const ENDINGS: Record<OutputFormat, string> = {
  mask: ".png",
  perimeter: ".png",
  overlay: ".overlay.png",
  json: ".json",
  npz: ".npz",
};

/** A photo and the files to be made of it. */
export interface PlannedPhoto {
  readonly photo: ListedFile;
  readonly outputs: ReadonlyMap<OutputFormat, string>;
}

/** A photo that cannot be worked on without harm to another file. */
export interface RefusedPhoto {
  readonly photo: ListedFile;
  readonly reason: string;
}

/**
 * Gives every photo its output files: `OUT/FOLDERS/NAME.png` for `FOLDERS/NAME.jpg` and so on. A photo
 * is refused when one of its files would replace a photo, or the file of a photo before it (as `a.jpg`
 * and `a.png` of one folder would).
 *
 * @param kind What the results are, said in every name: `NAME.KIND.png`. Default: nothing.
 */
export async function planOutputs(
  photos: readonly ListedFile[],
  out: string,
  formats: readonly OutputFormat[],
  kind = "",
): Promise<{ planned: PlannedPhoto[]; refused: RefusedPhoto[] }> {
  const inputs = new Set(await Promise.all(photos.map(({ path }) => realPath(path))));
  const taken = new Map<string, string>();
  const planned: PlannedPhoto[] = [];
  const refused: RefusedPhoto[] = [];
  for (const photo of photos) {
    const outputs = new Map(
      formats.map((format) => [format, outputPath(photo, out, format, kind)]),
    );
    let reason: string | null = null;
    for (const path of outputs.values()) {
      const other = taken.get(resolve(path));
      if (inputs.has(await realPath(path))) reason = `its ${path} would replace a photo`;
      else if (other !== undefined) reason = `its ${path} is already that of ${other}`;
      if (reason !== null) break;
    }
    if (reason !== null) {
      refused.push({ photo, reason: `${reason}; use another --out for it` });
      continue;
    }
    for (const path of outputs.values()) taken.set(resolve(path), photo.path);
    planned.push({ photo, outputs });
  }
  return { planned, refused };
}

function outputPath(
  { relative }: ListedFile,
  out: string,
  format: OutputFormat,
  kind: string,
): string {
  const stem = relative.slice(0, relative.length - extname(relative).length);
  return join(out, stem + (kind === "" ? "" : `.${kind}`) + ENDINGS[format]);
}

/** Where a path leads to; of one that leads nowhere, the path itself. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}
