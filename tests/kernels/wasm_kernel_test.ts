import assert from "node:assert/strict";
import { crfKernels, inferDenseCrf } from "../../kernels/dense_crf.ts";
import { edgesWasm } from "../../kernels/wasm/edges.ts";
import { WasmKernel } from "../../kernels/wasm_kernel.ts";
import { pattern } from "./pattern.ts";

Deno.test("WasmKernel.use() throws when it is called by what it runs, and works again after that", () => {
  const kernel = new WasmKernel(edgesWasm);
  const other = new WasmKernel(edgesWasm);
  const inner = () => kernel.use(16, () => "inner");
  assert.throws(() => kernel.use(16, inner), {
    name: "Error",
    message: "Cannot use a kernel while it is at work: checkpoints must not call kernels",
  });
  assert.equal(inner(), "inner");
  assert.equal(kernel.use(16, () => other.use(16, () => "other")), "other");
  assert.throws(() => kernel.use(16, () => assert.fail("a fault of the work")), /a fault/);
  assert.equal(inner(), "inner");
});

Deno.test("inferDenseCrf() throws when its checkpoint infers a CRF, which would overwrite its memory", () => {
  const kernels = crfKernels(pattern(3 * 7 * 5, 1), 7, 5);
  const unary = Float32Array.from(pattern(2 * 7 * 5, 2), (v) => v / 50);
  const infer = (checkpoint?: () => void) =>
    inferDenseCrf(unary, 2, kernels, { steps: 3, checkpoint });
  const alone = infer();
  assert.throws(() => infer(() => void infer()), /checkpoints must not call kernels/);
  assert.deepEqual(infer(), alone);
});
