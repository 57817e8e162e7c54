/** The worker's side of a `WorkerPool`: one setup, then one job after another. */

import type { Checkpoint } from "../stages/stage.ts";
import { packError } from "./wire_error.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";
import { parentThread } from "./worker_thread.ts";

/** What a worker does. */
export interface JobServer<Setup, Request, Ready, Result extends object> {
  /** Loads what all jobs need; called once, before any. */
  setUp(setup: Setup): Promise<Ready>;
  /** Does one job. `checkpoint` is to be called between heavy steps; it throws when the job is cancelled. */
  run(request: Request, checkpoint: Checkpoint): Promise<Result>;
  /** Gives back what ending the thread would leave behind. Default: nothing is. */
  tearDown?(): Promise<void>;
}

/** Makes the worker that calls this serve the jobs of its pool. */
export function serveJobs<Setup, Request, Ready, Result extends object>(
  server: JobServer<Setup, Request, Ready, Result>,
): void {
  const parent = parentThread<ToWorker<Setup, Request>, FromWorker<Ready, Result>>();
  const answer = (message: FromWorker<Ready, Result>, transfer: ArrayBuffer[] = []) =>
    parent.postMessage(message, transfer);
  parent.onMessage(async (data) => {
    try {
      switch (data.kind) {
        case "setup":
          return answer({ kind: "ready", ready: await server.setUp(data.setup) });
        case "retire":
          await server.tearDown?.();
          return answer({ kind: "retired" });
        case "run": {
          const result = await server.run(data.request, (step) => {
            if (Atomics.load(data.cancelled, 0) !== 0) {
              throw new DOMException("Cancelled", "AbortError");
            }
            if (data.steps && step !== undefined) answer({ kind: "step", step });
          });
          return answer({ kind: "done", result }, buffersOf(result));
        }
      }
    } catch (thrown) {
      // A worker that cannot give everything back is replaced all the same.
      if (data.kind === "retire") return answer({ kind: "retired" });
      answer({ kind: data.kind === "setup" ? "failed" : "error", error: packError(thrown) });
    }
  });
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
