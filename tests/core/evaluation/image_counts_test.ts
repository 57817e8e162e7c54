import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readImageCounts, sumImageCounts } from "../../../core/evaluation/image_counts.ts";
import { encodeNpz } from "../../../core/npz.ts";

Deno.test("readImageCounts() and sumImageCounts() add images up, threshold by threshold", async () => {
  const run = await mkdtemp(join(tmpdir(), "silop-counts-"));
  try {
    const folder = join(run, "evaluation", "cam");
    await mkdir(folder, { recursive: true });
    for (const [id, first] of [["a", 1], ["b", 10]] as const) {
      const data = Float64Array.from({ length: 8 }, (_, i) => first * i);
      const counts = { shape: [2, 2, 2], data };
      await writeFile(join(folder, `${id}.npz`), encodeNpz({ counts }));
    }
    const images = ["a", "b", "c"].map((id) => readImageCounts(run, "cam", id, 2));
    assert.equal(images[2], null);
    const sums = sumImageCounts(images)!;
    assert.deepEqual(sums.map(({ counts }) => [...counts]), [[0, 11, 22, 33], [44, 55, 66, 77]]);
    assert.equal(sumImageCounts([null]), null);
  } finally {
    await rm(run, { recursive: true });
  }
});
