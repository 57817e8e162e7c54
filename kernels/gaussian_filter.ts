/**
 * Separable Gaussian smoothing of float planes, as `scipy.ndimage.gaussian_filter` defines it:
 * truncated at four standard deviations, the border mirrored about the edge of the outermost pixel
 * (`d c b a | a b c d | d c b a`), sums of symmetric pairs from the farthest to the nearest.
 */

import { gaussianWasm } from "./wasm/gaussian.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** The functions of `assembly/gaussian.ts`. */
interface GaussianFunctions {
  filterColumns(rows: number, target: number, taps: number, radius: number, width: number): void;
  filterRow(line: number, target: number, taps: number, radius: number, width: number): void;
}

const gaussianKernel = new WasmKernel<GaussianFunctions>(gaussianWasm);

/**
 * Smooths planes in place, each on its own.
 *
 * @param planes `N×H×W` values, overwritten.
 * @param width W in pixels, ≥ 1.
 * @param height H in pixels, ≥ 1.
 * @param sigma Standard deviation in pixels along both axes, 0..100; 0 leaves the planes as they
 *   are.
 * @throws {TypeError} `planes` does not hold whole planes of `width · height` values.
 * @throws {RangeError} A size or `sigma` is out of its range.
 */
export function gaussianFilter(
  planes: Float64Array,
  width: number,
  height: number,
  sigma: number,
): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1)) {
    throw new RangeError(`Cannot smooth: ${width}×${height} is no image size`);
  }
  const pixels = width * height;
  if (planes.length % pixels !== 0) {
    throw new TypeError(`Cannot smooth: ${planes.length} values are no ${width}×${height} planes`);
  }
  if (!(sigma >= 0 && sigma <= 100)) {
    throw new RangeError(`Cannot smooth: sigma is ${sigma}, must be from 0 to 100`);
  }
  const taps = sigma > 0 ? gaussianTaps(sigma) : [1];
  if (taps.length > 1) smooth(planes, width, height, Float64Array.from(taps));
}

/** The taps of a Gaussian with sum 1, from the centre outwards; the kernel is symmetric. */
function gaussianTaps(sigma: number): number[] {
  const radius = Math.trunc(4 * sigma + 0.5);
  const taps: number[] = [];
  for (let i = 0; i <= radius; i++) taps.push(Math.exp((-0.5 / (sigma * sigma)) * (i * i)));
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += taps[Math.abs(i)]!;
  return taps.map((tap) => tap / sum);
}

/**
 * The memory holds the taps, a ring of the 2·radius + 1 source rows that a result row needs and
 * their addresses, the result row, and that row with its mirrored ends.
 */
function smooth(planes: Float64Array, width: number, height: number, taps: Float64Array): void {
  const radius = taps.length - 1;
  const size = 2 * radius + 1;
  const stride = (width + 7) & ~7;
  const ringAt = taps.length + (taps.length & 1);
  const lineAt = ringAt + size * stride + radius;
  const outAt = lineAt + stride + radius;
  const rowsAt = outAt + stride;
  gaussianKernel.use(8 * (rowsAt + size), ({ filterColumns, filterRow }, memory, base) => {
    const values = new Float64Array(memory, base, rowsAt);
    const rows = new Uint32Array(memory, base + 8 * rowsAt, size);
    const at = (index: number) => base + 8 * index;
    values.set(taps);
    for (let plane = 0; plane < planes.length; plane += width * height) {
      let loaded = 0;
      for (let y = 0; y < height; y++) {
        // The ring keeps the last rows loaded; mirrored rows are always among them.
        for (const end = Math.min(height, y + radius + 1); loaded < end; loaded++) {
          const from = plane + loaded * width;
          values.set(planes.subarray(from, from + width), ringAt + (loaded % size) * stride);
        }
        for (let j = -radius; j <= radius; j++) {
          rows[radius + j] = at(ringAt + (mirror(y + j, height) % size) * stride);
        }
        filterColumns(at(rowsAt), at(lineAt), base, radius, width);
        for (let j = 1; j <= radius; j++) {
          values[lineAt - j] = values[lineAt + mirror(-j, width)]!;
          values[lineAt + width - 1 + j] = values[lineAt + mirror(width - 1 + j, width)]!;
        }
        filterRow(at(lineAt - radius), at(outAt), base, radius, width);
        planes.set(values.subarray(outAt, outAt + width), plane + y * width);
      }
    }
  });
}

/** The pixel that stands at `i` when the line of `size` pixels is mirrored about its edges. */
function mirror(i: number, size: number): number {
  if (i >= 0 && i < size) return i;
  const period = 2 * size;
  const at = ((i % period) + period) % period;
  return at < size ? at : period - 1 - at;
}
