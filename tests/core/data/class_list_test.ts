import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  areVocClasses,
  checkClasses,
  MAX_CLASSES,
  modelColors,
  paletteOf,
  readClassList,
  VOC_CLASS_LIST,
} from "../../../core/data/class_list.ts";
import { vocPalette } from "../../../core/image/mod.ts";

Deno.test("readClassList() reads names and colours from text, CSV and JSON", async () => {
  const folder = await mkdtemp(join(tmpdir(), "silop-classes-"));
  const read = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return await readClassList(join(folder, name));
  };
  try {
    const plain = [{ name: "red cell" }, { name: "grün" }];
    assert.deepEqual(await read("a.txt", "\uFEFFred cell\r\n\r\ngrün\r\n"), plain);
    assert.deepEqual(await read("b.json", '["red cell", {"name": "grün"}]'), plain);
    const coloured = [{ name: "red cell", color: "#C04000" }, { name: "grün" }];
    assert.deepEqual(await read("c.csv", "color,name\n#C04000,red cell\n,grün\n"), coloured);
    assert.deepEqual(await read("d.json", JSON.stringify(coloured)), coloured);
    const refused: [string, string, RegExp][] = [
      ["e.json", "{}", /e\.json holds no array/],
      ["e.json", "[", /e\.json is not JSON/],
      ["e.csv", "color\n", /line 1: there is no column "name"/],
      ["e.txt", "\n", /there are 0 classes, not 1\.\.254/],
    ];
    for (const [name, text, message] of refused) {
      await assert.rejects(read(name, text), { name: "SyntaxError", message }, text);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("checkClasses() tells which entry is no class, and why", () => {
  const cases: [unknown[], RegExp][] = [
    [["cat", ""], /here: class 2 \(""\)/],
    [["a;b"], /must hold no comma, semicolon/],
    [["cat", "Background"], /class 2 .* is a label of its own/],
    [["cat", "dog", "cat"], /classes 1 and 3 are both "cat"/],
    [[{ name: "cat", color: "red" }], /color must be a colour such as #c04000/],
    [[{ name: "cat", hue: 3 }], /class 1/],
    [[7], /class 1 \(7\)/],
  ];
  for (const [entries, message] of cases) {
    assert.throws(() => checkClasses(entries, "here"), { name: "SyntaxError", message });
  }
  const names = Array.from({ length: MAX_CLASSES + 1 }, (_, i) => `class ${i}`);
  assert.equal(checkClasses(names.slice(1), "here").length, 254);
  assert.throws(() => checkClasses(names, "here"), /there are 255 classes/);
});

Deno.test("paletteOf() has VOC's colours but where classes name others", () => {
  assert.deepEqual(paletteOf(VOC_CLASS_LIST), vocPalette());
  const palette = paletteOf([{ name: "a" }, { name: "b", color: "#0a141e" }]);
  assert.deepEqual([...palette.subarray(6, 9)], [10, 20, 30]);
  palette.set(vocPalette().subarray(6, 9), 6);
  assert.deepEqual(palette, vocPalette());
});

Deno.test("modelColors() tells every class's colour where one has its own, else none", () => {
  assert.equal(modelColors(VOC_CLASS_LIST), undefined);
  const classes = [{ name: "a" }, { name: "b", color: "#0A141e" }];
  const colors = [[128, 0, 0], [10, 20, 30]];
  assert.deepEqual(modelColors(classes), colors);
  assert.deepEqual(modelColors(classes, { background: true }), [[0, 0, 0], ...colors]);
});

Deno.test("areVocClasses() tells VOC's list from others", () => {
  assert.ok(areVocClasses(VOC_CLASS_LIST));
  assert.ok(!areVocClasses(VOC_CLASS_LIST.slice(1)));
  assert.ok(!areVocClasses(VOC_CLASS_LIST.map(({ name }) => ({ name, color: "#ffffff" }))));
});
