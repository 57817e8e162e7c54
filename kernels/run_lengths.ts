/**
 * Run-length encoding of masks as COCO has it: lengths of runs in column order (down the first column, then
 * the second, …), of pixels outside and inside by turns, outside first.
 *
 * COCO's compressed form writes each length, from the fourth on less the length before the last, in
 * groups of five bits, lowest first, each as a character from `0` on: bit 5 says that more follow, bit 4
 * of the last group is the sign. Follows T.-Y. Lin et al., "Microsoft COCO" (2014) and its `maskApi`.
 */

import { checkPlanes, checkSize } from "./plane_arguments.ts";

/** What is added to a group of bits to make it a printable character. */
const FIRST_CHARACTER = 48;
const GROUP_BITS = 5;
const GROUP_MASK = 31;
const SIGN_BIT = 16;
const MORE_BIT = 32;

/**
 * Run lengths of the pixels that have a label.
 *
 * @param labels `H×W` labels.
 * @returns Lengths in column order, outside first, which may be 0; their sum is `width · height`.
 * @throws {TypeError} `labels` does not hold `width · height` values.
 * @throws {RangeError} A size is not a whole number ≥ 1.
 */
export function encodeRuns(
  labels: Uint8Array | Int32Array,
  width: number,
  height: number,
  label: number,
): Uint32Array {
  checkPlanes(labels, 1, width, height, "the mask", "encode runs");
  let runs = new Uint32Array(2 * width + 2);
  let count = 0;
  let inside = false;
  let length = 0;
  for (let x = 0; x < width; x++) {
    for (let p = x; p < labels.length; p += width) {
      if ((labels[p] === label) !== inside) {
        if (count === runs.length) {
          const grown = new Uint32Array(2 * count);
          grown.set(runs);
          runs = grown;
        }
        runs[count++] = length;
        inside = !inside;
        length = 0;
      }
      length++;
    }
  }
  const all = new Uint32Array(count + 1);
  all.set(runs.subarray(0, count));
  all[count] = length;
  return all;
}

/**
 * The mask that run lengths stand for: `H×W`, 1 inside, 0 outside.
 *
 * @throws {RangeError} The lengths do not add up to `width · height`, or a size is not a whole number ≥ 1.
 */
export function decodeRuns(runs: ArrayLike<number>, width: number, height: number): Uint8Array {
  checkSize(width, height, "decode runs");
  const mask = new Uint8Array(width * height);
  let x = 0;
  let y = 0;
  let total = 0;
  for (let i = 0; i < runs.length; i++) {
    total += runs[i]!;
    if (!(runs[i]! >= 0) || total > mask.length) break;
    for (let left = runs[i]!; left > 0;) {
      const step = Math.min(left, height - y);
      if (i % 2 === 1) {
        for (let p = y * width + x, k = 0; k < step; k++, p += width) mask[p] = 1;
      }
      left -= step;
      y += step;
      if (y === height) {
        y = 0;
        x++;
      }
    }
  }
  if (total !== mask.length) {
    throw new RangeError(
      `Cannot decode runs: they cover ${total} pixels, ${width}×${height} has ${mask.length}`,
    );
  }
  return mask;
}

/** COCO's compressed form of run lengths. */
export function packRuns(runs: ArrayLike<number>): string {
  const bytes: number[] = [];
  for (let i = 0; i < runs.length; i++) {
    let value = i > 2 ? runs[i]! - runs[i - 2]! : runs[i]!;
    for (let more = true; more;) {
      let group = value & GROUP_MASK;
      value >>= GROUP_BITS;
      more = (group & SIGN_BIT) === 0 ? value !== 0 : value !== -1;
      if (more) group |= MORE_BIT;
      bytes.push(FIRST_CHARACTER + group);
    }
  }
  return new TextDecoder("latin1").decode(Uint8Array.from(bytes));
}

/**
 * The run lengths that a compressed form stands for.
 *
 * @throws {SyntaxError} It has other characters than the form's, breaks off, or tells a negative length.
 */
export function unpackRuns(text: string): Uint32Array {
  const runs: number[] = [];
  for (let at = 0; at < text.length;) {
    let value = 0;
    let shift = 0;
    for (let more = true; more; shift += GROUP_BITS) {
      const group = text.charCodeAt(at++) - FIRST_CHARACTER;
      // NaN after the end.
      if (!(group >= 0 && group < 2 * MORE_BIT && shift < 32)) {
        throw new SyntaxError(`Cannot unpack runs: character ${at} does not belong there`);
      }
      value |= (group & GROUP_MASK) << shift;
      more = (group & MORE_BIT) !== 0;
      if (!more && (group & SIGN_BIT) !== 0 && shift < 27) value |= -1 << (shift + GROUP_BITS);
    }
    if (runs.length > 2) value += runs[runs.length - 2]!;
    if (value < 0) throw new SyntaxError(`Cannot unpack runs: length ${runs.length} is negative`);
    runs.push(value);
  }
  return Uint32Array.from(runs);
}
