import assert from "node:assert/strict";
import {
  cosineRate,
  makeSchedule,
  polynomialRate,
} from "../../../../core/training/run/schedules.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

Deno.test("makeSchedule() falls along a power, along half a cosine, or not at all", () => {
  const polynomial = makeSchedule({ rate: 0.2, steps: 10 });
  close(polynomial(0), 0.2);
  close(polynomial(4), 0.2 * 0.6 ** 0.9);
  const cosine = makeSchedule({ curve: "cosine", rate: 0.2, steps: 10 });
  close(cosine(5), 0.1);
  close(cosine(0), 0.2);
  assert.equal(makeSchedule({ curve: "constant", rate: 0.2, steps: 10 })(9), 0.2);
});

Deno.test("makeSchedule() rises to the curve over the first steps", () => {
  const schedule = makeSchedule({ curve: "constant", rate: 1, steps: 10, warmUp: 4 });
  assert.deepEqual([0, 1, 2, 3, 4].map(schedule), [0.25, 0.5, 0.75, 1, 1]);
  assert.throws(() => makeSchedule({ rate: -1, steps: 10 }), RangeError);
});

Deno.test("cosineRate() falls from the rate to 0", () => {
  close(cosineRate(0.2, 0, 10), 0.2);
  close(cosineRate(0.2, 5, 10), 0.1);
  close(cosineRate(0.2, 10, 10), 0);
});

Deno.test("polynomialRate() falls from the rate towards 0", () => {
  assert.equal(polynomialRate(0.1, 0, 10), 0.1);
  assert.ok(Math.abs(polynomialRate(0.1, 5, 10, 0.9) - 0.1 * 0.5 ** 0.9) < 1e-12);
  assert.equal(polynomialRate(0.1, 10, 10), 0);
});
