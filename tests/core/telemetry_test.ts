import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** What a program prints that runs in a process of its own, with some permissions besides reading. */
async function print(program: string, permissions: readonly string[]): Promise<string> {
  const config = fileURLToPath(new URL("deno.json", ROOT));
  const url = `data:text/javascript,${encodeURIComponent(program)}`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", "--config", config, "--allow-read"],
      ...["--allow-import", ...permissions, url],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "disableTelemetry() tells whether it could, which takes the environment or the C library",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const program = `const { disableTelemetry } = await import("${ROOT}core/telemetry.ts");
      console.log(disableTelemetry(), disableTelemetry());`;
    assert.equal(await print(program, ["--allow-env=ORT_DISABLE_TELEMETRY"]), "true true\n");
    assert.equal(await print(program, ["--allow-ffi=/nowhere"]), "false false\n");
    assert.equal(await print(program, []), "false false\n");
  },
});

Deno.test({
  name: "createApp() logs once that ONNX Runtime may report, where that cannot be turned off",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const program = `const { createApp } = await import("${ROOT}functions/app.ts");
      const logger = { error: (message, error) => console.log(message + ": " + error.message) };
      const silop = { device: "cpu", workers: 1, threads: 1 };
      createApp({ silop, logger });
      createApp({ silop, logger });
      queueMicrotask(() => Deno.exit());`;
    const line = "ONNX Runtime may report to its makers: Cannot set ORT_DISABLE_TELEMETRY from " +
      "here: set it to 1 outside, or grant --allow-env=ORT_DISABLE_TELEMETRY\n";
    assert.equal(await print(program, ["--allow-ffi=/nowhere"]), line);
    assert.equal(await print(program, ["--allow-env=ORT_DISABLE_TELEMETRY"]), "");
  },
});
