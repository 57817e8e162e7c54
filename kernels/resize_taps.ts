/** The weights of Pillow's convolution filters, as fixed-point numbers. */

/** A filter that weighs several source positions. */
export type ConvolutionFilter = "bicubic" | "bilinear" | "box" | "lanczos";

/** Fractional bits of the weights: 32 − 8 bits of the result − 2 for overshoot and sign. */
export const PRECISION_BITS = 32 - 8 - 2;

/** A convolution kernel and the radius outside which it is zero. */
export interface Kernel {
  readonly support: number;
  readonly weight: (x: number) => number;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return Math.sin(angle) / angle;
}

/** By the filters' names. */
export const KERNELS: Readonly<Record<ConvolutionFilter, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
      return 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/**
 * The taps of one axis. Output position `i` reads `count[i]` source positions from `start[i]` on,
 * with the weights `weights[i · stride …]`.
 */
export interface Taps {
  readonly stride: number;
  readonly start: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

/** The taps of an axis that is resized from `inSize` to `outSize`. */
export function computeTaps(inSize: number, outSize: number, kernel: Kernel): Taps {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = kernel.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  const real = new Float64Array(stride);
  const inverse = 1 / filterScale;
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const taps = Math.min(inSize, Math.trunc(center + support + 0.5)) - first;
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      const weight = kernel.weight((t + first - center + 0.5) * inverse);
      real[t] = weight;
      sum += weight;
    }
    for (let t = 0; t < taps; t++) {
      const weight = (sum === 0 ? real[t]! : real[t]! / sum) * (1 << PRECISION_BITS);
      weights[i * stride + t] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    start[i] = first;
    count[i] = taps;
  }
  return { stride, start, count, weights };
}

/** The taps of `length` output positions from `from` on. */
export function cutTaps(
  { stride, start, count, weights }: Taps,
  from: number,
  length: number,
): Taps {
  return {
    stride,
    start: start.subarray(from, from + length),
    count: count.subarray(from, from + length),
    weights: weights.subarray(from * stride, (from + length) * stride),
  };
}
