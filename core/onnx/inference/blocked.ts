/**
 * Layouts, and shapes of ONNX Runtime's own CPU operators on channels in blocks (`com.microsoft.nchwc`). A
 * blocked tensor keeps the shape `N×C×H×W`; only the order of its elements differs, with C a
 * multiple of the block size.
 */

import type { Call, InferenceRule, InferenceTable } from "./call.ts";
import { mayEqualShapes } from "../shape.ts";
import { elementwiseRules } from "./elementwise.ts";
import { windowRules } from "./window.ts";

/** The domain of the operators on blocked tensors. */
export const BLOCKED = "com.microsoft.nchwc";

/**
 * The order of a tensor's elements: row major, or `N×(C/block)×H×W×block` under the shape
 * `N×C×H×W`.
 */
export type Layout = "plain" | "blocked";

/** Operators that take each element by itself, whatever the order. */
const elementwise = new Set(Object.keys(elementwiseRules));
for (const type of ["Softmax", "LogSoftmax", "CumSum"]) elementwise.delete(type);

/**
 * The layout of a node's outputs.
 *
 * @throws {TypeError} when an operator that minds the order would get blocked elements.
 */
export function resultLayout(domain: string, call: Call): Layout {
  if (domain === BLOCKED) {
    // One pixel a channel: both orders are the same.
    return ["ReorderOutput", "GlobalAveragePool"].includes(call.type) ? "plain" : "blocked";
  }
  const blocked = call.inputs.find((value) => value?.layout === "blocked");
  if (!blocked || call.type === "Loop" || call.type === "Shape") return "plain";
  if (!elementwise.has(call.type)) call.fail(`"${blocked.name}" is in blocked layout`);
  for (const value of call.inputs) {
    if (!value || value.rank === 0 || value === blocked) continue;
    if (value.layout !== "blocked" || !mayEqualShapes(value.shape, blocked.shape)) {
      call.fail("a blocked value can only meet scalars and blocked values of its shape");
    }
  }
  return "blocked";
}

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
  [`${BLOCKED}:Conv`]: conv,
  [`${BLOCKED}:ReorderInput`]: reorderInput,
  [`${BLOCKED}:ReorderOutput`]: reorderOutput,
  [`${BLOCKED}:GlobalAveragePool`]: globalPool,
  [`${BLOCKED}:MaxPool`]: windowRules.MaxPool!,
  [`${BLOCKED}:AveragePool`]: windowRules.AveragePool!,
};
