/** What the published code computes from a CAM on, read from the fixtures or from ../shared/golden. */

import { decodeImage } from "../../core/image/mod.ts";
import { decodeNpz, type NpyArray } from "../../core/npz.ts";
import { regionColors } from "../../kernels/region_colors.ts";

/** One CRF result: probabilities after `steps` of a Gaussian and a bilateral kernel, or of one. */
export interface CrfCase {
  readonly name: string;
  readonly steps: number;
  readonly bilateral: { readonly sxy: number; readonly srgb: number } | null;
  readonly gaussian: boolean;
  /** `labels×H×W`. */
  readonly wanted: Float32Array;
}

/** CRF results that share an image and energies. */
export interface CrfGolden {
  readonly width: number;
  readonly height: number;
  readonly image: Uint8Array;
  readonly labels: number;
  readonly unary: Float32Array;
  readonly cases: readonly CrfCase[];
}

/** One image's intermediate results. `slic` and `quick` are PerimeterFit's branches. */
export interface RefinementGolden {
  readonly width: number;
  readonly height: number;
  readonly image: Uint8Array;
  readonly keys: Int32Array;
  readonly classes: number;
  readonly hrCam: Float32Array;
  readonly cam: Float32Array;
  readonly camWidth: number;
  readonly camHeight: number;
  readonly arrays: Readonly<Record<string, NpyArray>>;
  readonly crf: readonly CrfGolden[];
}

/** The published picture of a label map: colours by the rank of the label among those present. */
export function paintRegions(labels: Uint8Array): Uint8Array {
  const ranks = new Map([...new Set(labels)].sort((a, b) => a - b).map((label, i) => [label, i]));
  const colors = regionColors();
  const rgb = new Uint8Array(3 * labels.length);
  labels.forEach((label, p) => {
    for (let c = 0; c < 3; c++) rgb[3 * p + c] = colors[3 * ranks.get(label)! + 2 - c]!;
  });
  return rgb;
}

/** Reads the cat among the fixtures. */
export async function readFixture(): Promise<RefinementGolden> {
  const folder = new URL("../fixtures/chelsea/", import.meta.url);
  const arrays = {
    ...decodeNpz(Deno.readFileSync(new URL("perimeters.npz", folder))),
    ...decodeNpz(Deno.readFileSync(new URL("refinement.npz", folder))),
  };
  const hrCam = Float32Array.from(arrays.hr_cam_20000!.data as Uint16Array, (v) => v / 20000);
  const crop: Record<string, NpyArray> = {};
  for (const [key, array] of Object.entries(arrays)) {
    if (!key.startsWith("crop_")) continue;
    const packed = key.endsWith("_65535");
    const data = packed
      ? Float32Array.from(array.data as Uint16Array, (v) => v / 65535)
      : array.data;
    crop[key.slice(5).replace("_65535", "")] = { ...array, data };
  }
  return assemble(await readImage(folder), arrays, hrCam, [crop]);
}

/** Reads an image's folder in ../shared/golden. */
export async function readGoldenFolder(folder: URL): Promise<RefinementGolden> {
  const read = (name: string) => decodeNpz(Deno.readFileSync(new URL(name, folder)));
  const arrays = { ...read("stages.npz"), ...read("aff_intermediate.npz") };
  const crf = [read("crf_crop.npz")];
  const image = await readImage(folder);
  try {
    const whole = read("crf.npz");
    const shape = [image.height, image.width, 3];
    crf.push({ ...whole, image: { shape, data: image.data, dtype: "|u1" } });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return assemble(image, arrays, arrays.hr_cam!.data as Float32Array, crf);
}

function readImage(folder: URL) {
  return decodeImage(Deno.readFileSync(new URL("image.png", folder)));
}

function assemble(
  image: { readonly data: Uint8Array; readonly width: number; readonly height: number },
  arrays: Record<string, NpyArray>,
  hrCam: Float32Array,
  crf: Record<string, NpyArray>[],
): RefinementGolden {
  const [classes, camHeight, camWidth] = arrays.cam!.shape as [number, number, number];
  return {
    width: image.width,
    height: image.height,
    image: image.data,
    keys: arrays.keys!.data as Int32Array,
    classes,
    hrCam,
    cam: arrays.cam!.data as Float32Array,
    camWidth,
    camHeight,
    arrays,
    crf: crf.map(readCrf),
  };
}

function readCrf(arrays: Record<string, NpyArray>): CrfGolden {
  const [labels, height, width] = arrays.unary!.shape as [number, number, number];
  const cases: CrfCase[] = [];
  for (const [name, { data }] of Object.entries(arrays)) {
    if (!name.startsWith("Q_")) continue;
    const parts = name.match(
      /^Q_(?:(gaussian)_only|(bilateral)?(?:sxy)?(\d+)_(?:srgb)?(\d+)(?:_only)?)_t(\d+)$/,
    );
    if (parts === null) throw new SyntaxError(`${name} names no CRF`);
    const [, gaussian, alone, sxy, srgb, steps] = parts;
    cases.push({
      name,
      steps: Number(steps),
      bilateral: gaussian ? null : { sxy: Number(sxy), srgb: Number(srgb) },
      gaussian: alone === undefined,
      wanted: data as Float32Array,
    });
  }
  const unary = arrays.unary!.data as Float32Array;
  return { width, height, image: arrays.image!.data as Uint8Array, labels, unary, cases };
}
