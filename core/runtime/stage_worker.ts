/** The worker's side of a {@linkcode StagePool}: loads its models once, then runs jobs one by one. */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { openClassifier } from "../stages/classifier.ts";
import type { CamClassifier } from "../stages/cam.ts";
import { renderStage, type StageResult } from "../stages/render.ts";
import { findModel, loadManifest, readModel } from "./models.ts";
import { packError } from "./wire_error.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** Side of the blank image a fresh session is tried on, so that the first request is not slower. */
const WARM_UP_SIZE = 64;

let classifier: CamClassifier;

self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  try {
    if (data.kind === "setup") answer(await setUp(data));
    else {
      const result = await renderStage(data.request, classifier, () => {
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
  { models, camModel, device, threads }: Extract<ToWorker, { kind: "setup" }>,
): Promise<FromWorker> {
  const folder = new URL(models);
  const info = findModel(await loadManifest(folder), camModel);
  const opened = await openClassifier(await readModel(info, folder), info, { device, threads });
  await opened.classify(new Float32Array(3 * WARM_UP_SIZE ** 2), WARM_UP_SIZE, WARM_UP_SIZE);
  classifier = opened;
  return { kind: "ready", device: opened.device, camModel: info };
}

function answer(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

/** The result's large arrays, which move to the caller instead of being copied. */
function buffersOf({ files, arrays }: StageResult): Transferable[] {
  const large = [
    ...Object.values(files),
    arrays?.cam.cam.data,
    arrays?.cam.hrCam.data,
    arrays?.mask?.data,
  ];
  return [
    ...new Set(large.flatMap((array) => array === undefined ? [] : [array.buffer as ArrayBuffer])),
  ];
}
