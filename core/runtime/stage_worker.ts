/** A worker of a `StagePool`: loads its models once, then runs stages. */

import { openClassifier } from "../stages/classifier.ts";
import { renderStage, type StageRequest, type StageResult } from "../stages/render.ts";
import type { StageModels } from "../stages/stage.ts";
import { UssSegmenter } from "../stages/uss.ts";
import { findModel, loadManifest, readModel } from "./models.ts";
import type { WorkerReady } from "./pool.ts";
import { serveJobs } from "./serve_jobs.ts";
import type { StageSetup } from "./worker_messages.ts";

/** Side of the blank image a fresh session is tried on, so that the first request is not slower. */
const WARM_UP_SIZE = 64;

let models: StageModels;

serveJobs<StageSetup, StageRequest, WorkerReady, StageResult>({
  async setUp({ models: address, camModel, device, threads }) {
    const folder = new URL(address);
    const info = findModel(await loadManifest(folder), camModel);
    const bytes = await readModel(info, folder);
    const classifier = await openClassifier(bytes, info, { device, threads });
    await classifier.classify(new Float32Array(3 * WARM_UP_SIZE ** 2), WARM_UP_SIZE, WARM_UP_SIZE);
    models = { classifier, uss: new UssSegmenter({ device: classifier.device, threads }) };
    const { device: actual, fallback } = classifier;
    return { device: actual, fallback, camModel: info };
  },
  run: (request, checkpoint) => renderStage(request, models, checkpoint),
});
