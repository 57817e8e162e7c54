/** Batch normalisation with fixed statistics, merged into the convolution in front of it. */

/** The four lists of a batch normalisation, one value for each channel. */
export interface BatchNormStatistics {
  /** γ */
  readonly weight: Float32Array;
  /** β */
  readonly bias: Float32Array;
  /** μ */
  readonly mean: Float32Array;
  /** σ² */
  readonly variance: Float32Array;
}

/** A linear map of each channel: `scale·x + shift`. */
export interface ChannelMap {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

/**
 * What a batch normalisation does to a channel: s = γ / √(σ² + ε) and β − μ·s, computed in float64.
 *
 * @param epsilon ε
 */
export function channelMap(norm: BatchNormStatistics, epsilon: number): ChannelMap {
  const { weight, bias, mean, variance } = norm;
  const scale = new Float64Array(weight.length);
  const shift = new Float32Array(weight.length);
  for (let c = 0; c < scale.length; c++) {
    scale[c] = weight[c]! / Math.sqrt(variance[c]! + epsilon);
    shift[c] = bias[c]! - mean[c]! * scale[c]!;
  }
  return { scale: Float32Array.from(scale), shift };
}

/** A convolution that does the work of a convolution and the batch normalisation behind it. */
export interface FoldedConvolution {
  /** `O×I×kh×kw`, row major. */
  readonly weights: Float32Array;
  /** One value for each of the O output channels. */
  readonly bias: Float32Array;
}

/**
 * Folds a normalisation into the convolution in front: the weights become w·s and the bias
 * β + (b − μ)·s, computed in float64 and rounded once.
 *
 * @param weights `O×I×kh×kw`, row major; O as in `norm`.
 * @param bias The convolution's own, b; `null` for none.
 * @param epsilon ε of the normalisation.
 */
export function foldNormalisation(
  weights: Float32Array,
  bias: Float32Array | null,
  norm: BatchNormStatistics,
  epsilon: number,
): FoldedConvolution {
  const channels = norm.weight.length;
  const perChannel = weights.length / channels;
  const folded = new Float32Array(weights.length);
  const foldedBias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const scale = norm.weight[c]! / Math.sqrt(norm.variance[c]! + epsilon);
    foldedBias[c] = norm.bias[c]! + ((bias ? bias[c]! : 0) - norm.mean[c]!) * scale;
    const end = (c + 1) * perChannel;
    for (let i = c * perChannel; i < end; i++) folded[i] = weights[i]! * scale;
  }
  return { weights: folded, bias: foldedBias };
}
