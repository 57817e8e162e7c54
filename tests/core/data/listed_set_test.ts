import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { classNames } from "../../../core/data/class_list.ts";
import { openDataSet } from "../../../core/data/open.ts";
import { encodeMaskPng } from "../../../core/image/mod.ts";

/** A folder of texts; disposing removes it. */
async function makeFolder(files: Readonly<Record<string, string | Uint8Array>>) {
  const path = await mkdtemp(join(tmpdir(), "silop-data-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

Deno.test("openDataSet() reads a CSV: labels, masks and lists of images", async () => {
  const mask = { width: 3, height: 2, data: Uint8Array.of(0, 1, 2, 255, 0, 1) };
  await using folder = await makeFolder({
    "labels.csv": "file,labels,mask,set\n" +
      "a b/1.jpg,cat ; dog,m/1.png,train\n" +
      '2.jpg,"[""dog""]",,train\n' +
      "3.jpg,,,test\n" +
      "./2.jpg,cat,,\n",
    "m/1.png": encodeMaskPng(mask),
  });
  const data = await openDataSet(folder.path);
  assert.equal(data.root, join(folder.path, "labels.csv"));
  assert.deepEqual(classNames(data.classes), ["cat", "dog"]);
  const [first, second, third, ...none] = await data.ids("all");
  assert.match(first!, /^a_b__1-[0-9a-f]{8}$/);
  assert.deepEqual([second, third, none], ["2", "3", []]);
  assert.deepEqual(await data.ids("train"), [first, "2"]);
  assert.deepEqual(await data.ids(data.defaultSet), await data.ids("all"));
  assert.equal(data.imagePath(first!), join(folder.path, "a b", "1.jpg"));
  assert.deepEqual(await data.labels(first!), [0, 1]);
  // A file listed twice has the labels of both.
  assert.deepEqual(await data.labels("2"), [0, 1]);
  assert.deepEqual(data.labelSource("2"), { text: '["cat","dog"]' });
  assert.deepEqual(await data.labels("3"), []);
  assert.deepEqual([data.truthPath("2"), data.truthPath(first!)], [
    null,
    join(folder.path, "m", "1.png"),
  ]);
  assert.deepEqual((await data.truth(first!)).data, mask.data);
  await assert.rejects(data.truth("2"), /names no mask of 2/);
  await assert.rejects(data.ids("val"), /no images of "val"; there are all, train, test/);
  assert.throws(() => data.imagePath("4"), RangeError);
});

Deno.test("openDataSet() takes a file of classes, in its order", async () => {
  await using folder = await makeFolder({
    "own.csv": "file,label,labels\n1.jpg,,b\n",
    "classes.txt": "c\nb\n",
    "other.json": '[{"name":"b","color":"#010203"}]',
    "list/labels.json": '[{"file": "1.jpg", "labels": ["b"]}]',
    "list/classes.txt": "z\nb\n",
  });
  const list = join(folder.path, "own.csv");
  const names = async (path: string, file?: string) =>
    classNames((await openDataSet(path, file && join(folder.path, file))).classes);
  // Beside a file named itself, no other is looked for.
  assert.deepEqual(await names(list), ["b"]);
  assert.deepEqual(await names(list, "classes.txt"), ["c", "b"]);
  assert.deepEqual(await names(join(folder.path, "list")), ["z", "b"]);
  assert.deepEqual(await names(join(folder.path, "list"), "other.json"), ["b"]);
  await assert.rejects(names(list, "none.txt"), /There is no file of classes .*none\.txt/);
});

Deno.test("openDataSet() reads JSON, with classes or without", async () => {
  const images = [{ file: "x.jpg", labels: ["b", "a"], set: "dev" }, { file: "y.jpg", labels: [] }];
  await using folder = await makeFolder({
    "array.json": JSON.stringify(images),
    "object.json": JSON.stringify({ images, classes: ["b", { name: "a", color: "#ffffff" }] }),
  });
  const array = await openDataSet(join(folder.path, "array.json"));
  assert.deepEqual([await array.labels("x"), await array.ids("dev")], [[0, 1], ["x"]]);
  const object = await openDataSet(join(folder.path, "object.json"));
  assert.deepEqual(object.classes, [{ name: "b" }, { name: "a", color: "#ffffff" }]);
  assert.deepEqual(object.labelSource("x"), { text: '["b","a"]' });
});

Deno.test("openDataSet() takes folders for classes", async () => {
  await using folder = await makeFolder({
    "tulip/1.jpg": "",
    "tulip/far/2.PNG": "",
    "rose bush/1.jpg": "",
    "rose bush/.hidden.jpg": "",
    "notes.txt": "",
    "loose.jpg": "",
  });
  const data = await openDataSet(folder.path);
  assert.deepEqual(classNames(data.classes), ["rose bush", "tulip"]);
  const ids = await data.ids("all");
  assert.deepEqual(ids.map((id) => id.replace(/-.{8}$/, "")), [
    "rose_bush__1",
    "tulip__1",
    "tulip__far__2",
  ]);
  assert.deepEqual(await Promise.all(ids.map((id) => data.labels(id))), [[0], [1], [1]]);
  assert.equal(data.imagePath(ids[2]!), join(folder.path, "tulip/far/2.PNG"));
});

Deno.test("openDataSet() names the line of what it cannot read", async () => {
  const csv = (rows: string) => ({ "labels.csv": rows });
  const json = (text: string) => ({ "labels.json": text });
  const classes = { "classes.txt": "cat\n" };
  const cases: [Record<string, string>, RegExp][] = [
    [csv("1.jpg,cat\n"), /line 1: the columns must be named, as "file,labels"/],
    [csv("file,labels\n1.jpg,cat\n2.jpg,cat,dog\n"), /line 3: there are 3 cells, not 2; separate/],
    [csv("file,labels\n1.jpg\n"), /line 2: there are 1 cells, not 2/],
    [csv("file,labels\n\n ,cat\n"), /line 3: no file is named/],
    [csv("file,labels\n1.jpg,[cat]\n"), /line 2: the labels \[cat\] are no JSON array/],
    [
      { ...csv("file,labels\n1.jpg,dog\n"), ...classes },
      /line 2: "dog" is none of the classes cat/,
    ],
    [csv("file,labels\n1.jpg,a\n2.jpg,background\n"), /"background"/],
    [csv("file,labels\n1.jpg,\n"), /there are 0 classes/],
    [csv("file,labels\n"), /lists no images/],
    [csv("file,labels,mask\n1.jpg,a,x.png\n1.jpg,b,y.png\n"), /line 3: 1\.jpg has the mask/],
    [csv('file,labels\n"1.jpg,a\n'), /line 2: a quoted cell has no end/],
    [json("{"), /labels\.json is not JSON/],
    [json("7"), /neither an array nor an object/],
    [json('[{"file":"1.jpg","labels":["a"]},{"file":"2.jpg","label":"a"}]'), /image 2: labels/],
    [{ "only.txt": "" }, /lists no images/],
  ];
  for (const [files, message] of cases) {
    await using folder = await makeFolder(files);
    await assert.rejects(openDataSet(folder.path), { name: "SyntaxError", message });
  }
  await assert.rejects(openDataSet("/nowhere"), /There is no file or folder \/nowhere/);
});

Deno.test("openDataSet() knows VOC's layout, with VOC's classes or others", async () => {
  await using folder = await makeFolder({
    "JPEGImages/a.jpg": "",
    "Annotations/a.xml": "<annotation><object><name>leaf</name></object></annotation>",
    "ImageSets/Segmentation/all.txt": "a\n",
    "own.txt": "stem\nleaf\n",
  });
  const voc = await openDataSet(folder.path);
  assert.deepEqual([voc.classes.length, voc.defaultSet], [20, "train_aug"]);
  await assert.rejects(voc.labels("a"), /no class "leaf"/);
  const own = await openDataSet(folder.path, join(folder.path, "own.txt"));
  assert.deepEqual(await own.labels("a"), [1]);
  assert.deepEqual(await own.ids("all"), ["a"]);
});
