/** Batch normalisation with fixed statistics, merged into the convolution in front of it. */

import { type StateDict } from "../weights/state_dict.ts";
import { toFloat32 } from "../weights/tensor.ts";

/** A convolution that does the work of a convolution and the batch normalisation behind it. */
export interface FoldedConvolution {
  /** `O×I×kh×kw`, row major. */
  readonly weights: Float32Array;
  /** `O×I×kh×kw` */
  readonly shape: readonly number[];
  /** One value for each of the O output channels. */
  readonly bias: Float32Array;
}

/**
 * Folds `norm.{weight, bias, running_mean, running_var}` into `convolution.weight` (no bias of its
 * own): with s = γ / √(σ² + ε), the weights become w·s and the bias β − μ·s, computed in float64.
 * The tensors must be there with fitting shapes (see `requireTensors`).
 *
 * @param epsilon ε of the normalisation.
 */
export function foldBatchNorm(
  tensors: StateDict,
  convolution: string,
  norm: string,
  epsilon: number,
): FoldedConvolution {
  const tensor = tensors.get(`${convolution}.weight`)!;
  const source = toFloat32(tensor);
  const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(
    (name) => toFloat32(tensors.get(`${norm}.${name}`)!),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const channels = gamma.length;
  const perChannel = source.length / channels;
  const weights = new Float32Array(source.length);
  const bias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const scale = gamma[c]! / Math.sqrt(variance[c]! + epsilon);
    bias[c] = beta[c]! - mean[c]! * scale;
    const end = (c + 1) * perChannel;
    for (let i = c * perChannel; i < end; i++) weights[i] = source[i]! * scale;
  }
  return { weights, shape: tensor.shape, bias };
}
