import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listImages, writeFileAtomic } from "../../core/files.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "silop-files-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function touch(folder: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), "");
  }
}

Deno.test("writeFileAtomic() writes bytes and text, makes folders, replaces files", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a/b/mask.bin");
    await writeFileAtomic(path, new Uint8Array([1, 2, 255]));
    assert.deepEqual([...await readFile(path)], [1, 2, 255]);
    await writeFileAtomic(path, "größer");
    assert.equal(await readFile(path, "utf8"), "größer");
    assert.deepEqual(await readdir(dirname(path)), ["mask.bin"]);
  }));

Deno.test("writeFileAtomic() writes only the part that a view covers", () =>
  withFolder(async (folder) => {
    const path = join(folder, "view.bin");
    await writeFileAtomic(path, new Uint8Array([9, 1, 2, 9]).subarray(1, 3));
    assert.deepEqual([...await readFile(path)], [1, 2]);
  }));

Deno.test("writeFileAtomic() writes a file of the longest name", () =>
  withFolder(async (folder) => {
    // Both of 255 bytes; the second is to be cut where a character of three bytes is not at its end.
    const names = [`${"n".repeat(251)}.png`, `${"€".repeat(83)}nn.png`];
    for (const name of names) await writeFileAtomic(join(folder, name), "content");
    assert.deepEqual((await readdir(folder)).sort(), names.sort());
  }));

Deno.test("writeFileAtomic() leaves nothing behind when it fails", () =>
  withFolder(async (folder) => {
    // A folder that is not empty has the name: the last step, renaming, fails.
    await touch(folder, "taken/file.txt");
    await assert.rejects(writeFileAtomic(join(folder, "taken"), "content"));
    assert.deepEqual(await readdir(folder), ["taken"]);
    assert.ok((await stat(join(folder, "taken/file.txt"))).isFile());

    // The write itself fails: what is given is neither bytes nor text.
    const path = join(folder, "old.txt");
    await writeFile(path, "old");
    await assert.rejects(writeFileAtomic(path, Symbol() as unknown as string));
    assert.equal(await readFile(path, "utf8"), "old");
    assert.deepEqual((await readdir(folder)).sort(), ["old.txt", "taken"]);
  }));

Deno.test("writeFileAtomic() leaves one whole file when many write at once", () =>
  withFolder(async (folder) => {
    const path = join(folder, "shared.bin");
    const length = 200_000;
    const writers = Array.from(
      { length: 8 },
      (_, i) => writeFileAtomic(path, new Uint8Array(length).fill(i)),
    );
    let done = false;
    const reader = (async () => {
      while (!done) {
        const bytes = await readFile(path).catch(() => undefined);
        if (bytes === undefined) continue;
        assert.equal(bytes.length, length);
        assert.ok(bytes.every((value) => value === bytes[0]));
      }
    })();
    await Promise.all(writers).finally(() => done = true);
    await reader;
    const last = await readFile(path);
    assert.ok(last.length === length && last.every((value) => value === last[0]));
    assert.deepEqual(await readdir(folder), ["shared.bin"]);
  }));

Deno.test("listImages() lists folders at any depth in order, keeping their structure", () =>
  withFolder(async (folder) => {
    await touch(folder, "b.JPG", "a/z.png", "a/c/1.jpeg", "a/notes.txt", "a.png", "B/x.tif");
    await touch(folder, ".hidden.png", ".cache/y.png", ".b.png.1234.part");
    const files = await listImages([folder]);
    const relative = files.map((file) => file.relative);
    assert.deepEqual(relative, ["B/x.tif", "a/c/1.jpeg", "a/z.png", "a.png", "b.JPG"]);
    for (const file of files) assert.equal(file.path, join(folder, file.relative));
  }));

Deno.test("listImages() takes a named file whatever its ending, and each file once", () =>
  withFolder(async (folder) => {
    await touch(folder, "in/a.png", "in/photo.dat");
    const [named, ...rest] = await listImages([join(folder, "in/photo.dat"), folder, folder]);
    assert.deepEqual(named, { path: join(folder, "in/photo.dat"), relative: "photo.dat" });
    assert.deepEqual(rest, [{ path: join(folder, "in/a.png"), relative: "in/a.png" }]);
  }));

Deno.test("listImages() keeps to the extensions it is given", () =>
  withFolder(async (folder) => {
    await touch(folder, "a.png", "a.npz", "b.NPZ");
    const files = await listImages([folder], { extensions: [".npz"] });
    assert.deepEqual(files.map((file) => file.relative), ["a.npz", "b.NPZ"]);
  }));

Deno.test("listImages() follows links but not in circles", () =>
  withFolder(async (folder) => {
    await touch(folder, "data/sub/a.png", "elsewhere/b.png");
    await symlink("..", join(folder, "data/sub/up"));
    await symlink("self.png", join(folder, "data/self.png"));
    await symlink("../elsewhere", join(folder, "data/linked"));
    await symlink("../elsewhere/b.png", join(folder, "data/one.png"));
    const files = await listImages([join(folder, "data")]);
    const relative = files.map((file) => file.relative);
    assert.deepEqual(relative, ["linked/b.png", "one.png", "self.png", "sub/a.png"]);
  }));

Deno.test("listImages() throws when a path does not exist", () =>
  withFolder(async (folder) => {
    await assert.rejects(listImages([join(folder, "absent")]), { code: "ENOENT" });
  }));
