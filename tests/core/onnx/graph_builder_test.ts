import assert from "node:assert/strict";
import { GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import { decodeModel, readInitializers, readMetadata } from "../../../core/onnx/model.ts";
import { run } from "./session.ts";

Deno.test("GraphBuilder.build() makes a model the runtime agrees with when shapes are symbolic", async () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", ["N", 2, "H", "W"]);
  const w = g.initializer("stem.weight", Float32Array.from({ length: 36 }, (_, i) => i % 5 - 2), [
    2,
    2,
    3,
    3,
  ], { storage: "fp16" });
  const b = g.initializer("stem.bias", new Float32Array([1, -1]), [2]);
  const y = g.conv(x, w, { bias: b, strides: 2, autoPad: "SAME_UPPER", name: "stem" });
  assert.deepEqual(y.shape, ["N", 2, "ceil(H/2)", "ceil(W/2)"]);
  const z = g.reduceMean(g.clip(g.add(y, g.mul(y, 0.5)), 0, 6), [2, 3], { keep: false });
  assert.deepEqual(z.shape, ["N", 2]);
  g.output("pooled", z);
  g.output("map", y);
  const bytes = g.build({ metadata: { classes: "a,b" }, opset: 20 });

  const model = decodeModel(bytes);
  assert.equal(model.irVersion, 10n);
  assert.deepEqual(model.opsetImport.map((o) => [o.domain, o.version]), [["", 20n]]);
  assert.deepEqual(readMetadata(model), { classes: "a,b" });
  assert.equal(readInitializers(model).get("stem.weight")?.dtype, "float16");

  const data = Float32Array.from({ length: 2 * 2 * 5 * 7 }, (_, i) => (i * 7 % 11) / 11 - 0.4);
  const out = await run(bytes, { x: { data, shape: [2, 2, 5, 7] } });
  assert.deepEqual(out.pooled?.dims, [2, 2]);
  assert.deepEqual(out.map?.dims, [2, 2, 3, 4]);
  const map = out.map!.data as Float32Array;
  const mean = map.slice(0, 12).reduce((s, v) => s + Math.min(6, Math.max(0, 1.5 * v)), 0) / 12;
  assert.ok(Math.abs(mean - Number(out.pooled!.data[0])) < 1e-5);
});

Deno.test("GraphBuilder.loop() carries state, stacks scans and stops when told to", async () => {
  const g = new GraphBuilder();
  const start = g.input("start", "float32", [3]);
  const step = g.constant(new Float32Array([1, 2, 3]));
  const { state, scans } = g.loop([start], (body, { state: [now], iteration }) => {
    const next = body.add(now!, body.mul(step, 2));
    const again = body.less(body.reduceMax(next, [], { keep: false }), 20);
    return { state: [next], scans: [body.cast(iteration, "float32"), next], again };
  }, { count: 50 });
  g.output("end", state[0]!);
  g.output("turns", scans[0]!);
  g.output("path", scans[1]!);
  const out = await run(g.build(), { start: { data: [0, 0, 0], shape: [3] } });
  assert.deepEqual([...out.end!.data], [8, 16, 24]);
  assert.deepEqual([...out.turns!.data], [0, 1, 2, 3]);
  assert.deepEqual(out.path!.dims, [4, 3]);
});

Deno.test("GraphBuilder throws TypeError naming operator and shapes when they do not fit", () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, 4, 8, 6]);
  const w = g.constant(new Float32Array(27), [1, 3, 3, 3]);
  assert.throws(() => g.conv(x, w, { name: "stem" }), {
    name: "TypeError",
    message:
      'Cannot apply Conv "stem" to [1,4,8,6], [1,3,3,3]: the weights expect 3 channels in 1 group(s), there are 4',
  });
  assert.throws(() => g.add(x, g.constant([1, 2, 3])), /Cannot apply Add .*\[1,4,8,6\], \[3\]/);
  assert.throws(() => g.reshape(x, [5, -1]), /Reshape/);
  assert.throws(() => g.matMul(x, x), /inner sizes 6 and 8/);
  assert.throws(() => g.op("LeakyRelu", [x], { alpha: 0.1 }), /float\(…\)/);
  assert.throws(() => new GraphBuilder().relu(x), /another graph/);
  assert.throws(() => g.input("x", "float32", []), /"x": it is taken/);
});
