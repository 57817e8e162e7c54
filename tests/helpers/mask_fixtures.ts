/** The masks of `fixtures/mask_formats`, and how others encode them. */

import { readFileSync } from "node:fs";

/** See `fixtures/make_mask_formats.py`. */
export interface MaskFixture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** 0 and 1. */
  readonly data: Uint8Array;
  /** COCO's compressed run lengths. */
  readonly counts: string;
  readonly runs: readonly number[];
  readonly area: number;
  readonly bbox: readonly number[];
  /** Label Studio's brush. */
  readonly brush: Uint8Array;
}

const FILE = new URL("../fixtures/mask_formats/masks.jsonl", import.meta.url);
type Stored = Omit<MaskFixture, "data" | "brush"> & { bits: string; brush: string };

export const MASK_FIXTURES: readonly MaskFixture[] = readFileSync(FILE, "utf8").trim().split("\n")
  .map((line) => JSON.parse(line) as Stored)
  .map(({ bits, brush, ...rest }) => {
    const packed = Uint8Array.fromBase64(bits);
    const data = new Uint8Array(rest.width * rest.height);
    for (let p = 0; p < data.length; p++) data[p] = packed[p >> 3]! >> (7 - p % 8) & 1;
    return { ...rest, data, brush: Uint8Array.fromBase64(brush) };
  });
