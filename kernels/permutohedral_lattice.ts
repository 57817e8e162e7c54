/**
 * The permutohedral lattice: Gaussian filtering of many points in a space of a few dimensions.
 *
 * A. Adams, J. Baek and A. Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice",
 * Eurographics 2010. Points are splatted onto the d + 1 vertices around them, values are blurred
 * along the lattice's d + 1 axes, and sliced back at the points. Filtering K is made symmetric, as
 * n·K·n with n = 1/√(K·1 + 1e-20).
 *
 * Follows the library pydensecrf in what it leaves open: single precision; coordinates rounded to the
 * nearest, halves to even; the number of points padded to a multiple of four with points at the
 * origin, which hold no value but whose vertices take part in the blur; a point counts as its own
 * neighbour.
 */

import { checkRgb, inRange } from "./image_arguments.ts";
import { checkSize } from "./plane_arguments.ts";
import { crfWasm } from "./wasm/crf.ts";
import { permutohedralWasm } from "./wasm/permutohedral.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** Where points lie in a lattice; built once, used for any number of filterings. */
export interface PermutohedralLattice {
  /** Number of points. */
  readonly points: number;
  /** d, the dimensions of the space. */
  readonly dimensions: number;
  /** Number of vertices that any point touches. */
  readonly vertices: number;
  /** `points×(d+1)`: the vertices around each point. */
  readonly offsets: Uint32Array;
  /** `points×(d+1)`: barycentric weights, multiplied by the point's n. */
  readonly weights: Float32Array;
  /** `(d+1)×vertices×2`: neighbours along each axis, `vertices` where there is none. */
  readonly neighbours: Uint32Array;
  /** `points`: n·K·n of a plane of ones. */
  readonly ones: Float32Array;
}

interface PlacementFunctions {
  place(
    features: number,
    scales: number,
    dimensions: number,
    blocks: number,
    table: number,
    slots: number,
    records: number,
    recordBytes: number,
    room: number,
    offsets: number,
    weights: number,
  ): number;
  connect(neighbours: number, dimensions: number): void;
}

interface MeanFieldFunctions {
  normalize(lattice: number, points: number, ones: number): void;
  inferTwo(
    lattices: number,
    kernels: number,
    points: number,
    relative: number,
    constant: number,
    step: number,
    last: boolean,
    out: number,
  ): void;
  inferMany(
    lattices: number,
    kernels: number,
    points: number,
    relative: number,
    constant: number,
    labels: number,
    vectors: number,
    step: number,
    last: boolean,
    out: number,
  ): void;
}

const placement = new WasmKernel<PlacementFunctions>(permutohedralWasm);

/** Filtering and inference over lattices laid out by {@link LatticeWriter}. */
export const meanField = new WasmKernel<MeanFieldFunctions>(crfWasm);

/** Bytes of one lattice's record in `meanField`'s memory. */
export const RECORD_BYTES = 32;

/** The most dimensions a lattice can have: a vertex is one vector of eight 16-bit lanes. */
const MAX_DIMENSIONS = 7;

const fround = Math.fround;

/** Divides by the standard deviation the filter has on the lattice: factors of the embedding. */
function embeddingScales(d: number): Float32Array {
  const deviation = fround(Math.sqrt(2 / 3) * (d + 1));
  return Float32Array.from({ length: d }, (_, i) => deviation / Math.sqrt((i + 2) * (i + 1)));
}

/** What the blur and the weights multiply a constant by, undone: 1 / (1 + 2^-d). */
export function latticeFactor(d: number): number {
  return fround(1 / (1 + 2 ** -d));
}

/**
 * Builds a lattice from points.
 *
 * @param features `d×points`, one plane a dimension, in units of the filter's standard deviation.
 * @param dimensions d, 1..7.
 * @returns The lattice.
 * @throws {TypeError} `features` is not whole planes.
 * @throws {RangeError} `dimensions` is out of range, a feature is not finite or farther from 0 than
 *   16-bit coordinates reach, or the memory cannot be had.
 */
