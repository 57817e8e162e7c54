/**
 * Run-length encoding of masks as Label Studio's brush has it: a stream of bits, most significant first, that
 * holds a picture of four equal channels.
 *
 * Head: the number of values (32 bits), the bits of a value less 1 (5 bits), the bits of each of four kinds of
 * length less 1 (4 bits each). Then for each run: 1, the kind of length (2 bits), the length less 1,
 * the value. The format is that of the npm package @thi.ng/rle-pack; 0 in place of the 1, for values that
 * differ, is not needed here, as runs are of four values at least.
 */

import { checkPlanes } from "./plane_arguments.ts";

const CHANNELS = 4;
const VALUE_BITS = 8;
/** Bits of the four kinds of length. */
const LENGTH_BITS = [3, 4, 8, 16] as const;
const LONGEST = 1 << 16;
const INSIDE = 255;

/**
 * Encodes the pixels that have a label: 255 in all four channels, 0 elsewhere.
 *
 * @param labels `H×W` labels.
 * @returns The bytes that `rle` of a brush result lists.
 * @throws {TypeError} `labels` does not hold `width · height` values.
 * @throws {RangeError} A size is not a whole number ≥ 1, or there are 2^30 pixels or more.
 */
export function encodeBrush(
  labels: Uint8Array | Int32Array,
  width: number,
  height: number,
  label: number,
): Uint8Array {
  checkPlanes(labels, 1, width, height, "the mask", "encode a brush");
  if (labels.length >= 2 ** 30) {
    throw new RangeError(`Cannot encode a brush: ${width}×${height} pixels are too many`);
  }
  const bits = new BitWriter();
  bits.write(CHANNELS * labels.length, 32);
  bits.write(VALUE_BITS - 1, 5);
  for (const length of LENGTH_BITS) bits.write(length - 1, 4);
  for (let p = 0; p < labels.length;) {
    const inside = labels[p] === label;
    const start = p;
    while (p < labels.length && (labels[p] === label) === inside) p++;
    let length = CHANNELS * (p - start);
    for (; length > LONGEST; length -= LONGEST) writeRun(bits, 3, LONGEST, inside);
    writeRun(bits, length <= 8 ? 0 : length <= 16 ? 1 : length <= 256 ? 2 : 3, length, inside);
  }
  return bits.finish();
}

function writeRun(bits: BitWriter, kind: 0 | 1 | 2 | 3, length: number, inside: boolean): void {
  bits.write(4 + kind, 3);
  bits.write(length - 1, LENGTH_BITS[kind]);
  bits.write(inside ? INSIDE : 0, VALUE_BITS);
}

/** Bits one after another, the most significant first. */
class BitWriter {
  #bytes = new Uint8Array(1024);
  #count = 0;

  write(value: number, bits: number): void {
    if (this.#count + bits > 8 * this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    for (let bit = bits - 1; bit >= 0; bit--, this.#count++) {
      if ((value >>> bit & 1) === 1) this.#bytes[this.#count >> 3]! |= 128 >> (this.#count & 7);
    }
  }

  /** All bytes, the last filled up with zeros. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, Math.ceil(this.#count / 8));
  }
}
