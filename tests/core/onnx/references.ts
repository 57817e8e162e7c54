/** Float64 references of operators that ONNX Runtime computes in float32 only. */

import type { Tensor64 } from "./gradient_check.ts";

export interface ConvGeometry {
  stride?: readonly [number, number];
  /** Top, left, bottom, right. */
  pads?: readonly [number, number, number, number];
  dilation?: readonly [number, number];
  group?: number;
}

/** Correlation of `N×C×H×W` with `O×(C/group)×kh×kw` plus a bias, by its definition. */
export function conv64(
  [x, w, bias]: Tensor64[],
  { stride = [1, 1], pads = [0, 0, 0, 0], dilation = [1, 1], group = 1 }: ConvGeometry = {},
): Tensor64 {
  const [n, c, h, width] = x!.shape as [number, number, number, number];
  const [o, per, kh, kw] = w!.shape as [number, number, number, number];
  const outHeight = Math.floor((h + pads[0] + pads[2] - (kh - 1) * dilation[0] - 1) / stride[0]) +
    1;
  const outWidth =
    Math.floor((width + pads[1] + pads[3] - (kw - 1) * dilation[1] - 1) / stride[1]) + 1;
  const data = new Float64Array(n * o * outHeight * outWidth);
  let place = 0;
  for (let image = 0; image < n; image++) {
    for (let out = 0; out < o; out++) {
      const first = Math.floor(out / (o / group)) * per;
      for (let row = 0; row < outHeight; row++) {
        for (let column = 0; column < outWidth; column++) {
          let sum = bias?.data[out] ?? 0;
          for (let channel = 0; channel < per; channel++) {
            for (let i = 0; i < kh; i++) {
              for (let j = 0; j < kw; j++) {
                const y = row * stride[0] - pads[0] + i * dilation[0];
                const z = column * stride[1] - pads[1] + j * dilation[1];
                if (y < 0 || y >= h || z < 0 || z >= width) continue;
                sum += x!.data[((image * c + first + channel) * h + y) * width + z]! *
                  w!.data[((out * per + channel) * kh + i) * kw + j]!;
              }
            }
          }
          data[place++] = sum;
        }
      }
    }
  }
  return { shape: [n, o, outHeight, outWidth], data };
}

/** The mean of the pixels inside each 3×2 window, stride 2×1, padded by 1 above and 0 elsewhere. */
export function averagePool64(x: Tensor64): Tensor64 {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [outHeight, outWidth] = [Math.floor((h + 1 - 3) / 2) + 1, w - 1];
  const data: number[] = [];
  for (let map = 0; map < n * c; map++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        const seen: number[] = [];
        for (let i = 0; i < 3; i++) {
          for (let j = 0; j < 2; j++) {
            const y = row * 2 - 1 + i;
            if (y >= 0 && y < h) seen.push(x.data[(map * h + y) * w + column + j]!);
          }
        }
        data.push(seen.reduce((a, b) => a + b) / seen.length);
      }
    }
  }
  return { shape: [n, c, outHeight, outWidth], data: Float64Array.from(data) };
}

/**
 * Means at stride 2: without padding of 2×2 windows, the last ones smaller where the map ends; with a
 * padding of 1 of 3×3 windows whose zeros count.
 */
export function partialPool64(x: Tensor64, padding: 0 | 1): Tensor64 {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const size = 2 + padding;
  const [outHeight, outWidth] = [Math.ceil(h / 2), Math.ceil(w / 2)];
  const data: number[] = [];
  for (let map = 0; map < n * c; map++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) {
        let [sum, count] = [0, 0];
        for (let at = 0; at < size * size; at++) {
          const y = row * 2 - padding + Math.floor(at / size);
          const x0 = column * 2 - padding + at % size;
          const inside = y >= 0 && y < h && x0 >= 0 && x0 < w;
          if (inside) sum += x.data[(map * h + y) * w + x0]!;
          if (inside || padding === 1) count++;
        }
        data.push(sum / count);
      }
    }
  }
  return { shape: [n, c, outHeight, outWidth], data: Float64Array.from(data) };
}

/** Bilinear resampling by the sampling formula; `corners` aligns the corner pixels. */
export function resize64(x: Tensor64, height: number, width: number, corners: boolean): Tensor64 {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const data: number[] = [];
  const place = (at: number, input: number, output: number) => {
    const raw = corners ? at * (input - 1) / (output - 1) : (at + 0.5) * input / output - 0.5;
    return Math.min(Math.max(raw, 0), input - 1);
  };
  for (let map = 0; map < n * c; map++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const y = place(row, h, height);
        const z = place(column, w, width);
        const [top, left] = [Math.floor(y), Math.floor(z)];
        const [bottom, right] = [Math.min(top + 1, h - 1), Math.min(left + 1, w - 1)];
        const at = (i: number, j: number) => x.data[(map * h + i) * w + j]!;
        const upper = at(top, left) * (1 - z + left) + at(top, right) * (z - left);
        const lower = at(bottom, left) * (1 - z + left) + at(bottom, right) * (z - left);
        data.push(upper * (1 - y + top) + lower * (y - top));
      }
    }
  }
  return { shape: [n, c, height, width], data: Float64Array.from(data) };
}

/** The mean over rows and columns of `N×C×H×W`. */
export function globalAveragePool64(x: Tensor64): Tensor64 {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const data = new Float64Array(n * c);
  x.data.forEach((value, at) => data[Math.floor(at / (h * w))]! += value / (h * w));
  return { shape: [n, c, 1, 1], data };
}
