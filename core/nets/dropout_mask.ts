/**
 * Dropout's random masks, made inside the graph of a few fed numbers, so that the same seed gives the
 * same mask on every device and a mask of millions of elements costs no traffic.
 *
 * An element is the product of its row's and its column's list of {@linkcode DROPOUT_RANK} random
 * numbers modulo a prime: evenly distributed, and of any two elements one says nothing about the
 * other. All numbers stay whole and below 2²⁴, so that float32 (and TensorFloat-32) computes them
 * exactly.
 */

import type { GraphBuilder, Value } from "../onnx/graph_builder.ts";
import { above } from "../onnx/gradients/rule.ts";
import type { Pcg64 } from "../../kernels/pcg64.ts";

/** Length of the lists that masks are made of. */
export const DROPOUT_RANK = 8;

/** The prime that the numbers of the lists stay below. */
export const DROPOUT_MODULUS = 1021;

/**
 * Factors of dropout: 0 with the given probability, else what keeps the mean at 1.
 *
 * @param rows `R×DROPOUT_RANK`, whole numbers `0..DROPOUT_MODULUS − 1`
 * @param columns `DROPOUT_RANK×C`, the same
 * @param probability 0..1, rounded to a multiple of `1 / DROPOUT_MODULUS`
 * @returns `R×C`
 */
export function dropoutMask(
  g: GraphBuilder,
  rows: Value,
  columns: Value,
  probability: number,
): Value {
  const dropped = Math.round(probability * DROPOUT_MODULUS);
  if (!(dropped >= 0 && dropped < DROPOUT_MODULUS)) {
    throw new RangeError(`Cannot drop with probability ${probability}: it is not in 0..1`);
  }
  const sums = g.matMul(rows, columns);
  // Half a unit keeps the quotient away from whole numbers, where it could be rounded up.
  const turns = g.op("Floor", [g.mul(g.add(sums, 0.5), 1 / DROPOUT_MODULUS)]);
  const numbers = g.sub(sums, g.mul(turns, DROPOUT_MODULUS));
  const kept = above(g, numbers, dropped - 0.5);
  return g.mul(kept, DROPOUT_MODULUS / (DROPOUT_MODULUS - dropped));
}

/** Fills a list with what masks are made of. */
export function fillDropoutNumbers(numbers: Float32Array, random: Pcg64): void {
  for (let at = 0; at < numbers.length; at++) {
    numbers[at] = Math.floor(random.uniform() * DROPOUT_MODULUS);
  }
}
