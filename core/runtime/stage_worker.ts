/** A worker of a `StagePool`: loads its models once, then runs stages. */

import { openModels } from "../stages/model_shelf.ts";
import { renderStage, type StageRequest, type StageResult } from "../stages/render.ts";
import type { StageModels } from "../stages/stage.ts";
import { releaseSessions } from "./device.ts";
import { ModelLibrary } from "./model_library.ts";
import type { WorkerReady } from "./stage_pool.ts";
import { serveJobs } from "./serve_jobs.ts";
import type { StageSetup } from "./worker_messages.ts";

let models: StageModels;

serveJobs<StageSetup, StageRequest, WorkerReady, StageResult>({
  async setUp({ models: folders, allowModels, device, threads, ...names }) {
    const library = await ModelLibrary.open(folders.map((address) => new URL(address)));
    const chosen = library.choose(names);
    const allowed = allowModels.map((name) => library.findAny(name));
    const opened = await openModels(chosen, { device, threads, allowed });
    models = opened.models;
    const { cam, affinity, segmentation, segmentationFirst } = chosen;
    return {
      device: opened.device,
      fallback: opened.fallback,
      camModel: cam.info,
      affinityModel: affinity?.info,
      segmentationModel: segmentation?.info,
      allowedModels: Object.fromEntries(allowed.map(({ name, info }) => [name, info])),
      names: { cam: cam.name, affinity: affinity?.name, segmentation: segmentation?.name },
      segmentationFirst: segmentationFirst && segmentation !== null,
    };
  },
  run: (request, checkpoint) => renderStage(request, models, checkpoint),
  tearDown: releaseSessions,
});