export function buildLattice(features: Float32Array, dimensions: number): PermutohedralLattice {
  inRange("dimensions", dimensions, 1, MAX_DIMENSIONS, { whole: true });
  const d = dimensions;
  const points = features.length / d;
  if (!Number.isInteger(points) || points === 0) {
    throw new TypeError(
      `Cannot build a lattice: ${features.length} numbers are not points in ${d} dimensions`,
    );
  }
  const scales = embeddingScales(d);
  checkReach(features, points, scales);

  const blocks = Math.ceil(points / 4);
  const padded = blocks * 4;
  const side = d + 1;
  const recordBytes = 16 + 16 * Math.ceil(side / 2);
  const most = padded * side;
  // Photographs need about 0.4 vertices a pixel for colour differences of 5; noise more.
  for (let room = Math.min(most, Math.ceil(padded * 0.6) + 64);; room = Math.min(most, room * 3)) {
    const slots = 2 ** Math.ceil(Math.log2(2 * room));
    const layout = new MemoryLayout();
    const featuresAt = layout.take(padded * d * 4);
    const scalesAt = layout.take(d * 4);
    const tableAt = layout.take(slots * 4);
    const recordsAt = layout.take(room * recordBytes);
    const offsetsAt = layout.take(most * 4);
    const weightsAt = layout.take(most * 4);
    const neighboursAt = layout.take(room * side * 8);
    const lattice = placement.use(layout.bytes, (wasm, memory, base) => {
      const planes = new Float32Array(memory, base + featuresAt, padded * d);
      for (let j = 0; j < d; j++) {
        planes.set(features.subarray(j * points, (j + 1) * points), j * padded);
        planes.fill(0, j * padded + points, (j + 1) * padded);
      }
      new Float32Array(memory, base + scalesAt, d).set(scales);
      new Uint32Array(memory, base + tableAt, slots).fill(0);
      const vertices = wasm.place(
        base + featuresAt,
        base + scalesAt,
        d,
        blocks,
        base + tableAt,
        slots,
        base + recordsAt,
        recordBytes,
        room,
        base + offsetsAt,
        base + weightsAt,
      );
      if (vertices < 0) return undefined;
      wasm.connect(base + neighboursAt, d);
      return {
        points,
        dimensions,
        vertices,
        offsets: new Uint32Array(memory, base + offsetsAt, points * side).slice(),
        weights: new Float32Array(memory, base + weightsAt, points * side).slice(),
        neighbours: new Uint32Array(memory, base + neighboursAt, vertices * side * 2).slice(),
        ones: new Float32Array(points),
      };
    });
    if (lattice !== undefined) return normalize(lattice);
  }
}

/** Refuses features whose lattice coordinates leave 16 bits, where vertices would be confused. */
function checkReach(features: Float32Array, points: number, scales: Float32Array): void {
  const d = scales.length;
  let reach = d + 1;
  for (let j = 0; j < d; j++) {
    let farthest = 0;
    for (let i = j * points; i < (j + 1) * points; i++) {
      const distance = Math.abs(features[i]!);
      // Written so that NaN is refused, too.
      if (!(distance <= farthest)) farthest = distance;
      if (!(distance < Infinity)) {
        throw new RangeError(`Cannot build a lattice: feature ${i} is ${features[i]}`);
      }
    }
    reach += farthest * scales[j]! * (j + 1);
  }
  if (reach >= 32768) {
    throw new RangeError(
      "Cannot build a lattice: the points lie too far apart for 16-bit coordinates; use larger " +
        "standard deviations",
    );
  }
}

/** Multiplies the weights by n and fills in `ones`. */
function normalize(lattice: PermutohedralLattice): PermutohedralLattice {
  const layout = new MemoryLayout();
  const writer = new LatticeWriter(layout, [lattice], 4);
  const onesAt = layout.take(lattice.points * 4);
  meanField.use(layout.bytes, (wasm, memory, base) => {
    writer.write(memory, base, [latticeFactor(lattice.dimensions)]);
    wasm.normalize(base + writer.recordsAt, lattice.points, base + onesAt);
    lattice.weights.set(
      new Float32Array(memory, base + writer.weightsAt(0), lattice.weights.length),
    );
    lattice.ones.set(new Float32Array(memory, base + onesAt, lattice.points));
  });
  return lattice;
}

/** Hands out places in a module's memory, each a multiple of 16 bytes from the base. */
export class MemoryLayout {
  /** Bytes handed out so far. */
  bytes = 0;

  /** The place of `size` bytes, relative to the base. */
  take(size: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(size / 16) * 16;
    return at;
  }
}

