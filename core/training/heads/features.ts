/**
 * A frozen backbone's features of photographs, kept on disk so that heads are trained without running the
 * backbone again.
 *
 * Per image there are two files, named after the SHA-256 of the image file: `HASH.cells.npy`, the
 * features of every cell of the map (`h×w×C`, the bits of float16 numbers as `uint16`; cells are
 * consecutive, so a sample of them is read cheaply), and `HASH.mean.npy`, their mean (`C` float32),
 * written last. An image whose mean is there is complete.
 */

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { writeFileAtomic } from "../../files.ts";
import { decodeImage } from "../../image/mod.ts";
import { ConstantLayers } from "../../nets/constant_layers.ts";
import {
  EFFICIENTNET_LITE,
  EFFICIENTNET_LITE_MEAN,
  EFFICIENTNET_LITE_STD,
  efficientNetLite,
  type EfficientNetLiteName,
} from "../../nets/efficientnet_lite.ts";
import { decodeNpy, encodeNpy } from "../../npz.ts";
import { GraphBuilder } from "../../onnx/graph_builder.ts";
import { openSession, type SessionOptions } from "../../runtime/device.ts";
import { DEFAULT_WORKING_SIZE, workingSize } from "../../stages/working_size.ts";
import type { StateDict } from "../../weights/state_dict.ts";
import { normalizeImage } from "../../../kernels/normalize.ts";
import { resizeImage } from "../../../kernels/resize_image.ts";

/** One image's features. */
export interface Features {
  /** `h×w×C` */
  readonly cells: Float16Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * A network that answers what {@linkcode FeatureStore} keeps: input `image` `1×3×H×W`, outputs `cells`
 * `h×w×C` float16 and `mean` `C`, of a backbone at output stride 16.
 */
export function buildFeatureExtractor(
  name: EfficientNetLiteName,
  weights: StateDict,
  options: { storage?: "fp16" } = {},
): Uint8Array {
  const g = new GraphBuilder();
  const image = g.input("image", "float32", [1, 3, "H", "W"]);
  const layers = new ConstantLayers(g, weights, options);
  const { features } = efficientNetLite(layers, image, EFFICIENTNET_LITE[name], {
    outputStride: 16,
  });
  layers.check("EfficientNet-Lite");
  g.output("cells", g.cast(g.squeeze(g.transpose(features, [0, 2, 3, 1]), [0]), "float16"));
  g.output("mean", g.reduceMean(features, [0, 2, 3], { keep: false }));
  return g.build({ name: `${name}-features` });
}

/**
 * How photos become the extractor's input. Whoever changes what `#compute()` does with them raises the
 * version, so that features made the old way are not taken for new ones.
 */
const PREPARATION = {
  version: 1,
  longSide: DEFAULT_WORKING_SIZE,
  mean: EFFICIENTNET_LITE_MEAN,
  std: EFFICIENTNET_LITE_STD,
} as const;

/** Features of images, computed once and read from disk afterwards. */
export class FeatureStore {
  readonly #folder: string;
  readonly #session: ort.InferenceSession;

  private constructor(folder: string, session: ort.InferenceSession) {
    this.#folder = folder;
    this.#session = session;
  }

  /**
   * @param extractor See {@linkcode buildFeatureExtractor}. Features are kept apart by its bytes and by
   *   how images are prepared for it.
   * @param folder Where features of all extractors are kept.
   * @throws {DeviceError} The device is not available.
   */
  static async open(
    extractor: Uint8Array,
    folder: string,
    options: SessionOptions = {},
  ): Promise<FeatureStore> {
    const { session } = await openSession(extractor, options);
    const made = hash(JSON.stringify([hash(extractor), PREPARATION]));
    return new FeatureStore(join(folder, made.slice(0, 16)), session);
  }

  /**
   * Makes sure that an image's features are on disk.
   *
   * @param image Path of the image file.
   * @returns The key to read them by.
   * @throws The codec's errors.
   */
  async add(image: string): Promise<string> {
    const bytes = await readFile(image);
    const key = hash(bytes).slice(0, 32);
    if (await exists(this.#path(key, "mean"))) return key;
    const { cells, mean } = await this.#compute(bytes);
    await writeFileAtomic(this.#path(key, "cells"), cells);
    await writeFileAtomic(this.#path(key, "mean"), mean);
    return key;
  }

  /** The mean of an image's features over all cells: `C`. */
  async mean(key: string): Promise<Float32Array> {
    return decodeNpy(await readFile(this.#path(key, "mean"))).data as Float32Array;
  }

  /** An image's features. */
  async features(key: string): Promise<Features> {
    const { shape, data } = decodeNpy(await readFile(this.#path(key, "cells")));
    const [height, width, channels] = shape as [number, number, number];
    const bits = data as Uint16Array;
    const cells = new Float16Array(bits.buffer, bits.byteOffset, bits.length);
    return { cells, width, height, channels };
  }

  /** Frees the network; features that are on disk can still be read. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async #compute(bytes: Uint8Array): Promise<{ cells: Uint8Array; mean: Uint8Array }> {
    const image = await decodeImage(bytes);
    const { width, height } = workingSize(image.width, image.height, PREPARATION.longSide);
    const pixels = resizeImage(image.data, image.width, image.height, 3, width, height);
    const { mean: level, std } = PREPARATION;
    const input = normalizeImage(pixels, width, height, [level, level, level], [std, std, std]);
    const { cells, mean } = await this.#session.run({
      image: new ort.Tensor("float32", input, [1, 3, height, width]),
    });
    const halves = cells!.data as unknown as Uint16Array | Float16Array;
    const bits = new Uint16Array(halves.buffer, halves.byteOffset, halves.length);
    return {
      cells: encodeNpy({ shape: cells!.dims, data: bits }),
      mean: encodeNpy({ shape: mean!.dims, data: mean!.data as Float32Array }),
    };
  }

  #path(key: string, kind: "cells" | "mean"): string {
    return join(this.#folder, key.slice(0, 2), `${key}.${kind}.npy`);
  }
}

function hash(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
