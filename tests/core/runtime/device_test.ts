import assert from "node:assert/strict";
import { hasNvidiaDriver, openSessionAnywhere } from "../../../core/runtime/device.ts";
import { buildTinyModel } from "../../helpers/tiny_model.ts";

Deno.test({
  name: "openSessionAnywhere() takes the CPU when CUDA does not work, and tells why",
  ignore: hasNvidiaDriver(),
  async fn() {
    const { session, device, fallback } = await openSessionAnywhere(buildTinyModel(), {
      threads: 1,
    }, true);
    assert.equal(device, "cpu");
    assert.match(fallback!, /Device "cuda" is not available here.*ONNX Runtime: /);
    await session.release();
  },
});

Deno.test("openSessionAnywhere() has nothing to tell where CUDA is not tried", async () => {
  const { session, device, fallback } = await openSessionAnywhere(buildTinyModel(), {
    threads: 1,
  }, false);
  assert.equal(device, "cpu");
  assert.equal(fallback, undefined);
  await session.release();
});
