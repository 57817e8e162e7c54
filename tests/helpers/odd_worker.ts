/** A worker that misbehaves as it is told to, for tests of the pool. */

import { serveJobs } from "../../core/runtime/serve_jobs.ts";

/** What it can be told. */
export type OddRequest = "echo" | "crash" | "hang" | "fill-heap" | "fill-buffers" | "steps";

/** Marks a crash as done, so that the next worker works. */
export interface OddSetup {
  /** Crashes left, shared between workers. */
  readonly crashes: Int32Array<SharedArrayBuffer>;
}

let crashes: OddSetup["crashes"];

serveJobs<OddSetup, OddRequest, object, { answer: string }>({
  setUp(setup) {
    crashes = setup.crashes;
    return Promise.resolve({});
  },
  async run(request, checkpoint) {
    switch (request) {
      case "crash":
        if (Atomics.sub(crashes, 0, 1) > 0) {
          setTimeout(() => {
            throw new Error("on purpose");
          });
          await new Promise(() => {});
        }
        break;
      case "hang":
        for (;;);
      case "fill-heap": {
        // Not without end: a worker at work in JavaScript goes on after it has been ended, and a full heap
        // would end all tests.
        const kept: unknown[] = [];
        const clock = new Int32Array(new SharedArrayBuffer(4));
        while (kept.length < 400) {
          kept.push(new Array(1e5).fill(kept.length + 0.5));
          Atomics.wait(clock, 0, 0, 5);
        }
        break;
      }
      case "fill-buffers": {
        const kept: Uint8Array[] = [];
        for (;;) kept.push(new Uint8Array(2 ** 40));
      }
      /* falls through */
      case "steps":
        for (const step of ["one", "two"]) checkpoint(step);
        break;
    }
    return { answer: request };
  },
});
