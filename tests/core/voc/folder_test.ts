import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeMaskPng } from "../../../core/image/mod.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";
import { parseAnnotation, VocFolder } from "../../../core/voc/folder.ts";

const labelsOf = (...objects: string[]) =>
  parseAnnotation(`<annotation>${objects.join("")}</annotation>`, "here");
const object = (name: string, more = "") => `<object><name>${name}</name>${more}</object>`;

Deno.test("VOC_CLASSES are twenty, in the alphabetical order VOC counts them in", () => {
  assert.equal(VOC_CLASSES.length, 20);
  assert.deepEqual([...VOC_CLASSES].sort(), VOC_CLASSES);
  assert.equal(VOC_CLASSES[7], "cat");
});

Deno.test("parseAnnotation() gives every class once, ascending", () => {
  assert.deepEqual(labelsOf(object("person"), object("cat"), object("person")), [7, 14]);
  assert.deepEqual(labelsOf(object("tvmonitor")), [19]);
  assert.deepEqual(labelsOf(), []);
});

Deno.test("parseAnnotation() does not count the names of parts and poses", () => {
  const more = "<pose>cat</pose><part><name>head</name></part><part><name>dog</name></part>";
  assert.deepEqual(labelsOf(object("horse", more)), [12]);
});

Deno.test("parseAnnotation() throws SyntaxError naming the file when it is no VOC annotation", () => {
  const cases = [
    "",
    "\xff\xd8\xff\xe0",
    "<annotation><object><name>cat</name></annotation>",
    "<html><body>404</body></html>",
    "<annotation><object><name>zebra</name></object></annotation>",
    "<annotation><object><pose>left</pose></object></annotation>",
  ];
  for (const xml of cases) {
    assert.throws(() => parseAnnotation(xml, "a/b.xml"), {
      name: "SyntaxError",
      message: /Cannot read annotation a\/b\.xml/,
    }, xml);
  }
});

Deno.test("parseAnnotation() expands no entities", () => {
  const bomb = `<!DOCTYPE a [<!ENTITY c "cat">]><annotation><object><name>&c;</name></object>` +
    `</annotation>`;
  assert.throws(() => parseAnnotation(bomb, "here"), SyntaxError);
});

Deno.test("VocFolder reads lists, labels and truth where VOC puts them", async () => {
  const root = await mkdtemp(join(tmpdir(), "silop-voc-"));
  try {
    const write = async (path: string, content: string | Uint8Array) => {
      await mkdir(join(root, path, ".."), { recursive: true });
      await writeFile(join(root, path), content);
    };
    await write("ImageSets/Segmentation/dev.txt", "2008_000002\r\n\n2007_000001 \n");
    await write("Annotations/2007_000001.xml", `<annotation>${object("dog")}</annotation>`);
    const data = Uint8Array.of(0, 12, 255, 0, 0, 12);
    await write("SegmentationClass/2007_000001.png", encodeMaskPng({ width: 3, height: 2, data }));
    const folder = new VocFolder(root);
    assert.deepEqual(await folder.ids("dev"), ["2008_000002", "2007_000001"]);
    assert.equal(folder.imagePath("x_1"), join(root, "JPEGImages", "x_1.jpg"));
    assert.deepEqual(await folder.labels("2007_000001"), [11]);
    assert.deepEqual(await folder.truth("2007_000001"), { width: 3, height: 2, data });
    await assert.rejects(folder.ids("../../etc/passwd"), RangeError);
    await assert.rejects(folder.ids("missing"), { code: "ENOENT" });
    for (const id of ["../../keep/thesis", "/etc/passwd", "a/b", "a\\b", "..", ".hidden", "a\0"]) {
      await write("ImageSets/Segmentation/strange.txt", `2007_000001\n${id}\n`);
      await assert.rejects(folder.ids("strange"), {
        name: "SyntaxError",
        message: /^strange\.txt lists ".+", which names no image$/,
      });
    }
    // Dots within a name are as good as letters.
    await write("ImageSets/Segmentation/dotted.txt", "a..b.c\n");
    assert.deepEqual(await folder.ids("dotted"), ["a..b.c"]);
  } finally {
    await rm(root, { recursive: true });
  }
});
