import assert from "node:assert/strict";
import { adamStep, sgdStep } from "../../kernels/optimizers.ts";

const GRADIENTS = [[0.5, -1, 0.25], [-0.75, 2, 0.125], [0, 0.3, -4]];
const START = [1, -2, 0.5];

function close(actual: ArrayLike<number>, expected: readonly number[]) {
  expected.forEach((value, i) =>
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${actual[i]} is not ${value}`)
  );
}

for (const nesterov of [false, true]) {
  Deno.test(`sgdStep() steps as PyTorch defines it, Nesterov ${nesterov}`, () => {
    const parameters = Float32Array.from(START);
    const velocity = new Float32Array(3);
    const expected = [...START];
    const moving = [0, 0, 0];
    for (const [t, gradient] of GRADIENTS.entries()) {
      const rate = 0.1 / (t + 1);
      const options = { rate, momentum: 0.9, weightDecay: 0.01, nesterov, scale: 0.5 };
      sgdStep(parameters, Float32Array.from(gradient), velocity, options);
      gradient.forEach((slope, i) => {
        const d = slope / 2 + 0.01 * expected[i]!;
        moving[i] = 0.9 * moving[i]! + d;
        expected[i]! -= rate * (nesterov ? d + 0.9 * moving[i]! : moving[i]!);
      });
      close(parameters, expected);
      close(velocity, moving);
    }
  });
}

Deno.test("sgdStep() without momentum goes down the gradient", () => {
  const parameters = Float32Array.from(START);
  sgdStep(parameters, Float32Array.from(GRADIENTS[0]!), new Float32Array(3), { rate: 2 });
  close(parameters, [0, 0, 0]);
});

Deno.test("adamStep() steps as PyTorch's AdamW", () => {
  const parameters = Float32Array.from(START);
  const [mean, square] = [new Float32Array(3), new Float32Array(3)];
  const expected = [...START];
  const [m, s] = [[0, 0, 0], [0, 0, 0]];
  for (const [t, gradient] of GRADIENTS.entries()) {
    const options = { rate: 0.05, step: t + 1, weightDecay: 0.1 };
    adamStep(parameters, Float32Array.from(gradient), mean, square, options);
    gradient.forEach((slope, i) => {
      m[i] = 0.9 * m[i]! + 0.1 * slope;
      s[i] = 0.999 * s[i]! + 0.001 * slope ** 2;
      const root = Math.sqrt(s[i]! / (1 - 0.999 ** (t + 1))) + 1e-8;
      expected[i] = expected[i]! * (1 - 0.005) - 0.05 * m[i]! / (1 - 0.9 ** (t + 1)) / root;
    });
    close(parameters, expected);
  }
});

Deno.test("sgdStep() and adamStep() throw TypeError when lists differ in length", () => {
  const [three, two] = [new Float32Array(3), new Float32Array(2)];
  assert.throws(() => sgdStep(three, two, three, { rate: 1 }), TypeError);
  assert.throws(() => adamStep(three, three, three, two, { rate: 1, step: 1 }), TypeError);
});
