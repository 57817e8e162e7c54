import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ModelError } from "../../../core/errors.ts";
import { ModelLibrary } from "../../../core/runtime/model_library.ts";
import {
  type AffinityModelInfo,
  type BackboneModelInfo,
  loadManifest,
  readModel,
} from "../../../core/runtime/models.ts";
import {
  exportModel,
  exportModelFile,
  type ModelFacts,
} from "../../../core/training/export_model.ts";
import { markdownTable, renderModelCard } from "../../../core/training/model_card.ts";

const FACTS: ModelFacts<AffinityModelInfo> = {
  task: "affinity",
  mean: [0.498, 0.498, 0.498],
  std: [0.502, 0.502, 0.502],
  outputStride: 4,
  padding: { least: 512, multiple: 16 },
  radius: 5,
  beta: 10,
  licence: "MIT",
  origin: "somewhere",
  madeBy: "deno task train:affinity --seed 0",
};
const MODEL = Uint8Array.of(1, 2, 3, 4);

async function withFolder(use: (folder: string, url: URL) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "export-"));
  try {
    await use(folder, pathToFileURL(folder + "/"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

Deno.test("exportModel() writes a model that loads, its card and its entry beside others", async () => {
  await withFolder(async (folder, url) => {
    const { padding: _, radius: __, beta: ___, ...shared } = FACTS;
    const backbone: ModelFacts<BackboneModelInfo> = {
      ...shared,
      task: "backbone",
      outputStride: 8,
    };
    await exportModel(folder, { name: "lite-1.0", model: MODEL, facts: backbone });
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    manifest.defaults = { affinity: "affinity-lite" };
    writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));

    const model = Uint8Array.of(9, 8, 7);
    const info = await exportModel<AffinityModelInfo>(folder, {
      name: "affinity-lite",
      model,
      facts: FACTS,
      card: ({ file, radius }) => `${file} ${radius}`,
    });
    assert.equal(info.sha256, createHash("sha256").update(model).digest("hex"));
    const read = await loadManifest(url);
    assert.deepEqual(Object.keys(read.models), ["lite-1.0", "affinity-lite"]);
    assert.deepEqual(read.models["affinity-lite"], info);
    assert.deepEqual(read.defaults, { affinity: "affinity-lite" });
    assert.deepEqual(new Uint8Array(await readModel(info, url)), model);
    assert.equal(readFileSync(join(folder, "affinity_lite.md"), "utf8"), "affinity_lite.onnx 5");
    assert.deepEqual(readdirSync(folder).sort(), [
      "affinity_lite.md",
      "affinity_lite.onnx",
      "lite_1_0.onnx",
      "manifest.json",
    ]);

    // A card written by hand is kept.
    const again = await exportModel(folder, { name: "affinity-lite", model: MODEL, facts: FACTS });
    assert.equal(again.card, "affinity_lite.md");
    assert.equal((await loadManifest(url)).models["affinity-lite"]?.bytes, 4);
  });
});

Deno.test("exportModel() writes nothing when the entry or the manifest is not valid", async () => {
  await withFolder(async (folder) => {
    const model = { name: "a", model: MODEL, facts: { ...FACTS, radius: 0 } };
    await assert.rejects(exportModel(folder, model), ModelError);
    await assert.rejects(exportModel(folder, { ...model, name: "../a", facts: FACTS }), ModelError);
    assert.deepEqual(readdirSync(folder), []);
    writeFileSync(join(folder, "manifest.json"), "{}");
    await assert.rejects(exportModel(folder, { ...model, facts: FACTS }), ModelError);
    assert.deepEqual(readdirSync(folder), ["manifest.json"]);
  });
});

Deno.test("exportModel() loses no entry when several write at once", async () => {
  await withFolder(async (folder, url) => {
    const names = ["a", "b", "c"];
    await Promise.all(
      names.map((name) => exportModel(folder, { name, model: MODEL, facts: FACTS })),
    );
    assert.deepEqual(Object.keys((await loadManifest(url)).models).sort(), names);
  });
});

Deno.test("exportModelFile() writes a model that is found by its path", async () => {
  await withFolder(async (folder) => {
    const info = await exportModelFile(folder, { name: "mine", model: MODEL, facts: FACTS });
    const library = await ModelLibrary.open([]);
    const found = library.find(join(folder, "mine.onnx"), "affinity");
    assert.deepEqual(found.info, info);
  });
});

Deno.test("renderModelCard() writes Markdown that the formatter leaves alone", async () => {
  const info = { ...FACTS, file: "a.onnx", bytes: 5_200_000, sha256: "0".repeat(64) };
  const card = renderModelCard("affinity-lite", info, {
    summary: "Edges between objects, learnt without any, ".repeat(6),
    facts: [["edges", "one map, 0 to 1 | of each cell"].map((text) => text.replace("|", "–")) as [
      string,
      string,
    ]],
    sections: [[
      "Figures",
      markdownTable(["set", "mIoU"], [["test", "63.0"], ["dev", "9"]], [
        "left",
        "right",
      ]),
    ]],
  });
  assert.match(card, /^# affinity-lite\n\nEdges/);
  assert.match(card, /\| test \| 63\.0 \|\n\| dev {2}\| {4}9 \|/);
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "--line-width", "100", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = formatter.stdin.getWriter();
  await writer.write(new TextEncoder().encode(card));
  await writer.close();
  const { stdout } = await formatter.output();
  assert.equal(new TextDecoder().decode(stdout), card);
});
