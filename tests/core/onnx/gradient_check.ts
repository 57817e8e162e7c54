/**
 * Compares gradients with central finite differences.
 *
 * The differences are taken in float64: of the same forward graph built with float64 inputs where
 * ONNX Runtime's CPU kernels compute in float64, else of a reference written out in the test. The
 * gradients under test are computed in float32, as in training.
 */

import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { type DataType, GraphBuilder, type Value } from "../../../core/onnx/graph_builder.ts";
import { gradients } from "../../../core/onnx/gradients.ts";
import { disableTelemetry } from "../../../core/telemetry.ts";

export interface Tensor64 {
  shape: readonly number[];
  data: Float64Array;
}

export interface GradientCase {
  /** Shapes of the float inputs. */
  inputs: readonly (readonly number[])[];
  /** The function of the inputs; `dtype` is theirs. */
  build: (g: GraphBuilder, inputs: Value[], dtype: DataType) => Value;
  /** The same function in plain TypeScript, where the runtime has no float64 kernel. */
  reference?: (inputs: Tensor64[]) => Tensor64;
  /** Which inputs are differentiated. Default all. */
  differentiate?: readonly number[];
  /** Values are drawn evenly from here. Default −1..1. */
  range?: readonly [number, number];
}

const options = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;

/** Numbers in 0..1 that are the same every time. */
export function randomNumbers(count: number, seed: number): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let bits = state ^ (state >>> 15);
    bits = Math.imul(bits, 0x2c1b3c6d) >>> 0;
    return ((bits ^ (bits >>> 12)) >>> 0) / 2 ** 32;
  });
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

function inputTensors({ inputs, range = [-1, 1] }: GradientCase): Tensor64[] {
  return inputs.map((shape, index) => {
    const [low, high] = range;
    const data = randomNumbers(sizeOf(shape), 17 + index).map((u) => low + u * (high - low));
    // Exactly representable in float32, so that both computations start at the same point.
    return { shape, data: Float64Array.from(Float32Array.from(data)) };
  });
}

type Forward = (inputs: Tensor64[]) => Promise<Tensor64>;

/** The forward function by the runtime in float64. */
async function runtimeForward(test: GradientCase): Promise<[Forward, () => Promise<void>]> {
  const g = new GraphBuilder();
  const values = test.inputs.map((shape, index) => g.input(`x${index}`, "float64", shape));
  g.output("y", test.build(g, values, "float64"));
  disableTelemetry();
  const session = await ort.InferenceSession.create(g.build(), options);
  const forward: Forward = async (inputs) => {
    const feeds = Object.fromEntries(
      inputs.map(({ data, shape }, at) => [`x${at}`, new ort.Tensor("float64", data, shape)]),
    );
    const { y } = await session.run(feeds);
    return { shape: y!.dims, data: (y!.data as Float64Array).slice() };
  };
  return [forward, () => session.release()];
}

/** The gradients and the function's value by the graph under test, in float32. */
async function analytic(test: GradientCase, inputs: Tensor64[], weights: Float64Array) {
  const g = new GraphBuilder();
  const values = inputs.map(({ shape }, at) => g.input(`x${at}`, "float32", shape));
  const y = test.build(g, values, "float32");
  const seed = g.constant(Float32Array.from(weights), y.shape.map((_, axis) => y.size(axis)));
  g.output("y", y);
  gradients(g, y, values, { seed }).forEach((d, at) => g.output(`d${at}`, d));
  disableTelemetry();
  const session = await ort.InferenceSession.create(g.build(), options);
  const feeds = Object.fromEntries(inputs.map(({ data, shape }, at) => [
    `x${at}`,
    new ort.Tensor("float32", Float32Array.from(data), shape),
  ]));
  const results = await session.run(feeds);
  const read = (name: string) => Float64Array.from(results[name]!.data as Float32Array);
  const found = inputs.map((_, at) => ({ shape: results[`d${at}`]!.dims, data: read(`d${at}`) }));
  const output = { shape: results.y!.dims, data: read("y") };
  await session.release();
  return { found, output };
}

function assertClose(actual: Tensor64, wanted: Tensor64, what: string): void {
  assert.deepEqual([...actual.shape], [...wanted.shape], `shape of ${what}`);
  const scale = wanted.data.reduce((greatest, v) => Math.max(greatest, Math.abs(v)), 1e-3);
  wanted.data.forEach((value, at) => {
    const error = Math.abs(value - actual.data[at]!) / scale;
    assert.ok(error < 5e-5, `${what}[${at}]: ${actual.data[at]}, wanted ${value}`);
  });
}

/** Fails unless value and gradients agree with the float64 computation to 5e-5 of the largest. */
export async function checkGradients(test: GradientCase): Promise<void> {
  const inputs = inputTensors(test);
  const [forward, release] = test.reference
    ? [(x: Tensor64[]) => Promise.resolve(test.reference!(x)), () => Promise.resolve()]
    : await runtimeForward(test);
  const centre = await forward(inputs);
  const weights = randomNumbers(centre.data.length, 99).map((u) => Math.fround(2 * u - 1));
  const { found, output } = await analytic(test, inputs, weights);
  assertClose(output, centre, "value");

  const loss = async () => {
    const { data } = await forward(inputs);
    return data.reduce((sum, value, at) => sum + value * weights[at]!, 0);
  };
  const step = 1e-5;
  for (const [index, { shape, data }] of inputs.entries()) {
    if (test.differentiate && !test.differentiate.includes(index)) continue;
    const differences = new Float64Array(data.length);
    for (let at = 0; at < data.length; at++) {
      const value = data[at]!;
      data[at] = value + step;
      const above = await loss();
      data[at] = value - step;
      differences[at] = (above - await loss()) / (2 * step);
      data[at] = value;
    }
    assertClose(found[index]!, { shape, data: differences }, `gradient by input ${index}`);
  }
  await release();
}
