/** A CAM classifier that runs in ONNX Runtime. */

import * as ort from "onnxruntime-node";
import { ModelError } from "../errors.ts";
import { openSession, type SessionOptions } from "../runtime/device.ts";
import type { ActualDevice } from "../runtime/device_names.ts";
import type { CamModelInfo } from "../runtime/models.ts";
import type { CamClassifier, ClassifierOutput } from "./cam.ts";

/** Names of the network's input and outputs, the same for every CAM model. */
export const CLASSIFIER_TENSORS = { input: "image", maps: "maps", logits: "logits" } as const;

/** A {@linkcode CamClassifier} with the device it runs on. */
export interface OnnxClassifier extends CamClassifier {
  readonly device: ActualDevice;
  /** Why `auto` did not take a GPU whose driver is there. */
  readonly fallback?: string;
  /** Frees the session. */
  release(): Promise<void>;
}

/**
 * Opens a session for a CAM model.
 *
 * @param model The ONNX file's bytes, or its path: input `image` `N×3×H×W`, outputs `maps` `N×C×h×w` (before ReLU)
 *   and `logits` `N×C`.
 * @throws {DeviceError} The device is not available.
 * @throws {ModelError} The file is no such network.
 */
export async function openClassifier(
  model: Uint8Array | string,
  info: CamModelInfo,
  options: SessionOptions = {},
): Promise<OnnxClassifier> {
  const { session, device, fallback } = await openSession(model, options);
  const { input, maps, logits } = CLASSIFIER_TENSORS;
  const names = [...session.inputNames, ...session.outputNames];
  if (![input, maps, logits].every((name) => names.includes(name))) {
    throw new ModelError(
      `${info.file} is no CAM model: it has ${
        names.join(", ")
      } instead of ${input}, ${maps}, ${logits}`,
    );
  }
  return {
    info,
    device,
    fallback,
    release: () => session.release(),
    async classify(images, width, height): Promise<ClassifierOutput> {
      const shape = [images.length / (3 * width * height), 3, height, width];
      const outputs = await session.run({ [input]: new ort.Tensor("float32", images, shape) });
      const map = outputs[maps]!;
      const [, channels, mapHeight, mapWidth] = map.dims;
      if (channels !== info.classes.length) {
        throw new ModelError(
          `${info.file} answers ${channels} maps for ${info.classes.length} classes`,
        );
      }
      return {
        maps: map.data as Float32Array,
        mapWidth: mapWidth!,
        mapHeight: mapHeight!,
        logits: outputs[logits]!.data as Float32Array,
      };
    },
  };
}
