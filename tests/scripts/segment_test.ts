import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeImage, decodeMaskPng } from "../../core/image/mod.ts";
import { decodeNpz } from "../../core/npz.ts";
import { CAT, CAT_SIZE, HTML, TRUNCATED_CAT } from "../helpers/photos.ts";
import { ROOT, runTask } from "../helpers/processes.ts";
import { makeModelFolder, type ModelFolder } from "../helpers/tiny_model.ts";

const models: ModelFolder = await makeModelFolder();
Deno.test.afterAll(async () => await models[Symbol.asyncDispose]());

const segment = (...args: string[]) =>
  runTask("segment", ["--models", models.path, "--device", "cpu", ...args]);

/** A folder of photos and one for results. */
async function withFolders(use: (photos: string, out: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "silop-segment-"));
  const photos = join(root, "photos");
  await mkdir(join(photos, "deep", "deeper"), { recursive: true });
  try {
    await use(photos, join(root, "results", "new"));
  } finally {
    await rm(root, { recursive: true });
  }
}

/** All files below a folder, sorted. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

Deno.test("segment writes a mask and an overlay of one photo and tells about it", async () => {
  await withFolders(async (photos, out) => {
    const photo = join(photos, "cat.jpg");
    await writeFile(photo, CAT);
    const { code, stdout, stderr } = await segment(photo, "--out", out);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /cat\.jpg {2}451×300 {2}\d+\.\d\d s {2}cat \(score 0\.\d\d, [\d.]+ % of the area\), person/,
    );
    assert.ok(stdout.includes(`${join(out, "cat.png")}  ${join(out, "cat.overlay.png")}`));
    assert.deepEqual(await filesBelow(out), ["cat.overlay.png", "cat.png"]);
    const mask = decodeMaskPng(await readFile(join(out, "cat.png")));
    assert.deepEqual([mask.width, mask.height], [CAT_SIZE.width, CAT_SIZE.height]);
    const overlay = await decodeImage(await readFile(join(out, "cat.overlay.png")));
    assert.deepEqual([overlay.width, overlay.height], [CAT_SIZE.width, CAT_SIZE.height]);
  });
});

Deno.test("segment works through folders past files that are none, and exits with 1", async () => {
  await withFolders(async (photos, out) => {
    await writeFile(join(photos, "cat.jpg"), CAT);
    await writeFile(join(photos, "deep", "deeper", "cat.jpeg"), CAT);
    await writeFile(join(photos, "deep", "cut.jpg"), TRUNCATED_CAT);
    await writeFile(join(photos, "page.jpg"), HTML);
    await writeFile(join(photos, "notes.txt"), "no photo");
    await copyFile(
      new URL("tests/fixtures/image/jpeg_orientation_6.jpg", ROOT),
      join(photos, "deep", "turned.jpg"),
    );
    const missing = join(photos, "missing.jpg");
    const args = ["--out", out, "--format", "json,npz", "--format", "mask", "--labels", "dog"];
    const { code, stdout, stderr } = await segment(photos, missing, ...args);
    assert.equal(code, 1);
    const lines = stderr.trim().split("\n").sort();
    assert.equal(lines.length, 4, stderr);
    assert.match(stderr, /photos\/deep\/cut\.jpg: Cannot decode image: .*truncated/);
    assert.match(stderr, /photos\/page\.jpg: Cannot decode image: HTML/);
    assert.match(stderr, /photos\/missing\.jpg: not found/);
    assert.match(stderr, /^3 done, 3 failed, in \d+\.\d\d s$/m);
    assert.equal(stdout.match(/ {2}451×300 {2}/g)!.length, 2);
    const endings = [".json", ".npz", ".png"];
    assert.deepEqual(
      await filesBelow(out),
      ["cat", "deep/deeper/cat", "deep/turned"].flatMap((stem) =>
        endings.map((ending) => stem + ending)
      ),
    );
    const json = JSON.parse(await readFile(join(out, "deep/deeper/cat.json"), "utf8"));
    assert.equal(json.file, "deep/deeper/cat.jpeg");
    assert.deepEqual(json.classes.map(({ name }: { name: string }) => name), ["dog"]);
    const { keys, mask } = decodeNpz(await readFile(join(out, "cat.npz")));
    assert.deepEqual(keys!.data, BigInt64Array.of(0n, 12n));
    assert.deepEqual(mask!.shape, [300, 451]);
    assert.deepEqual(
      await readFile(join(out, "cat.png")),
      await readFile(join(out, "deep/deeper/cat.png")),
    );
  });
});

Deno.test("segment leaves photos alone when results would replace them", async () => {
  await withFolders(async (photos) => {
    await writeFile(join(photos, "cat.jpg"), CAT);
    const first = await segment(photos, "--out", photos);
    assert.equal(first.code, 0, first.stderr);
    const mask = await readFile(join(photos, "cat.png"));
    // The results are now among the photos.
    const second = await segment(photos, "--out", photos, "--labels", "dog");
    assert.equal(second.code, 1);
    assert.match(second.stderr, /would replace a photo/);
    assert.deepEqual(await readFile(join(photos, "cat.jpg")), Buffer.from(CAT));
    assert.deepEqual(await readFile(join(photos, "cat.png")), mask);
  });
});

Deno.test("segment does not take results below a folder for photos", async () => {
  await withFolders(async (photos) => {
    await writeFile(join(photos, "cat.jpg"), CAT);
    const out = join(photos, "out");
    assert.equal((await segment(photos, "--out", out)).code, 0);
    assert.equal((await segment(photos, "--out", out)).code, 0);
    assert.deepEqual(await filesBelow(out), ["cat.overlay.png", "cat.png"]);
  });
});

Deno.test("segment --skip-existing leaves out what is done", async () => {
  await withFolders(async (photos, out) => {
    for (const name of ["a.jpg", "b.jpg"]) await writeFile(join(photos, name), CAT);
    assert.equal((await segment(photos, "--out", out)).code, 0);
    await rm(join(out, "b.overlay.png"));
    const again = await segment(photos, "--out", out, "--skip-existing");
    assert.equal(again.code, 0);
    assert.match(again.stderr, /1 done, 1 there already/);
    assert.doesNotMatch(again.stdout, /a\.jpg/);
    const nothing = await segment(photos, "--out", out, "--skip-existing");
    assert.equal(nothing.code, 0);
    assert.match(nothing.stderr, /0 done, 2 there already/);
  });
});

Deno.test("segment says what is wrong with its command line and exits with 2", async () => {
  await withFolders(async (photos, out) => {
    await writeFile(join(photos, "cat.jpg"), CAT);
    const cases: [args: string[], expected: RegExp][] = [
      [[], /missing required argument 'photo'/],
      [[photos, "--format", "bmp"], /"bmp" is none of mask, overlay, json, npz/],
      [[photos, "--scales", "0.5,9"], /9 is not in 0\.1\.\.4/],
      [[photos, "--threshold", "high"], /"high" is not a number/],
      [[photos, "--labels", "unicorn"], /Unknown label "unicorn"/],
    ];
    for (const [args, expected] of cases) {
      const { code, stderr } = await segment("--out", out, ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, expected);
    }
    assert.equal(existsSync(out), false);
  });
});

Deno.test("segment exits with 1 when there is no photo, or no model", async () => {
  await withFolders(async (photos, out) => {
    const none = await segment(photos, "--out", out);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /^error: No photo found in .*photos\n$/);
    await writeFile(join(photos, "cat.jpg"), CAT);
    const unloaded = await segment(photos, "--out", out, "--models", photos);
    assert.equal(unloaded.code, 1);
    assert.match(unloaded.stderr, /^error: Cannot read models: no manifest/);
  });
});

Deno.test("segment finds the cat in examples/cat.jpg with the embedded model", async () => {
  await withFolders(async (_, out) => {
    const args = ["examples/cat.jpg", "--out", out, "--format", "json", "--device", "cpu"];
    const { code, stderr } = await runTask("segment", args);
    assert.equal(code, 0, stderr);
    const { classes } = JSON.parse(await readFile(join(out, "cat.json"), "utf8"));
    assert.deepEqual(classes.map(({ name }: { name: string }) => name), ["cat"]);
    assert.ok(classes[0].area > 0.2 && classes[0].area < 0.95, `area ${classes[0].area}`);
  });
});
