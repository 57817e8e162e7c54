/**
 * The weights PyTorch gives a freshly made network, from the same seed the same numbers.
 *
 * `torch.nn.Conv2d` draws its weight from `kaiming_uniform_(a = √5)` and its bias from
 * ±1/√fan_in, weight first; normalisation layers draw nothing. So the layers of a network, visited
 * in the order they are constructed, use up the generator's stream like PyTorch does after
 * `torch.manual_seed(seed)`. K. He et al., "Delving Deep into Rectifiers", ICCV 2015.
 */

import { Mt19937 } from "./mt19937.ts";

/** A tensor of parameters, row major, in PyTorch's layout. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A layer, in so far as its initial parameters depend on it. */
export type LayerSpec =
  | {
    readonly type: "conv2d";
    readonly inChannels: number;
    readonly outChannels: number;
    /** Rows and columns of the square kernel. */
    readonly kernelSize: number;
    /** Default: 1. */
    readonly groups?: number;
    /** Default: true. */
    readonly bias?: boolean;
  }
  | { readonly type: "batch_norm"; readonly channels: number }
  | { readonly type: "relu" };

/**
 * `torch.nn.init.kaiming_uniform_` (fan in, leaky ReLU): uniform in ±gain·√(3 / fan_in) with
 * gain = √(2 / (1 + a²)).
 *
 * @param generator Source of the draws, one a value.
 * @param shape Output channels, input channels (of a group), then the kernel's sizes.
 * @param a Slope of the leaky ReLU. PyTorch's layers use √5.
 */
export function kaimingUniform(
  generator: Mt19937,
  shape: readonly number[],
  a = Math.sqrt(5),
): Float32Array {
  const fanIn = fanInOf(shape);
  const deviation = Math.sqrt(2 / (1 + a ** 2)) / Math.sqrt(fanIn);
  return uniform(generator, shape, Math.sqrt(3) * deviation);
}

/**
 * Initial parameters of the layers of a `torch.nn.Sequential`.
 *
 * @param layers The layers in order; their place is the first part of their parameters' names.
 * @param seed What `torch.manual_seed` got right before the network was made.
 * @returns By PyTorch's names: `0.weight` (O×I×k×k), `0.bias` (O), `1.weight`, `1.bias`,
 *   `1.running_mean`, `1.running_var` (C each), ….
 * @throws {RangeError} A size is not a whole number ≥ 1, or groups do not divide the channels.
 */
export function sequentialParameters(
  layers: readonly LayerSpec[],
  seed: number,
): Map<string, Parameter> {
  const generator = new Mt19937(seed);
  const parameters = new Map<string, Parameter>();
  layers.forEach((layer, place) => {
    if (layer.type === "conv2d") {
      const { inChannels, outChannels, kernelSize, groups = 1, bias = true } = layer;
      checkCounts(place, [inChannels, outChannels, kernelSize, groups]);
      if (inChannels % groups !== 0 || outChannels % groups !== 0) {
        throw new RangeError(`Layer ${place}: ${groups} groups do not divide the channels`);
      }
      const shape = [outChannels, inChannels / groups, kernelSize, kernelSize];
      parameters.set(`${place}.weight`, { shape, data: kaimingUniform(generator, shape) });
      if (bias) {
        const data = uniform(generator, [outChannels], 1 / Math.sqrt(fanInOf(shape)));
        parameters.set(`${place}.bias`, { shape: [outChannels], data });
      }
    } else if (layer.type === "batch_norm") {
      checkCounts(place, [layer.channels]);
      const shape = [layer.channels];
      const constant = (value: number) => ({
        shape,
        data: new Float32Array(layer.channels).fill(value),
      });
      parameters.set(`${place}.weight`, constant(1));
      parameters.set(`${place}.bias`, constant(0));
      parameters.set(`${place}.running_mean`, constant(0));
      parameters.set(`${place}.running_var`, constant(1));
    }
  });
  return parameters;
}

/** Inputs that one output value sums over. */
function fanInOf(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

/** Single-precision values in ±bound, row major. */
function uniform(generator: Mt19937, shape: readonly number[], bound: number): Float32Array {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < values.length; i++) values[i] = generator.uniformFloat32(-bound, bound);
  return values;
}

function checkCounts(place: number, counts: readonly number[]): void {
  for (const count of counts) {
    if (!(Number.isInteger(count) && count >= 1)) {
      throw new RangeError(`Layer ${place}: ${count} is no size, must be a whole number ≥ 1`);
    }
  }
}
