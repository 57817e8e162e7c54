import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeMaskPng } from "../../core/image/mod.ts";
import { CAT, CAT_SIZE, HTML } from "../helpers/photos.ts";
import { runTask } from "../helpers/processes.ts";
import { makeModelFolder, type ModelFolder } from "../helpers/tiny_model.ts";

const models: ModelFolder = await makeModelFolder();
Deno.test.afterAll(async () => await models[Symbol.asyncDispose]());

const perimeter = (...args: string[]) =>
  runTask("perimeter", ["--models", models.path, "--device", "cpu", ...args]);

Deno.test("perimeter writes maps of the photos it can read and exits with 1 for the others", async () => {
  const root = await mkdtemp(join(tmpdir(), "silop-perimeter-"));
  try {
    await writeFile(join(root, "cat.jpg"), CAT);
    await writeFile(join(root, "page.jpg"), HTML);
    const args = ["--out", join(root, "out"), "--format", "perimeter,json", "--working-size", "96"];
    const { code, stdout, stderr } = await perimeter(root, ...args, "--iterations", "2");
    assert.equal(code, 1);
    assert.match(stderr, /page\.jpg: Cannot decode image: HTML/);
    assert.match(
      stdout,
      /cat\.jpg {2}451×300 {2}\d+\.\d\d s {2}slic: \d+ regions of \d+ labels after [12] iterations/,
    );
    const map = decodeMaskPng(await readFile(join(root, "out", "cat.perimeter.png")));
    assert.deepEqual([map.width, map.height], [CAT_SIZE.width, CAT_SIZE.height]);
    const json = JSON.parse(await readFile(join(root, "out", "cat.perimeter.json"), "utf8"));
    assert.equal(json.workingWidth, 96);
    assert.ok(json.results[0].iterations <= 2);
  } finally {
    await rm(root, { recursive: true });
  }
});

Deno.test("perimeter says what is wrong with its command line and exits with 2", async () => {
  for (
    const [args, expected] of [
      [[], /missing required argument 'photo'/],
      [["x.jpg", "--method", "watershed"], /Allowed choices are slic, quickshift, both/],
      [["x.jpg", "--format", "mask"], /"mask" is none of perimeter, overlay, json, npz/],
      [["x.jpg", "--reference", "--detector", "boundary"], /--detector canny/],
    ] as const
  ) {
    const { code, stderr } = await perimeter(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
  }
});
