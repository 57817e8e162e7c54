import assert from "node:assert/strict";
import { decodeImage, decodeMaskPng, encodeRgbPng, vocPalette } from "../../core/image/mod.ts";
import type { Rgb } from "../../core/runtime/models.ts";
import type { Silop } from "../../core/silop.ts";
import { VOC_CLASSES } from "../../core/voc/classes.ts";
import { cvatRoutes, FUNCTION_NAME } from "../../functions/adapters/cvat.ts";
import { createApp } from "../../functions/app.ts";
import { answerTag } from "../../functions/entity_tag.ts";
import { encodeMask } from "../../functions/page/png.js";
import { tinyCamModel, tinySegmentationModel } from "../helpers/tiny_model.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

/** Colours that VOC does not have, another one for each class. */
const oddColors = (count: number, blue: number): Rgb[] =>
  Array.from({ length: count }, (_, i) => [250 - 3 * i, 7 + i, blue]);
const CAM_COLORS = oddColors(20, 99);
const OTHER_COLORS = oddColors(20, 150);
const MASK_COLORS = oddColors(21, 201);

const silop = await openTinySilop({
  colors: CAM_COLORS,
  models: {
    masks: tinySegmentationModel({ colors: MASK_COLORS }),
    other: tinyCamModel("other.onnx", { colors: OTHER_COLORS }),
    plain: tinyCamModel("plain.onnx", { seed: 2 }),
  },
  allowModels: ["other", "plain"],
});
const app = createApp({ silop });
Deno.test.afterAll(() => app.close());

/** Red, then green: what the tiny networks see differs between the halves. */
const PHOTO = encodeRgbPng({
  width: 48,
  height: 32,
  data: Uint8Array.from({ length: 48 * 32 * 3 }, (_, i) => {
    const red = Math.floor(i / 3) % 48 < 24;
    return [red ? 220 : 20, red ? 20 : 220, 30][i % 3]!;
  }),
}) as Uint8Array<ArrayBuffer>;

async function post(path: string): Promise<Response> {
  const response = await app.request(path, { method: "POST", body: PHOTO });
  assert.equal(response.status, 200, path);
  return response;
}

/** The palette of a PNG of ours: its second chunk, after signature and header. */
function paletteOf(png: Uint8Array): Uint8Array {
  assert.equal(new TextDecoder().decode(png.subarray(37, 41)), "PLTE");
  return png.subarray(41, 41 + 768);
}

/** VOC's palette with other colours from a label on. */
function paletteWith(colors: readonly Rgb[], first: number): Uint8Array {
  const palette = vocPalette();
  palette.set(colors.flat(), 3 * first);
  return palette;
}

const CASES: [query: string, palette: Uint8Array][] = [
  ["/segment?", paletteWith(MASK_COLORS, 0)],
  ["/segment?mode=fast&", paletteWith(MASK_COLORS, 0)],
  ["/segment?mode=cam&", paletteWith(CAM_COLORS, 1)],
  ["/segment?mode=pipeline&iterations=4&", paletteWith(CAM_COLORS, 1)],
  ["/segment?cam-model=other&", paletteWith(OTHER_COLORS, 1)],
  ["/segment?cam-model=plain&", vocPalette()],
  ["/refine?iterations=4&", paletteWith(CAM_COLORS, 1)],
  ["/refine?result=fit&fit=majority&iterations=4&", paletteWith(CAM_COLORS, 1)],
];

