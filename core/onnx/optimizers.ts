/**
 * Optimisers' updates as nodes of a graph: parameter, state and gradient in, new ones out. The same
 * optimisers in place, on lists of numbers, are in `kernels/optimizers.ts`.
 */

import type { GraphBuilder, Operand, Value } from "./graph_builder.ts";

/** What a step of stochastic gradient descent works on; all of one shape but the rate. */
export interface SgdInputs {
  parameter: Value;
  gradient: Value;
  /** The running direction; zeros before the first step. Not needed without momentum. */
  velocity?: Value;
  /** Learning rate: a scalar. */
  rate: Operand;
}

/** How stochastic gradient descent steps. */
export interface SgdOptions {
  /** Share of the velocity that is kept at each step. Default 0: plain descent. */
  momentum?: Operand;
  /** Share of the parameter that is added to its gradient. Default 0. */
  weightDecay?: Operand;
  /** Whether to step where the velocity will lead rather than where it led. Default false. */
  nesterov?: boolean;
}

/**
 * One step of stochastic gradient descent, as PyTorch defines it (without dampening):
 *
 * `d = gradient + weightDecay · p`, `v' = momentum · v + d`,
 * `p' = p − rate · v'`, or with Nesterov `p' = p − rate · (d + momentum · v')`.
 *
 * @returns the new parameter, and the new velocity (`null` without momentum).
 * @throws {TypeError} when momentum is asked for without a velocity, or shapes differ.
 */
export function sgdUpdate(
  g: GraphBuilder,
  { parameter, gradient, velocity, rate }: SgdInputs,
  { momentum = 0, weightDecay = 0, nesterov = false }: SgdOptions = {},
): { parameter: Value; velocity: Value | null } {
  checkSame(parameter, gradient, "gradient");
  const d = weightDecay === 0 ? gradient : g.add(gradient, g.mul(parameter, weightDecay));
  if (momentum === 0) {
    if (nesterov) throw new TypeError("Cannot step by Nesterov's rule without momentum");
    return { parameter: g.sub(parameter, g.mul(d, rate)), velocity: null };
  }
  if (!velocity) throw new TypeError("Cannot step with momentum: the velocity is missing");
  checkSame(parameter, velocity, "velocity");
  const next = g.add(g.mul(velocity, momentum), d);
  const step = nesterov ? g.add(d, g.mul(next, momentum)) : next;
  return { parameter: g.sub(parameter, g.mul(step, rate)), velocity: next };
}

/** What a step of Adam works on; all of one shape but the scalars. */
export interface AdamInputs {
  parameter: Value;
  gradient: Value;
  /** The running mean of gradients; zeros before the first step. */
  mean: Value;
  /** The running mean of their squares; zeros before the first step. */
  square: Value;
  /** Learning rate: a scalar. */
  rate: Operand;
  /** `1 − beta1ᵗ` and `1 − beta2ᵗ` at step t, from 1: both averages start at zero. */
  corrections: readonly [Operand, Operand];
}

/** How Adam steps. */
export interface AdamOptions {
  /** Share of the old mean gradient that is kept. */
  beta1: number;
  /** Share of the old mean square that is kept. */
  beta2: number;
  /** Added to the root of the mean square. */
  epsilon: number;
}

/**
 * One step of Adam (D. P. Kingma and J. Ba, arXiv 1412.6980), with bias correction.
 *
 * @returns the new parameter, mean and square.
 */
export function adamUpdate(
  g: GraphBuilder,
  { parameter, gradient, mean, square, rate, corrections }: AdamInputs,
  { beta1, beta2, epsilon }: AdamOptions,
): { parameter: Value; mean: Value; square: Value } {
  const newMean = g.add(g.mul(mean, beta1), g.mul(gradient, 1 - beta1));
  const newSquare = g.add(
    g.mul(square, beta2),
    g.mul(g.mul(gradient, gradient), 1 - beta2),
  );
  const root = g.add(g.sqrt(g.div(newSquare, corrections[1])), epsilon);
  const move = g.div(g.div(newMean, corrections[0]), root);
  return { parameter: g.sub(parameter, g.mul(move, rate)), mean: newMean, square: newSquare };
}

function checkSame(parameter: Value, value: Value, what: string): void {
  const [want, is] = [parameter, value].map(({ dtype, shape }) => `${dtype}[${shape}]`);
  if (want !== is) throw new TypeError(`Cannot step: parameter is ${want}, ${what} ${is}`);
}
