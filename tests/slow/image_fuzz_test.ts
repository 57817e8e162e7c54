import assert from "node:assert/strict";
import { fuzzDecoder } from "../core/image/fuzz.ts";

Deno.test("decodeImage() throws only typed errors over thousands of damaged files", async () => {
  const before = Deno.memoryUsage().rss;
  let [accepted, refused] = [0, 0];
  for (let seed = 1; seed <= 10; seed++) {
    const report = await fuzzDecoder(seed, 12);
    accepted += report.accepted;
    refused += report.refused;
  }
  assert.ok(accepted > 1000 && refused > 4000);
  assert.ok(Deno.memoryUsage().rss - before < 400e6, "memory should stay bounded");
});
