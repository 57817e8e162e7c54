/** What a pool and its workers say to each other. */

import type { StageRequest, StageResult } from "../stages/render.ts";
import type { ActualDevice, DeviceName } from "./device_names.ts";
import type { CamModelInfo } from "./models.ts";
import type { WireError } from "./wire_error.ts";

/** From the pool to a worker: once a setup, then one run after another. */
export type ToWorker =
  | {
    readonly kind: "setup";
    readonly models: string;
    readonly camModel: string;
    readonly device: DeviceName;
    readonly threads: number;
  }
  | {
    readonly kind: "run";
    readonly request: StageRequest;
    readonly cancelled: Int32Array<SharedArrayBuffer>;
  };

/** From a worker to its pool: an answer to each message. */
export type FromWorker =
  | { readonly kind: "ready"; readonly device: ActualDevice; readonly camModel: CamModelInfo }
  | { readonly kind: "failed"; readonly error: WireError }
  | { readonly kind: "done"; readonly result: StageResult }
  | { readonly kind: "error"; readonly error: WireError };
