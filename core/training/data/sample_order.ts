/** Which samples make which batch. */

import { randomOf, randomOrder } from "../random.ts";

/** A batch's place in the stream. */
export interface BatchPlace {
  /** Counts from 0 through all epochs. */
  readonly step: number;
  readonly epoch: number;
  /** Of the batch's first sample, within the epoch's order. */
  readonly index: number;
  /** The samples, as indices into the set. */
  readonly samples: Uint32Array;
}

/** Keeps the randomness of orders apart from that of samples. */
const ORDER = 0x6f72;

/**
 * Epochs of a set, each in an order of its own. A place in the stream is a number, and everything
 * follows from it: nothing need be remembered to go on from there.
 *
 * Every epoch leaves out the samples that do not fill a batch; they are others each time.
 */
export class SampleOrder {
  /** Batches in an epoch. */
  readonly perEpoch: number;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array(0);

  /**
   * @param count Size of the set.
   * @param batch Samples in a batch.
   * @param seed 0..2³² − 1
   * @throws {RangeError} The set does not fill one batch.
   */
  constructor(readonly count: number, readonly batch: number, readonly seed: number) {
    if (!(Number.isInteger(batch) && batch >= 1)) {
      throw new RangeError(`A batch must be of at least one sample, not ${batch}`);
    }
    this.perEpoch = Math.floor(count / batch);
    if (this.perEpoch === 0) {
      throw new RangeError(`${count} samples do not fill a batch of ${batch}`);
    }
  }

  /** The batch of a step, counted from 0. */
  at(step: number): BatchPlace {
    const epoch = Math.floor(step / this.perEpoch);
    if (epoch !== this.#epoch) {
      this.#order = randomOrder(randomOf(this.seed, ORDER, epoch), this.count);
      this.#epoch = epoch;
    }
    const index = (step - epoch * this.perEpoch) * this.batch;
    return { step, epoch, index, samples: this.#order.slice(index, index + this.batch) };
  }
}
