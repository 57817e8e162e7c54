/**
 * The gradient of a convolution by its input: another convolution, with the weights turned and
 * transposed (two to four times faster than ONNX Runtime's ConvTranspose on a CPU).
 */

import type { GraphBuilder, Value } from "../graph_builder.ts";
import { both, type Geometry, type Pair } from "./geometry.ts";
import { insertZeros, reverse } from "./layout.ts";

/** What the gradient is made of, over plain or blocked maps. */
export interface MapOperations {
  /** Weights with inputs and outputs changed and the kernel turned by half a turn, for `conv`. */
  turned(w: Value, group: number): Value;
  /** Weights as they are, for `conv`. */
  ordered(w: Value): Value;
  /** A convolution of stride 1; pads are top, left, bottom, right. */
  conv(
    x: Value,
    weights: Value,
    options: { group?: number; pads?: readonly number[]; dilations?: Pair },
  ): Value;
  /** Puts `stride − 1` rows and columns of zeros after each. */
  spread(x: Value, stride: Pair): Value;
  /** Adds rows and columns of zeros around a map, or cuts them off where counts are negative. */
  pad(x: Value, before: Pair, after: Pair): Value;
  /** `N×(s·s·C)×h×w` → `N×C×s·h×s·w`, the s·s maps of a channel interleaved. */
  weave(x: Value, stride: Pair): Value;
}

/**
 * @param dy `N×O×Ho×Wo`
 * @param w `O×(C/group)×kh×kw`
 * @returns `N×C×H×W`
 */
export function convInputGradient(
  maps: MapOperations,
  g: GraphBuilder,
  dy: Value,
  w: Value,
  group: number,
  geometry: Geometry,
): Value {
  const { kernel, stride, dilation } = geometry;
  const strided = stride[0] > 1 || stride[1] > 1;
  if (kernel[0] === 1 && kernel[1] === 1) return pointwise(maps, dy, w, group, geometry);
  if (strided && group === 1 && dilation[0] === 1 && dilation[1] === 1) {
    return byPhases(maps, g, dy, w, geometry);
  }
  return byZeroInsertion(maps, dy, w, group, geometry);
}

/** 1×1: multiplied at the low resolution, zeros put in after that. */
function pointwise(
  maps: MapOperations,
  dy: Value,
  w: Value,
  group: number,
  geometry: Geometry,
): Value {
  const { input, output, stride, before } = geometry;
  const d = maps.spread(maps.conv(dy, maps.turned(w, group), { group }), stride);
  const start = both((axis) => 0 - before[axis]);
  const end = both((axis) => input[axis] - output[axis] * stride[axis] + before[axis]);
  return maps.pad(d, start, end);
}

/** Conv can pad but not cut. */
function padAndConv(
  maps: MapOperations,
  x: Value,
  weights: Value,
  start: Pair,
  end: Pair,
  options: { group?: number; dilations?: Pair } = {},
): Value {
  const cut = (pads: Pair) => both((axis) => Math.min(0, pads[axis]));
  const fill = (pads: Pair) => both((axis) => Math.max(0, pads[axis]));
  return maps.conv(maps.pad(x, cut(start), cut(end)), weights, {
    ...options,
    pads: [...fill(start), ...fill(end)],
  });
}

/** Zeros between the rows and columns of `dy` undo the stride. */
function byZeroInsertion(
  maps: MapOperations,
  dy: Value,
  w: Value,
  group: number,
  geometry: Geometry,
): Value {
  const { input, output, kernel, stride, dilation, before } = geometry;
  const start = both((axis) => (kernel[axis] - 1) * dilation[axis] - before[axis]);
  const end = both((axis) => input[axis] - output[axis] * stride[axis] + before[axis]);
  const options = { group, dilations: dilation };
  return padAndConv(maps, maps.spread(dy, stride), maps.turned(w, group), start, end, options);
}

/**
 * With stride s, the input rows of one phase (row modulo s) see only some of the weights. All s×s
 * phases are made by one small convolution at the low resolution and then interleaved: row
 * `s·q + a` is the sum over m of `dy[q + m] · w[a + before − s·m]`.
 */
