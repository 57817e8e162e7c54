import assert from "node:assert/strict";
import { parseList, parseNumber, parseNumbers } from "../../core/parse.ts";

Deno.test("parseNumber() reads decimal numbers only", () => {
  assert.deepEqual(["2", "0.5", ".5", "5.", "-1", "+1", "1e-3", " 7 "].map(parseNumber), [
    2,
    0.5,
    0.5,
    5,
    -1,
    1,
    0.001,
    7,
  ]);
  for (
    const text of ["", " ", "a", "1a", "0x10", "1_000", "Infinity", "NaN", "1e999", "1 2", "."]
  ) {
    assert.throws(() => parseNumber(text), SyntaxError, text);
  }
});

Deno.test("parseList() splits at commas", () => {
  assert.deepEqual(parseList("cat"), ["cat"]);
  assert.deepEqual(parseList(" cat , dog"), ["cat", "dog"]);
  assert.deepEqual(parseList(""), []);
  assert.deepEqual(parseList("  "), []);
  for (const text of [",", "cat,", ",cat", "cat,,dog"]) {
    assert.throws(() => parseList(text), SyntaxError, text);
  }
});

Deno.test("parseNumbers() needs at least one number", () => {
  assert.deepEqual(parseNumbers("0.5,1, 1.5"), [0.5, 1, 1.5]);
  for (const text of ["", "1,", "1;2", "one"]) {
    assert.throws(() => parseNumbers(text), SyntaxError, text);
  }
});
