import assert from "node:assert/strict";
import { DecodeError, LimitError, UnsupportedFormatError } from "../../../core/errors.ts";

const FOLDER = new URL("../../fixtures/image/", import.meta.url);

/** What `images.json` says of a file that can be decoded. */
export interface Expected {
  width: number;
  height: number;
  orientation: number;
  /** Name of the file of raw RGB bytes. */
  pixels: string;
  /** Largest difference allowed in any sample. */
  tolerance: number;
}

const listing: {
  decoded: Record<string, Expected>;
  refused: Record<string, { says: string }>;
} = JSON.parse(Deno.readTextFileSync(new URL("images.json", FOLDER)));

/** Names of the fixtures that can be decoded, with what to expect of them. */
export const DECODED: readonly [string, Expected][] = Object.entries(listing.decoded);

/** Names of the fixtures of formats or variants not read, with a word the error must hold. */
export const REFUSED: readonly [string, { says: string }][] = Object.entries(listing.refused);

export function readFixture(name: string): Uint8Array {
  return Deno.readFileSync(new URL(name, FOLDER));
}

/** Fails unless `error` is one of the three errors the codec promises. */
export function assertTyped(error: unknown): asserts error is Error {
  const typed = error instanceof UnsupportedFormatError || error instanceof DecodeError ||
    error instanceof LimitError;
  if (!typed) assert.fail(`untyped error: ${error instanceof Error ? error.stack : error}`);
  assert.match(error.message, /^Cannot decode image: ./);
}

/** The largest difference between two arrays of the same length. */
export function maxDifference(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  let max = 0;
  for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i]! - b[i]!));
  return max;
}
