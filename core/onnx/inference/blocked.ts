/**
 * Shapes of ONNX Runtime's own CPU operators on channels in blocks (`com.microsoft.nchwc`). A
 * blocked tensor keeps the shape `N×C×H×W`; only the order of its elements differs, with C a
 * multiple of the block size.
 */

import type { InferenceRule, InferenceTable } from "./call.ts";
import { mayEqualShapes } from "../shape.ts";
import { windowRules } from "./window.ts";

const DOMAIN = "com.microsoft.nchwc";

/** As Conv, with a fourth input that is added before the activation. */
const conv: InferenceRule = (call) => {
  const types = windowRules.Conv!(call);
  const shape = Array.isArray(types) ? types[0]!.shape : types.shape;
  if (call.inputs[3] && !mayEqualShapes(call.shape(3), shape)) {
    call.fail(`the sum must have the shape of the output, [${shape}]`);
  }
  return types;
};

const reorderInput: InferenceRule = (call) => ({ dtype: call.float(0), shape: call.shape(0, 4) });

const reorderOutput: InferenceRule = (call) => {
  const shape = [...call.shape(0, 4)];
  const channels = call.int("channels", 0);
  if (channels < 1) call.fail("the number of channels is missing");
  if (typeof shape[1] === "number" && shape[1] < channels) {
    call.fail(`there are no ${channels} channels`);
  }
  shape[1] = channels;
  const last = call.int("channels_last", 0) === 1;
  const [n, c, h, w] = shape;
  return { dtype: call.float(0), shape: last ? [n!, h!, w!, c!] : shape };
};

const globalPool: InferenceRule = (call) => {
  call.shape(0, 4);
  return windowRules.GlobalAveragePool!(call);
};

export const blockedRules: InferenceTable = {
  [`${DOMAIN}:Conv`]: conv,
  [`${DOMAIN}:ReorderInput`]: reorderInput,
  [`${DOMAIN}:ReorderOutput`]: reorderOutput,
  [`${DOMAIN}:GlobalAveragePool`]: globalPool,
  [`${DOMAIN}:MaxPool`]: windowRules.MaxPool!,
  [`${DOMAIN}:AveragePool`]: windowRules.AveragePool!,
};
