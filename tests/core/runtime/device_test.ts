import assert from "node:assert/strict";
import process from "node:process";
import { hasNvidiaDriver, openSession, openSessionAnywhere } from "../../../core/runtime/device.ts";
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

Deno.test({
  name: "openSession() tells CUDA's libraries to do without TensorFloat-32 when asked to",
  ignore: hasNvidiaDriver(),
  async fn() {
    const options = { device: "cuda", gpu: 1, tf32: false } as const;
    await assert.rejects(openSession(buildTinyModel(), options), { name: "DeviceError" });
    assert.equal(process.env.NVIDIA_TF32_OVERRIDE, "0");
    delete process.env.NVIDIA_TF32_OVERRIDE;
  },
});
