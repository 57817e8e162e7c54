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
        const kept: unknown[] = [];
        const clock = new Int32Array(new SharedArrayBuffer(4));
        for (;;) {
          kept.push(new Array(1e5).fill(kept.length + 0.5));
          // Slowly enough that who watches is there in time, however busy the machine: a full heap
          // would end all tests.
          Atomics.wait(clock, 0, 0, 2);
        }
      }
      /* falls through */
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
