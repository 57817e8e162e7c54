/**
 * Optimisers' steps, in place, over lists of parameters.
 *
 * Arithmetic is in float64, rounded to float32 where a result is kept.
 */

/** How {@linkcode sgdStep} steps. */
export interface SgdStepOptions {
  /** Learning rate. */
  readonly rate: number;
  /** Share of the velocity that is kept. Default: 0. */
  readonly momentum?: number;
  /** Share of the parameter that is added to its gradient. Default: 0. */
  readonly weightDecay?: number;
  /** Whether to step where the velocity will lead rather than where it led. Default: false. */
  readonly nesterov?: boolean;
  /** The gradient is multiplied by this first. Default: 1. */
  readonly scale?: number;
}

/**
 * One step of stochastic gradient descent as PyTorch defines it, without dampening:
 * `d = scale·gradient + weightDecay·p`, `v ← momentum·v + d`, `p ← p − rate·v`, or with Nesterov's
 * rule `p ← p − rate·(d + momentum·v)`.
 *
 * @param parameters N, changed
 * @param gradient N
 * @param velocity N, changed; zeros before the first step
 */
export function sgdStep(
  parameters: Float32Array,
  gradient: Float32Array,
  velocity: Float32Array,
  { rate, momentum = 0, weightDecay = 0, nesterov = false, scale = 1 }: SgdStepOptions,
): void {
  checkLengths(parameters, gradient, velocity);
  const count = parameters.length;
  // d + momentum·v' = d·(1 with Nesterov, else 0) + v'·(momentum or 1).
  const direct = nesterov ? 1 : 0;
  const carried = nesterov ? momentum : 1;
  for (let i = 0; i < count; i++) {
    const p = parameters[i]!;
    const d = gradient[i]! * scale + weightDecay * p;
    const v = momentum * velocity[i]! + d;
    velocity[i] = v;
    parameters[i] = p - rate * (direct * d + carried * v);
  }
}

/** How {@linkcode adamStep} steps. */
export interface AdamStepOptions {
  /** Learning rate. */
  readonly rate: number;
  /** Number of this step, from 1. */
  readonly step: number;
  /** Share of the old mean gradient that is kept. Default: 0.9. */
  readonly beta1?: number;
  /** Share of the old mean square that is kept. Default: 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square. Default: 1e-8. */
  readonly epsilon?: number;
  /** Share `rate · weightDecay` of the parameter that is taken away beside the step. Default: 0. */
  readonly weightDecay?: number;
  /** The gradient is multiplied by this first. Default: 1. */
  readonly scale?: number;
}

/**
 * One step of AdamW (I. Loshchilov and F. Hutter, arXiv 1711.05101; without weight decay that is
 * Adam, arXiv 1412.6980), with bias correction, as PyTorch defines it.
 *
 * @param parameters N, changed
 * @param gradient N
 * @param mean N, changed; zeros before the first step
 * @param square N, changed; zeros before the first step
 */
export function adamStep(
  parameters: Float32Array,
  gradient: Float32Array,
  mean: Float32Array,
  square: Float32Array,
  options: AdamStepOptions,
): void {
  checkLengths(parameters, gradient, mean);
  checkLengths(parameters, gradient, square);
  const { rate, step, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, scale = 1 } =
    options;
  const count = parameters.length;
  const kept = 1 - rate * weightDecay;
  const speed = rate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  for (let i = 0; i < count; i++) {
    const d = gradient[i]! * scale;
    const m = beta1 * mean[i]! + (1 - beta1) * d;
    const s = beta2 * square[i]! + (1 - beta2) * d * d;
    mean[i] = m;
    square[i] = s;
    parameters[i] = parameters[i]! * kept - speed * m / (Math.sqrt(s) * correction + epsilon);
  }
}

function checkLengths(parameters: Float32Array, gradient: Float32Array, state: Float32Array): void {
  if (parameters.length !== gradient.length || parameters.length !== state.length) {
    throw new TypeError(
      `Cannot step: ${parameters.length} parameters, ${gradient.length} gradients and ` +
        `${state.length} numbers of state do not fit`,
    );
  }
}