function byPhases(
  maps: MapOperations,
  g: GraphBuilder,
  dy: Value,
  w: Value,
  geometry: Geometry,
): Value {
  const { input, output, kernel, stride, before } = geometry;
  const first = both((axis) => Math.ceil((before[axis] - kernel[axis] + 1) / stride[axis]));
  const last = both((axis) => Math.floor((stride[axis] - 1 + before[axis]) / stride[axis]));
  const taps = both((axis) => last[axis] - first[axis] + 1);
  const rows = both((axis) => Math.ceil(input[axis] / stride[axis]));

  // Which weight each phase and tap takes; where there is none, the zero put after the last.
  const places = both((axis) => {
    const table: number[] = [];
    for (let phase = 0; phase < stride[axis]; phase++) {
      for (let tap = 0; tap < taps[axis]; tap++) {
        const place = phase + before[axis] - stride[axis] * (first[axis] + tap);
        table.push(place >= 0 && place < kernel[axis] ? place : kernel[axis]);
      }
    }
    return g.constant(table, [stride[axis], taps[axis]], { dtype: "int64" });
  });
  const padded = g.pad(w, [0, 0, 0, 0, 0, 0, 1, 1]);
  // O×C×phase×tap×phase×tap → (phases of C) × O × taps.
  const picked = g.gather(g.gather(padded, places[0], 2), places[1], 4);
  const phases = stride[0] * stride[1];
  const shape = [phases * w.size(1), w.size(0), ...taps];
  const kernels = g.reshape(g.transpose(picked, [2, 4, 1, 0, 3, 5]), shape);

  const start = both((axis) => 0 - first[axis]);
  const end = both((axis) => rows[axis] + taps[axis] - 1 - output[axis] - start[axis]);
  const low = padAndConv(maps, dy, maps.ordered(kernels), start, end);
  const surplus = both((axis) => input[axis] - rows[axis] * stride[axis]);
  return maps.pad(maps.weave(low, stride), [0, 0], surplus);
}

/** The operations over plain maps, in standard operators. */
export function plainMaps(g: GraphBuilder): MapOperations {
  return {
    turned(w, group) {
      const swapped = swapChannels(g, w, group);
      return w.dim(2) === 1 && w.dim(3) === 1 ? swapped : reverse(g, swapped, [2, 3]);
    },
    ordered: (w) => w,
    conv: (x, weights, options) => g.conv(x, weights, options),
    spread: (x, stride) => insertZeros(g, insertZeros(g, x, 3, stride[1]), 2, stride[0]),
    pad: (x, before, after) => padMap(g, x, before, after),
    weave(x, stride) {
      const [channels, height, width] = [x.size(1), x.size(2), x.size(3)];
      const deep = channels / (stride[0] * stride[1]);
      const split = g.reshape(x, [-1, ...stride, deep, height, width]);
      const woven = g.transpose(split, [0, 3, 4, 1, 5, 2]);
      return g.reshape(woven, [-1, deep, height * stride[0], width * stride[1]]);
    },
  };
}

/** `O×(C/group)×kh×kw` → `C×(O/group)×kh×kw`. */
function swapChannels(g: GraphBuilder, w: Value, group: number): Value {
  const [outputs, channels, ...kernel] = w.shape.map((_, axis) => w.size(axis));
  if (group === 1) return g.transpose(w, [1, 0, 2, 3]);
  if (outputs === group && channels === 1) return w;
  const split = g.reshape(w, [group, outputs! / group, channels!, ...kernel]);
  const shape = [group * channels!, outputs! / group, ...kernel];
  return g.reshape(g.transpose(split, [0, 2, 1, 3, 4]), shape);
}

/** Adds zeros around a plain map, or cuts rows and columns off where counts are negative. */
export function padMap(g: GraphBuilder, x: Value, before: Pair, after: Pair): Value {
  if ([...before, ...after].every((count) => count === 0)) return x;
  return g.pad(x, [0, 0, ...before, 0, 0, ...after]);
}
