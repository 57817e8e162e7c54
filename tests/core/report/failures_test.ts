import assert from "node:assert/strict";
import { tellMistake, worstMistakes } from "../../../core/report/failures.ts";

Deno.test("worstMistakes() finds what costs the most pixels, with shares of class and image", () => {
  const counts = Float64Array.of(60, 4, 0, 10, 10, 0, 2, 6, 8);
  const mistakes = worstMistakes({ classes: 3, counts }, 2);
  assert.deepEqual(mistakes, [
    { truth: 1, predicted: 0, share: 0.5, pixels: 0.1 },
    { truth: 2, predicted: 1, share: 0.375, pixels: 0.06 },
  ]);
  const names = ["background", "cat", "dog"];
  assert.equal(tellMistake(mistakes[0]!, names), "50 % of cat missed (10 % of the pixels)");
  assert.equal(
    tellMistake(mistakes[1]!, names),
    "38 % of dog taken for cat (6 % of the pixels)",
  );
});
