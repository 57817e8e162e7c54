import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listImages } from "../../core/files.ts";
import { planOutputs } from "../../scripts/plan_outputs.ts";

/** Makes a folder of empty files and hands it to `use`. */
async function withFiles(names: string[], use: (root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "silop-plan-"));
  try {
    for (const name of names) {
      await mkdir(join(root, name, ".."), { recursive: true });
      await writeFile(join(root, name), "");
    }
    await use(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

Deno.test("planOutputs() keeps folders and replaces the ending", async () => {
  await withFiles(["a.jpg", "b/c.JPEG", "b/d.e.png"], async (root) => {
    const photos = await listImages([root]);
    const formats = ["mask", "overlay", "json", "npz"] as const;
    const { planned, refused } = await planOutputs(photos, join(root, "out"), formats);
    assert.deepEqual(refused, []);
    const written = planned.map(({ outputs }) => [...outputs.values()]);
    const under = (stem: string) =>
      [".png", ".overlay.png", ".json", ".npz"].map((ending) => join(root, "out", stem + ending));
    assert.deepEqual(written, [under("a"), under("b/c"), under("b/d.e")]);
    assert.deepEqual([...planned[0]!.outputs.keys()], formats);
  });
});

Deno.test("planOutputs() says what the results are when told, so that two commands can share a folder", async () => {
  await withFiles(["a.jpg"], async (root) => {
    const photos = await listImages([root]);
    const { planned } = await planOutputs(photos, join(root, "out"), ["overlay"], "perimeter");
    assert.equal(planned[0]!.outputs.get("overlay"), join(root, "out", "a.perimeter.overlay.png"));
  });
});

Deno.test("planOutputs() refuses the second of two photos with the same outputs", async () => {
  await withFiles(["a.jpg", "a.png", "b/a.jpg", "c/a.jpg"], async (root) => {
    const out = join(root, "out");
    const one = await planOutputs(await listImages([root]), out, ["mask"]);
    assert.deepEqual(one.planned.map(({ photo }) => photo.relative), [
      "a.jpg",
      "b/a.jpg",
      "c/a.jpg",
    ]);
    assert.equal(one.refused.length, 1);
    assert.equal(one.refused[0]!.photo.relative, "a.png");
    assert.match(one.refused[0]!.reason, /a\.png is already that of .*a\.jpg/);

    const two = await planOutputs(await listImages([join(root, "b"), join(root, "c")]), out, [
      "mask",
    ]);
    assert.equal(two.refused.length, 1);
  });
});

Deno.test("planOutputs() refuses when one photo's overlay is another's mask", async () => {
  await withFiles(["a.jpg", "a.overlay.jpg"], async (root) => {
    const photos = await listImages([root]);
    const { refused } = await planOutputs(photos, join(root, "out"), ["mask", "overlay"]);
    assert.equal(refused.length, 1);
    assert.deepEqual((await planOutputs(photos, join(root, "out"), ["mask"])).refused, []);
  });
});

Deno.test("planOutputs() refuses to replace a photo, be it through a link", async () => {
  await withFiles(["a.png", "b.jpg"], async (root) => {
    const photos = await listImages([root]);
    const { planned, refused } = await planOutputs(photos, root, ["mask"]);
    assert.deepEqual(planned.map(({ photo }) => photo.relative), ["b.jpg"]);
    assert.match(refused[0]!.reason, /would replace a photo/);

    await symlink(root, join(root, "link"));
    const linked = await planOutputs(photos, join(root, "link"), ["mask"]);
    assert.deepEqual(linked.planned.map(({ photo }) => photo.relative), ["b.jpg"]);
  });
});