for (const [query, palette] of CASES) {
  Deno.test(`POST ${query} paints the mask in its model's colours`, async () => {
    const png = await (await post(`${query}format=png`)).bytes();
    assert.deepEqual(paletteOf(png), palette);
    const { data: labels } = decodeMaskPng(png);
    assert.ok(labels.some((label) => label > 0), "there is something to be painted");

    const photo = await decodeImage(PHOTO);
    const overlay = await decodeImage(await (await post(`${query}format=overlay`)).bytes());
    const edges = new Set<number>();
    labels.forEach((label, p) => {
      const x = p % 48;
      const isEdge = [x > 0 && p - 1, x < 47 && p + 1, p >= 48 && p - 48, p < 31 * 48 && p + 48]
        .some((next) => next !== false && labels[next] !== label);
      for (let c = 0; c < 3; c++) {
        const [under, over] = [photo.data[3 * p + c]!, palette[3 * label + c]!];
        const share = label === 0 ? 0 : isEdge ? 1 : 0.5;
        assert.equal(overlay.data[3 * p + c], Math.round(under + (over - under) * share));
      }
      if (label > 0 && isEdge) edges.add(label);
    });
    assert.ok(edges.size > 0, "edges show colours at full strength");
  });
}

Deno.test("POST tells the colours of classes in JSON, COCO and GeoJSON", async () => {
  for (const query of ["/cam?", "/segment?mode=cam&", "/refine?iterations=4&"]) {
    const { classes } = await (await post(`${query}format=json`)).json();
    assert.ok(classes.length > 0);
    for (const { index, color } of classes) assert.deepEqual(color, CAM_COLORS[index - 1]);
  }
  const fast = await (await post("/segment")).json();
  assert.ok(fast.classes.length > 0);
  for (const { index, color } of fast.classes) assert.deepEqual(color, MASK_COLORS[index]);
  const plain = await (await post("/cam?cam-model=plain&labels=cat")).json();
  assert.deepEqual(plain.classes[0].color, [64, 0, 0]);

  const { categories } = await (await post("/segment?mode=cam&format=coco")).json();
  assert.deepEqual(
    categories,
    VOC_CLASSES.map((name, i) => ({ id: i + 1, name, color: CAM_COLORS[i] })),
  );
  const { features } = await (await post("/segment?format=geojson")).json();
  assert.ok(features.length > 0);
  for (const { id, properties } of features) assert.deepEqual(properties.color, MASK_COLORS[id]);
});

Deno.test("GET of the page's facts and of the CVAT function tell the models' own colours", async () => {
  const { cam, fast } = await (await app.request("/page/info.json")).json();
  assert.deepEqual(cam, { classes: VOC_CLASSES, colors: [[0, 0, 0], ...CAM_COLORS] });
  assert.deepEqual(fast, { classes: VOC_CLASSES, colors: MASK_COLORS });

  const functions = await (await cvatRoutes(silop).request("/api/functions")).json();
  const [first] = JSON.parse(functions[FUNCTION_NAME].metadata.annotations.spec);
  assert.deepEqual(first, { id: 1, name: "aeroplane", color: "#fa0763", type: "mask" });
});

Deno.test("answerTag() differs where models differ in nothing but their colours", async () => {
  const { info } = tinyCamModel();
  const tagOf = async (model: object) => {
    const ready = Promise.resolve({ camModel: model, allowedModels: {} });
    return await answerTag({ ready } as unknown as Silop, PHOTO, "segment");
  };
  const tag = await tagOf(info);
  assert.equal(await tagOf({ ...info }), tag);
  assert.notEqual(await tagOf({ ...info, colors: CAM_COLORS }), tag);
});

Deno.test("the page saves masks in the palette that the service answers", async () => {
  const { fast } = await (await app.request("/page/info.json")).json();
  const png = await (await post("/segment?format=png")).bytes();
  const { width, height, data } = decodeMaskPng(png);
  const array = { shape: [height, width], data };
  const saved = new Uint8Array(await (await encodeMask(array, fast.colors)).arrayBuffer());
  assert.deepEqual(paletteOf(saved), paletteOf(png));
  assert.deepEqual(decodeMaskPng(saved).data, data);
  const plain = new Uint8Array(await (await encodeMask(array, null)).arrayBuffer());
  assert.deepEqual(paletteOf(plain), vocPalette());
});
