/** The worker's side of a {@linkcode StagePool}: loads its models once, then runs jobs one by one. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { openClassifier } from "../stages/classifier.ts";
import { renderStage } from "../stages/render.ts";
import type { StageModels } from "../stages/stage.ts";
import { findModel, loadManifest, readModel } from "./models.ts";
import { packError } from "./wire_error.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** Side of the blank image a fresh session is tried on, so that the first request is not slower. */
const WARM_UP_SIZE = 64;

let models: StageModels;

self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  try {
    if (data.kind === "setup") answer(await setUp(data));
    else {
      const result = await renderStage(data.request, models, () => {
        if (Atomics.load(data.cancelled, 0) !== 0) {
          throw new DOMException("Cancelled", "AbortError");
        }
      });
      answer({ kind: "done", result }, buffersOf(result));
    }
  } catch (thrown) {
    answer({ kind: data.kind === "setup" ? "failed" : "error", error: packError(thrown) });
  }
};

async function setUp(
  setup: Extract<ToWorker, { kind: "setup" }>,
): Promise<FromWorker> {
  const { camModel, device, threads } = setup;
  const folder = new URL(setup.models);
  const info = findModel(await loadManifest(folder), camModel);
  const classifier = await openClassifier(await readModel(info, folder), info, { device, threads });
  await classifier.classify(new Float32Array(3 * WARM_UP_SIZE ** 2), WARM_UP_SIZE, WARM_UP_SIZE);
  models = { classifier };
  return { kind: "ready", device: classifier.device, camModel: info };
}

function answer(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

/**
 * The buffers of all arrays in a result, which move to the caller instead of being copied. Results are
 * plain objects of plain objects and typed arrays.
 */
function buffersOf(result: object): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  const visit = (value: unknown) => {
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer as ArrayBuffer);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
  };
  visit(result);
  return [...buffers];
}
