/**
 * The gradient of a convolution by its weights, as matrix products of `dy` with shifted views of
 * the input, or for depthwise convolutions as another convolution.
 */

import type { GraphBuilder, Value } from "../graph_builder.ts";
import { both, type Geometry } from "./geometry.ts";
import { padMap } from "./conv_input.ts";

/** Maps of at most this many pixels are multiplied for the whole batch at once. */
const FOLDED_MAP = 200;

/** From this many pixels on, shifted copies are cheaper than one long concatenation of them. */
const LARGE_MAP = 4096;

/**
 * @param dy `N×O×Ho×Wo`
 * @param x `N×C×H×W`
 * @param outputs O
 * @returns `O×(C/group)×kh×kw`
 */
export function convWeightGradient(
  g: GraphBuilder,
  dy: Value,
  x: Value,
  group: number,
  geometry: Geometry,
): Value {
  const { output, kernel, stride } = geometry;
  const channels = x.size(1);
  if (group === channels && group === dy.size(1)) return depthwise(g, dy, x, geometry);
  const dense = group === 1 && stride[0] === 1 && stride[1] === 1;
  const taps = kernel[0] * kernel[1];
  if (dense && taps > 1 && x.dim(0) === 1 && output[0] * output[1] >= LARGE_MAP) {
    return byShifts(g, dy, x, geometry);
  }
  return byViews(g, dy, x, group, geometry);
}

/**
 * Depthwise: each channel of each image is correlated with its own gradient, which is a depthwise
 * convolution of `1×(N·C)×H×W` with `dy` as weights, stride and dilation changing places.
 */
function depthwise(g: GraphBuilder, dy: Value, x: Value, geometry: Geometry): Value {
  const { input, output, kernel, stride, dilation, before } = geometry;
  const [images, channels] = [x.size(0), x.size(1)];
  const all = images * channels;
  const end = both((axis) =>
    (kernel[axis] - 1) * dilation[axis] + (output[axis] - 1) * stride[axis] + 1 - input[axis] -
    before[axis]
  );
  const maps = g.reshape(x, [1, all, ...input]);
  const cut = padMap(g, maps, [0, 0], both((axis) => Math.min(0, end[axis])));
  const sums = g.conv(cut, g.reshape(dy, [all, 1, ...output]), {
    group: all,
    pads: [...before, ...both((axis) => Math.max(0, end[axis]))],
    strides: dilation,
    dilations: stride,
  });
  return g.reduceSum(g.reshape(sums, [images, channels, 1, ...kernel]), [0], { keep: false });
}

/**
 * One large image, stride 1: the shift by a row goes into copies of `dy`, the shift by a column
 * into copies of `x`, so that kh + kw copies serve kh·kw products.
 */
function byShifts(g: GraphBuilder, dy: Value, x: Value, geometry: Geometry): Value {
  const { input, output, kernel, dilation, before } = geometry;
  const [outputs, channels] = [dy.size(1), x.size(1)];
  const pixels = input[0] * output[1];
  const rows = Array.from({ length: kernel[0] }, (_, row) => {
    const shift = row * dilation[0] - before[0];
    const end = input[0] - output[0] - shift;
    return g.reshape(padMap(g, dy, [shift, 0], [end, 0]), [outputs, pixels]);
  });
  const columns = Array.from({ length: kernel[1] }, (_, column) => {
    const shift = column * dilation[1] - before[1];
    const end = output[1] - input[1] + shift;
    return g.reshape(padMap(g, x, [0, -shift], [0, end]), [channels, pixels]);
  });
  const products = rows.flatMap((d) =>
    columns.map((view) => g.unsqueeze(g.gemm(d, view, { transB: true }), [2]))
  );
  return g.reshape(g.concat(products, 2), [outputs, channels, ...kernel]);
}

/** All views of the input one after the other, then one product with `dy`. */
function byViews(g: GraphBuilder, dy: Value, x: Value, group: number, geometry: Geometry): Value {
  const { output, kernel } = geometry;
  const [images, outputs, channels] = [dy.size(0), dy.size(1), x.size(1)];
  const pixels = output[0] * output[1];
  const taps = kernel[0] * kernel[1];
  const views = shiftedViews(g, x, geometry);
  let product: Value;
  if (group === 1 && (images === 1 || pixels <= FOLDED_MAP)) {
    // The sum over the images happens inside the product: taps·C × N·pixels.
    const flat = (v: Value, size: number) =>
      g.reshape(images === 1 ? v : g.transpose(v, [1, 0, 2, 3]), [size, images * pixels]);
    const stacked = views.map((view) => flat(view, channels));
    const all = taps === 1 ? stacked[0]! : g.concat(stacked, 0);
    product = g.gemm(flat(dy, outputs), all, { transB: true });
  } else {
    const perGroup = (v: Value, size: number) => g.reshape(v, [images, group, size, pixels]);
    const stacked = views.map((view) => perGroup(view, channels / group));
    const all = taps === 1 ? stacked[0]! : g.concat(stacked, 2);
    const products = g.matMul(perGroup(dy, outputs / group), g.transpose(all, [0, 1, 3, 2]));
    product = g.reduceSum(products, [0], { keep: false });
  }
  if (taps === 1) return g.reshape(product, [outputs, channels / group, 1, 1]);
  const split = g.reshape(product, [outputs, taps, channels / group]);
  return g.reshape(g.transpose(split, [0, 2, 1]), [outputs, channels / group, ...kernel]);
}

/** What each weight sees: `N×C×Ho×Wo` for each of the kernel's places, row by row. */
function shiftedViews(g: GraphBuilder, x: Value, geometry: Geometry): Value[] {
  const { input, output, kernel, stride, dilation, before } = geometry;
  const span = both((axis) => (output[axis] - 1) * stride[axis] + 1);
  const end = both((axis) =>
    (kernel[axis] - 1) * dilation[axis] + span[axis] - input[axis] - before[axis]
  );
  const padded = padMap(g, x, before, end);
  const views: Value[] = [];
  for (let row = 0; row < kernel[0]; row++) {
    for (let column = 0; column < kernel[1]; column++) {
      const starts = [row * dilation[0], column * dilation[1]];
      const whole = span[0] === padded.dim(2) && span[1] === padded.dim(3);
      const unit = stride[0] === 1 && stride[1] === 1;
      views.push(
        whole && unit ? padded : g.slice(
          padded,
          starts,
          both((axis) => starts[axis]! + span[axis]),
          { axes: [2, 3], steps: stride },
        ),
      );
    }
  }
  return views;
}
