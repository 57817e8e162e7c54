/** Where tests run the tiny training. */

import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sample } from "../../../../core/training/data/sample_loader.ts";
import {
  runTraining,
  type TrainingListener,
  type TrainingOutcome,
} from "../../../../core/training/run/training_loop.ts";
import type { StateDict } from "../../../../core/weights/state_dict.ts";
import { openLoader, openTrainer, planOf, writeSamples } from "./tiny_training.ts";

type Plan = ReturnType<typeof planOf>;

/** A folder with samples and runs. Disposing removes it. */
export class Place implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "training-"));
  readonly samples: Sample[] = writeSamples(join(this.folder, "samples"));

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** One sitting. */
  async sit(
    run: string,
    change: (plan: Plan) => Partial<Plan> = () => ({}),
    listener: TrainingListener = {},
  ): Promise<{ outcome: TrainingOutcome; weights: Uint8Array }> {
    using loader = openLoader(this.samples);
    await using trainer = await openTrainer();
    const plan = planOf(this.path(run), loader, trainer);
    const outcome = await runTraining({ ...plan, ...change(plan) }, listener);
    return { outcome, weights: bytesOf(trainer.state().tensors) };
  }
}

/** All tensors, the optimiser's included, as bytes. */
function bytesOf(tensors: StateDict): Uint8Array {
  const parts = [...tensors].flatMap(([name, { data }]) => [
    new TextEncoder().encode(name),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
  return new Uint8Array(Buffer.concat(parts));
}
