import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { addConfusion, createConfusion } from "../../../kernels/confusion.ts";
import { maskClasses, reportCams } from "../../../core/evaluation/cam_report.ts";
import { evaluateCamSet, selectClasses } from "../../../core/evaluation/cam_set.ts";
import { VOC_CLASSES } from "../../../core/voc/classes.ts";
import { VocFolder } from "../../../core/voc/folder.ts";
import { openTinySilop } from "../../helpers/tiny_silop.ts";
import { makeVocFolder } from "../../helpers/made_up_voc.ts";

const silop = await openTinySilop();
const { camModel: info } = await silop.ready;
const SAMPLES = [
  { id: "a", width: 75, height: 50, labels: [7] },
  { id: "b", width: 48, height: 80, labels: [2, 14] },
  { id: "c", width: 33, height: 40, labels: [] },
  { id: "d", width: 64, height: 41, labels: [14], share: 0.8 },
];

Deno.test("evaluateCamSet() counts what asking for each image on its own gives", async () => {
  await using data = await makeVocFolder("dev", SAMPLES);
  const ids = await data.folder.ids("dev");
  let seen = 0;
  const options = { scales: [1, 0.5], threshold: 0.4, sweep: [0.2, 0.6] };
  const result = await evaluateCamSet(silop, info, data.folder, ids, {
    ...options,
    onImage: () => seen++,
  });
  assert.equal(seen, 4);
  const { scales } = options;
  const expect = async (ask: { threshold: number; minArea?: number }, known: boolean) => {
    const confusion = createConfusion(21);
    for (const { id, labels } of SAMPLES) {
      const names = labels.map((c) => VOC_CLASSES[c]!);
      const bytes = await readFile(data.folder.imagePath(id));
      const { mask } = await silop.segment(bytes, {
        ...ask,
        scales,
        labels: known ? names : undefined,
      });
      addConfusion(confusion, (await data.folder.truth(id)).data, mask.data);
    }
    return confusion;
  };
  assert.deepEqual(result.cam, await expect({ threshold: 0.4, minArea: 0 }, true));
  assert.deepEqual(result.segmentKnown, await expect({ threshold: 0.4 }, true));
  assert.deepEqual(result.segmentPredicted, await expect({ threshold: 0.4 }, false));
  for (const { threshold, confusion } of result.sweep) {
    assert.deepEqual(confusion, await expect({ threshold, minArea: 0 }, true));
  }
  assert.deepEqual(result.sweep.map(({ threshold }) => threshold), [0.2, 0.6]);
  assert.deepEqual(result.images.map(({ id }) => id), ["a", "b", "c", "d"]);
  assert.deepEqual(result.images.map(({ labels }) => labels), SAMPLES.map(({ labels }) => labels));

  const report = reportCams(result, info, ["background", "cat", "bird"]);
  const cat = report.classes[8]!;
  assert.deepEqual([cat.name, cat.images, cat.predicted, cat.hits], ["cat", 1, 4, 1]);
  const iou = (c: number) => {
    const { counts } = result.cam;
    const sum = (of: (i: number) => number) =>
      Array.from({ length: 21 }, (_, i) => of(i)).reduce((a, b) => a + b);
    const [truth, predicted] = [sum((i) => counts[21 * c + i]!), sum((i) => counts[21 * i + c]!)];
    return counts[22 * c]! / (truth + predicted - counts[22 * c]!);
  };
  const mean = (classes: number[]) => classes.map(iou).reduce((a, b) => a + b) / classes.length;
  assert.ok(Math.abs(report.means.cam.chosen - mean([0, 8, 3])) < 1e-12);
  assert.ok(Math.abs(report.means.cam.present - mean([0, 3, 8, 15])) < 1e-12);
  assert.equal(report.classes[1]!.iou.cam, null);
  assert.equal(report.classes[1]!.averagePrecision, null);
});

Deno.test("evaluateCamSet() throws TypeError naming the image when its truth has another size", async () => {
  await using data = await makeVocFolder("dev", SAMPLES.slice(0, 1));
  await using other = await makeVocFolder("dev", [{ ...SAMPLES[0]!, width: 74 }]);
  const folder = data.folder;
  folder.truth = (id) => other.folder.truth(id);
  await assert.rejects(evaluateCamSet(silop, info, folder, ["a"]), {
    name: "TypeError",
    message: "a is 75×50 px, its truth 74×50",
  });
});

Deno.test("evaluateCamSet() only tags images without a truth", async () => {
  await using data = await makeVocFolder("dev", SAMPLES);
  const { folder } = data;
  const path = folder.truthPath.bind(folder);
  folder.truthPath = (id) => id === "b" ? null as unknown as string : path(id);
  const { cam, images } = await evaluateCamSet(silop, info, folder, ["a", "b"]);
  const { cam: one } = await evaluateCamSet(silop, info, folder, ["a"]);
  assert.deepEqual(cam, one);
  assert.deepEqual(images.map(({ labels }) => labels), [[7], [2, 14]]);
});

Deno.test("evaluateCamSet() throws RangeError when the data set's classes are not the model's", async () => {
  await using data = await makeVocFolder("dev", SAMPLES.slice(0, 1));
  const other = new VocFolder(data.path, [{ name: "cat" }]);
  await assert.rejects(evaluateCamSet(silop, info, other, ["a"]), {
    name: "RangeError",
    message: /must be the model's: aeroplane, /,
  });
});

Deno.test("selectClasses() gives the maps that asking for the classes gives", async () => {
  await using data = await makeVocFolder("dev", SAMPLES.slice(0, 1));
  const bytes = await readFile(data.folder.imagePath("a"));
  const all = await silop.cam(bytes, { labels: VOC_CLASSES });
  for (const classes of [[2, 7, 14], [0], []]) {
    const labels = classes.map((c) => VOC_CLASSES[c]!);
    assert.deepEqual(selectClasses(all, classes), await silop.cam(bytes, { labels }));
  }
  const few = await silop.cam(bytes, { labels: ["cat"] });
  assert.throws(() => selectClasses(few, [0]), RangeError);
});

Deno.test("maskClasses() counts background as 0 and throws RangeError for unknown names", () => {
  assert.deepEqual(maskClasses(["background", "cat", "aeroplane"], VOC_CLASSES), [0, 8, 1]);
  assert.throws(() => maskClasses(["zebra"], VOC_CLASSES), /Unknown class "zebra"/);
});
