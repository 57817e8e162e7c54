import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { OptionError } from "../../../../core/errors.ts";
import { readConfig } from "../../../../core/training/run/config.ts";

const SCHEMA = z.object({
  data: z.string(),
  rate: z.number().positive().default(0.1),
  scales: z.array(z.number()).default([1]),
  mirror: z.boolean().default(true),
});

async function withFile(content: string, use: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  try {
    writeFileSync(join(folder, "c.json"), content);
    await use(join(folder, "c.json"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

Deno.test("readConfig() takes flags before the file and the file before defaults", async () => {
  await withFile('{"data": "VOC", "rate": 0.2, "mirror": false}', async (file) => {
    assert.deepEqual(await readConfig(SCHEMA, { file, flags: { rate: 0.3 } }), {
      data: "VOC",
      rate: 0.3,
      scales: [1],
      mirror: false,
    });
  });
  assert.equal((await readConfig(SCHEMA, { flags: { data: "VOC" } })).rate, 0.1);
});

Deno.test("readConfig() refuses what is unknown, missing, out of range or no object", async () => {
  const refuse = async (content: string, flags: object, expected: RegExp) => {
    await withFile(content, async (file) => {
      const reading = readConfig(SCHEMA, { file, flags: { ...flags } });
      await assert.rejects(reading, (error: Error) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, expected);
        return true;
      });
    });
  };
  await refuse('{"data": "VOC", "rat": 1}', {}, /rat/);
  await refuse("{}", {}, /data/);
  await refuse('{"data": "VOC"}', { rate: -1 }, /rate/);
  await refuse("[]", {}, /holds no JSON object/);
  await refuse("{", {}, /Cannot read options from .*c\.json/);
  await assert.rejects(readConfig(SCHEMA, { file: "/nowhere.json" }), OptionError);
});
