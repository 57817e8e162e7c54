/** What a pool and its workers say to each other. */

import type { DeviceName } from "./device_names.ts";
import type { ModelNames } from "./model_library.ts";
import type { WireError } from "./wire_error.ts";

/** From the pool to a worker: once a setup, then one run after another, at the end perhaps to retire. */
export type ToWorker<Setup, Request> =
  | { readonly kind: "setup"; readonly setup: Setup }
  | {
    readonly kind: "run";
    readonly request: Request;
    readonly cancelled: Int32Array<SharedArrayBuffer>;
    /** Whether to tell of the steps done. */
    readonly steps: boolean;
  }
  | { readonly kind: "retire" };

/** From a worker to its pool: an answer to each message, and the steps of a run before it. */
export type FromWorker<Ready, Result> =
  | { readonly kind: "ready"; readonly ready: Ready }
  | { readonly kind: "failed"; readonly error: WireError }
  | { readonly kind: "step"; readonly step: string }
  | { readonly kind: "retired" }
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "error"; readonly error: WireError };

/** What a worker that runs stages is told first. */
export interface StageSetup extends ModelNames {
  /** Addresses of the folders of models. */
  readonly models: readonly string[];
  /** Names of further models that single pieces of work may ask for. */
  readonly allowModels: readonly string[];
  readonly device: DeviceName;
  readonly threads: number;
}
