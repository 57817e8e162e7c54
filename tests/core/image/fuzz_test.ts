import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("fuzz_process.ts", import.meta.url));

Deno.test("decodeImage() throws only typed errors when files are damaged at random", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-read", "--allow-sys", PROGRAM, "20240607", "10"],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { accepted, refused, texts, grown } = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(refused > 200 && accepted > 50);
  assert.ok(texts > 30, "the damage should reach many different checks");
  assert.ok(grown < 400e6, `memory should stay bounded: ${grown} bytes`);
});
