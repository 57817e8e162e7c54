/**
 * Resampling as matrix products: an interpolation along one axis is a matrix, so resizing a map is
 * one product from the left and one from the right, and its gradient the transposed ones.
 */

import type { GraphBuilder, Value } from "./graph_builder.ts";

/** How places in the output correspond to places in the input. */
export interface InterpolationOptions {
  /** Default `"linear"`. Without antialiasing: two neighbours, however much smaller the output. */
  mode?: "linear" | "nearest";
  /** ONNX's names; default `"half_pixel"`, which is `align_corners=False` elsewhere. */
  coordinates?: string;
  /** Rounding of `"nearest"`; default `"round_prefer_floor"`. */
  nearest?: string;
  /** Default: output size over input size. */
  scale?: number;
}

/**
 * The matrix `output × input` that resamples a list, row major, as ONNX `Resize` does.
 *
 * @throws {TypeError} for coordinates or roundings not covered.
 */
export function interpolationMatrix(
  input: number,
  output: number,
  options: InterpolationOptions = {},
): Float64Array {
  const { mode = "linear", coordinates = "half_pixel", scale = output / input } = options;
  const nearest = options.nearest ?? "round_prefer_floor";
  const matrix = new Float64Array(output * input);
  const last = input - 1;
  for (let row = 0; row < output; row++) {
    const place = sourcePlace(row, input, output, scale, coordinates);
    const add = (column: number, weight: number) => {
      matrix[row * input + Math.min(Math.max(column, 0), last)]! += weight;
    };
    if (mode === "nearest") {
      add(roundPlace(place, nearest), 1);
      continue;
    }
    const inside = Math.min(Math.max(place, 0), last);
    const left = Math.floor(inside);
    add(left, 1 - (inside - left));
    add(left + 1, inside - left);
  }
  return matrix;
}

function sourcePlace(
  row: number,
  input: number,
  output: number,
  scale: number,
  coordinates: string,
): number {
  switch (coordinates) {
    case "half_pixel":
      return (row + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return output > 1 ? (row + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return output > 1 ? row * (input - 1) / (output - 1) : 0;
    case "asymmetric":
      return row / scale;
    default:
      throw new TypeError(`Cannot write resizing with ${coordinates} as a matrix`);
  }
}

function roundPlace(place: number, rule: string): number {
  switch (rule) {
    case "round_prefer_floor":
      return Math.ceil(place - 0.5);
    case "round_prefer_ceil":
      return Math.floor(place + 0.5);
    case "floor":
      return Math.floor(place);
    case "ceil":
      return Math.ceil(place);
    default:
      throw new TypeError(`Cannot write resizing with ${rule} as a matrix`);
  }
}

/**
 * `N×C×H×W` resampled bilinearly to `height × width` by two matrix products. Sizes must be fixed.
 */
export function resizeByProducts(
  g: GraphBuilder,
  x: Value,
  height: number,
  width: number,
  options: Pick<InterpolationOptions, "mode" | "coordinates" | "nearest"> = {},
): Value {
  const vertical = matrixConstant(g, x, x.size(2), height, options, false);
  const horizontal = matrixConstant(g, x, x.size(3), width, options, true);
  return g.matMul(vertical, g.matMul(x, horizontal));
}

/** An interpolation matrix in the type of `x`: `output × input`, or transposed. */
export function matrixConstant(
  g: GraphBuilder,
  x: Value,
  input: number,
  output: number,
  options: InterpolationOptions,
  transposed: boolean,
): Value {
  const matrix = interpolationMatrix(input, output, options);
  const numbers = new Array<number>(matrix.length);
  for (let row = 0; row < output; row++) {
    for (let column = 0; column < input; column++) {
      const place = transposed ? column * output + row : row * input + column;
      numbers[place] = matrix[row * input + column]!;
    }
  }
  return g.constant(numbers, transposed ? [input, output] : [output, input], { dtype: x.dtype });
}
