/**
 * Gradients of operators that work element by element.
 */

import {
  above,
  type Backward,
  below,
  type GradientRule,
  type GradientTable,
  int,
  number,
  refuse,
  sumInStages,
  sumTo,
} from "./rule.ts";

/** The rule of a function of one value: the gradient is some product with `dy`. */
function unary(derive: (back: Backward) => ReturnType<Backward["g"]["mul"]>): GradientRule {
  return (back) => [() => derive(back)];
}

const zero: GradientRule = () => [];

const add: GradientRule = ({ g, dy, x }) => x.map((input) => () => sumTo(g, dy, input));

const sub: GradientRule = ({ g, dy, x: [a, b] }) => [
  () => sumTo(g, dy, a!),
  () => g.neg(sumTo(g, dy, b!)),
];

const mul: GradientRule = ({ g, dy, x: [a, b] }) => [
  () => sumTo(g, g.mul(dy, b!), a!),
  () => sumTo(g, g.mul(dy, a!), b!),
];

const div: GradientRule = ({ g, dy, y, x: [a, b] }) => [
  () => sumTo(g, g.div(dy, b!), a!),
  () => g.neg(sumTo(g, g.div(g.mul(dy, y), b!), b!)),
];

const pow: GradientRule = ({ g, node, dy, x: [a, b] }) => {
  const exponent = b!.data?.data.length === 1 ? Number(b!.data.data[0]) : null;
  if (exponent === null) refuse(node, "the exponent must be one constant");
  return [
    () => sumTo(g, g.mul(dy, g.mul(exponent === 2 ? a! : g.pow(a!, exponent! - 1), exponent!)), a!),
  ];
};

/** Of equals, the first one has the gradient. */
const extreme = (greatest: boolean): GradientRule => ({ g, node, dy, x: [a, b] }) => {
  if (node.inputs.length !== 2) refuse(node, "only two inputs are covered");
  const second = () => g.mul(dy, above(g, greatest ? g.sub(b!, a!) : g.sub(a!, b!), 0));
  return [
    () => sumTo(g, g.sub(dy, second()), a!),
    () => sumTo(g, second(), b!),
  ];
};

const where: GradientRule = ({ g, dy, x: [condition, a, b] }) => [
  undefined,
  () => sumTo(g, g.where(condition!, dy, 0), a!),
  () => sumTo(g, g.where(condition!, 0, dy), b!),
];

/** A bound of Clip as a number; a missing bound lets everything pass. */
function bound({ node, x }: Backward, index: number, otherwise: number): number {
  if (!x[index]) return otherwise;
  return Number(x[index].data?.data[0] ?? refuse(node, "the bounds must be constants"));
}

const clip: GradientRule = (back) => [() => {
  const { g, y } = back;
  const [low, high] = [bound(back, 1, -Infinity), bound(back, 2, Infinity)];
  let d = back.dy;
  if (low > -Infinity) d = g.mul(d, above(g, y, low));
  if (high < Infinity) d = g.mul(d, below(g, y, high));
  return d;
}];

const hardSigmoid: GradientRule = ({ g, node, dy, y }) => [() => {
  const inside = g.mul(above(g, y, 0), below(g, y, 1));
  return g.mul(g.mul(dy, inside), number(node, "alpha", 0.2));
}];

const softmax: GradientRule = ({ g, node, dy, y }) => [() => {
  const mean = g.reduceSum(g.mul(dy, y), [int(node, "axis", -1)]);
  return g.mul(y, g.sub(dy, mean));
}];

const logSoftmax: GradientRule = ({ g, node, dy, y }) => [() => {
  const sum = g.reduceSum(dy, [int(node, "axis", -1)]);
  return g.sub(dy, g.mul(g.exp(y), sum));
}];

/** With the statistics given (inference mode), per channel of `N×C×…`. */
const batchNormalization: GradientRule = ({ g, node, dy, x: [x, scale, , mean, variance] }) => {
  if (int(node, "training_mode", 0)) refuse(node, "write training mode out in simple operators");
  const perChannel = (v: typeof dy) => g.unsqueeze(v, spatial.map((axis) => axis - 1));
  const spatial = x!.shape.slice(2).map((_, axis) => axis + 2);
  const deviation = () => g.sqrt(g.add(variance!, number(node, "epsilon", 1e-5)));
  return [
    () => g.mul(dy, perChannel(g.div(scale!, deviation()))),
    () => {
      const centred = g.sub(x!, perChannel(mean!));
      return g.div(sumInStages(g, g.mul(dy, centred), [0, ...spatial], false), deviation());
    },
    () => sumInStages(g, dy, [0, ...spatial], false),
  ];
};

export const elementwiseGradients: GradientTable = {
  Identity: unary(({ dy }) => dy),
  Cast: unary(({ g, dy, x }) => g.cast(dy, x[0]!.dtype)),
  Neg: unary(({ g, dy }) => g.neg(dy)),
  Abs: unary(({ g, dy, x }) => g.mul(dy, g.op("Sign", [x[0]]))),
  Relu: unary(({ g, dy, y }) => g.mul(dy, above(g, y, 0))),
  Sigmoid: unary(({ g, dy, y }) => g.mul(dy, g.mul(y, g.sub(1, y)))),
  Tanh: unary(({ g, dy, y }) => g.mul(dy, g.sub(1, g.mul(y, y)))),
  Exp: unary(({ g, dy, y }) => g.mul(dy, y)),
  Log: unary(({ g, dy, x }) => g.div(dy, x[0]!)),
  Sqrt: unary(({ g, dy, y }) => g.div(g.mul(dy, 0.5), y)),
  Reciprocal: unary(({ g, dy, y }) => g.neg(g.mul(dy, g.mul(y, y)))),
  Sign: zero,
  Floor: zero,
  Ceil: zero,
  Round: zero,
  Add: add,
  Sum: add,
  Sub: sub,
  Mul: mul,
  Div: div,
  Pow: pow,
  Max: extreme(true),
  Min: extreme(false),
  Where: where,
  Clip: clip,
  HardSigmoid: hardSigmoid,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  BatchNormalization: batchNormalization,
};
