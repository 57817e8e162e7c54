/** Networks that answer one stack of maps for an image, run by ONNX Runtime. */

import * as ort from "onnxruntime-node";
import { ModelError } from "../errors.ts";
import { openSession, type SessionOptions } from "../runtime/device.ts";
import type { ModelInfo } from "../runtime/models.ts";

/** Names of the inputs and outputs, the same for every model of a task. */
export const AFFINITY_TENSORS = { input: "image", output: "edge" } as const;
export const SEGMENTATION_TENSORS = { input: "image", output: "logits" } as const;

/** What a network answers for `N` images of one size. */
export interface NetworkMaps {
  /** `N×C×height×width`. */
  readonly maps: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A network with what is known about it. */
export interface MapNetwork<Info extends ModelInfo = ModelInfo> {
  readonly info: Info;
  /** @param images `N×3×height×width`, normalised as `info` says. */
  run(images: Float32Array, width: number, height: number): Promise<NetworkMaps>;
}

/** A network with a session of its own. */
export interface OpenMapNetwork<Info extends ModelInfo = ModelInfo> extends MapNetwork<Info> {
  /** Frees the session. */
  release(): Promise<void>;
}

/**
 * Opens a session for a network of one input, `N×3×H×W`, and one output of maps.
 *
 * @param model The ONNX file's bytes, or its path.
 * @param channels Maps there must be for each image.
 * @throws {DeviceError} The device is not available.
 * @throws {ModelError} The file is no such network.
 */
export async function openMapNetwork<Info extends ModelInfo>(
  model: Uint8Array | string,
  info: Info,
  { input, output }: { readonly input: string; readonly output: string },
  channels: number,
  options: SessionOptions = {},
): Promise<OpenMapNetwork<Info>> {
  const { session } = await openSession(model, options);
  if (!session.inputNames.includes(input) || !session.outputNames.includes(output)) {
    const names = [...session.inputNames, ...session.outputNames].join(", ");
    throw new ModelError(
      `${info.file} is no model for ${info.task}: it has ${names} instead of ${input}, ${output}`,
    );
  }
  return {
    info,
    async run(images, width, height): Promise<NetworkMaps> {
      const count = images.length / (3 * width * height);
      const tensor = new ort.Tensor("float32", images, [count, 3, height, width]);
      const map = (await session.run({ [input]: tensor }, [output]))[output]!;
      const [, found, mapHeight, mapWidth] = map.dims;
      if (found !== channels) {
        throw new ModelError(`${info.file} answers ${found} maps, not ${channels}`);
      }
      return { maps: map.data as Float32Array, width: mapWidth!, height: mapHeight! };
    },
    release: () => session.release(),
  };
}
