import assert from "node:assert/strict";
import * as errors from "../../../core/errors.ts";
import { packError, reviveError } from "../../../core/runtime/wire_error.ts";

Deno.test("reviveError() makes an error of the class it had", () => {
  const classes = [...Object.values(errors), RangeError, SyntaxError, TypeError, Error];
  for (const Class of classes) {
    const packed = structuredClone(packError(new Class("what happened")));
    const revived = reviveError(packed);
    assert.equal(revived.constructor, Class);
    assert.equal(revived.message, "what happened");
    assert.match(revived.stack!, /wire_error_test/);
  }
});

Deno.test("reviveError() makes a plain error of anything else", () => {
  class Odd extends Error {
    override name = "constructor";
  }
  assert.equal(reviveError(packError(new Odd("odd"))).constructor, Error);
  assert.equal(reviveError(packError("a string")).message, "a string");
  assert.equal(reviveError(packError(undefined)).message, "undefined");
});
