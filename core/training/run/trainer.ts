/** What a training loop needs to know of a trainer; `NetworkTrainer` is one. */

import type { StateDict } from "../../weights/state_dict.ts";

/** All that a trainer needs to go on as if it had never stopped. */
export interface TrainerState {
  /** Steps taken. */
  readonly steps: number;
  /** Parameters and what the optimiser remembers. */
  readonly tensors: StateDict;
}

/** Learns from one batch after another. `Feeds` is what a step is fed. */
export interface Trainer<Feeds> {
  /**
   * Takes one step.
   *
   * @returns Losses, and whatever else shall be written down, by name.
   */
  step(feeds: Feeds, rate: number): Promise<Readonly<Record<string, number>>>;
  /** A copy of the state. */
  state(): TrainerState;
  /** Goes back to a state; the steps after it are the same to the last bit. */
  restore(state: TrainerState): void;
}