/** Lays lattices out in `meanField`'s memory, each with room for two sets of values. */
export class LatticeWriter {
  /** Place of the records, relative to the base. */
  readonly recordsAt: number;
  readonly #lattices: readonly PermutohedralLattice[];
  readonly #places: { offsets: number; weights: number; neighbours: number; values: number[] }[];

  /** @param valueBytes Bytes of a vertex's value. */
  constructor(layout: MemoryLayout, lattices: readonly PermutohedralLattice[], valueBytes: number) {
    this.#lattices = lattices;
    this.recordsAt = layout.take(lattices.length * RECORD_BYTES);
    this.#places = lattices.map(({ offsets, weights, neighbours, vertices }) => ({
      offsets: layout.take(offsets.byteLength),
      weights: layout.take(weights.byteLength),
      neighbours: layout.take(neighbours.byteLength),
      values: [0, 1].map(() => layout.take((vertices + 1) * valueBytes)),
    }));
  }

  /** Place of a lattice's weights, relative to the base. */
  weightsAt(index: number): number {
    return this.#places[index]!.weights;
  }

  /** Writes the lattices and their records, with one factor for each. */
  write(memory: ArrayBufferLike, base: number, factors: readonly number[]): void {
    for (const [k, lattice] of this.#lattices.entries()) {
      const { offsets, weights, neighbours, values } = this.#places[k]!;
      new Uint32Array(memory, base + offsets, lattice.offsets.length).set(lattice.offsets);
      new Float32Array(memory, base + weights, lattice.weights.length).set(lattice.weights);
      new Uint32Array(memory, base + neighbours, lattice.neighbours.length).set(lattice.neighbours);
      const record = new Uint32Array(memory, base + this.recordsAt + k * RECORD_BYTES, 8);
      record.set([base + offsets, base + weights, base + neighbours]);
      record.set([lattice.vertices, lattice.dimensions + 1], 3);
      new Float32Array(record.buffer, record.byteOffset, 8)[5] = factors[k]!;
      record.set([base + values[0]!, base + values[1]!], 6);
    }
  }
}

/**
 * The lattice of a Gaussian in the image plane.
 *
 * @param sxy Standard deviation in pixels, > 0.
 * @throws {RangeError} A size is no image size, or `sxy` is out of range or too small for it.
 */
export function gaussianLattice(
  width: number,
  height: number,
  { sxy = 3 }: { readonly sxy?: number } = {},
): PermutohedralLattice {
  checkSize(width, height, "build a lattice");
  inRange("sxy", sxy, 1e-3, 1e6);
  const features = new Float32Array(2 * width * height);
  writePositions(features, width, height, sxy);
  return buildLattice(features, 2);
}

/**
 * The lattice of a bilateral Gaussian, over position and colour.
 *
 * @param rgb `H×W×3` bytes.
 * @param options.sxy Standard deviation in pixels, > 0. Default: 50.
 * @param options.srgb Standard deviation in steps of 0..255, > 0. Default: 5.
 * @throws {TypeError} `rgb` is not `H×W×3` bytes.
 * @throws {RangeError} A size is no image size, or a deviation is out of range or too small for it.
 */
export function bilateralLattice(
  rgb: Uint8Array,
  width: number,
  height: number,
  { sxy = 50, srgb = 5 }: { readonly sxy?: number; readonly srgb?: number } = {},
): PermutohedralLattice {
  checkRgb(rgb, width, height, "build a lattice");
  inRange("sxy", sxy, 1e-3, 1e6);
  inRange("srgb", srgb, 1e-3, 1e6);
  const pixels = width * height;
  const features = new Float32Array(5 * pixels);
  writePositions(features, width, height, sxy);
  const deviation = fround(srgb);
  const levels = Float32Array.from({ length: 256 }, (_, level) => level / deviation);
  for (let c = 0; c < 3; c++) {
    for (let p = 0, from = c, to = (c + 2) * pixels; p < pixels; p++, from += 3) {
      features[to + p] = levels[rgb[from]!]!;
    }
  }
  return buildLattice(features, 5);
}

/** The first two planes: columns and rows over `sxy`. */
function writePositions(features: Float32Array, width: number, height: number, sxy: number): void {
  const deviation = fround(sxy);
  const pixels = width * height;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      features[p] = x / deviation;
      features[pixels + p] = y / deviation;
    }
  }
}
