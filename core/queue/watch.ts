/** Watches the batches of a queue, from any machine. */

import type { BatchNote, EventNote } from "./messages.ts";
import type { Queue } from "./queue.ts";

/** How a batch is doing. */
export interface BatchState {
  readonly note: BatchNote;
  readonly made: number;
  readonly failed: number;
  /** Images that workers have in hand now, as far as they have said. */
  readonly inWork: number;
  /** Images done by worker, of those that take part now. */
  readonly workers: ReadonlyMap<string, number>;
  /** Milliseconds since 1970 of the last event of which the time is known. */
  readonly latest: number;
}

interface Watched {
  note: BatchNote;
  readonly made: Set<string>;
  readonly failed: Set<string>;
  readonly inWork: Set<string>;
  readonly workers: Map<string, number>;
  latest: number;
}

/** Knows how all batches are doing. Disposing ends that. */
export class QueueWatch {
  readonly #batches = new Map<string, Watched>();
  #close: () => Promise<void> = () => Promise.resolve();

  /** Opens a watch, and takes in what has happened so far. */
  static async open(queue: Queue): Promise<QueueWatch> {
    const watch = new QueueWatch();
    const batches = Promise.withResolvers<void>();
    const notes = await queue.hearBatches((note) => watch.#note(note), batches.resolve);
    await batches.promise;
    const past = Promise.withResolvers<void>();
    const events = await queue.hear(
      "*",
      (event, batch) => watch.#event(event, batch),
      past.resolve,
    );
    await past.promise;
    watch.#close = async () => {
      await notes.close();
      await events.close();
    };
    return watch;
  }

  /** All batches known, the oldest first. */
  get states(): BatchState[] {
    return [...this.#batches.values()]
      .sort((a, b) => a.note.begun - b.note.begun)
      .map(({ note, made, failed, inWork, workers, latest }) => {
        const ended = note.state !== "open";
        return {
          note,
          // The events of a batch are forgotten at its end; what it came to is in its note.
          made: ended ? note.made ?? made.size : made.size,
          failed: ended ? note.failed ?? failed.size : failed.size,
          inWork: ended ? 0 : inWork.size,
          workers,
          latest,
        };
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  #note(note: BatchNote): void {
    const known = this.#batches.get(note.batch);
    if (known?.note.begun === note.begun) known.note = note;
    else {
      this.#batches.set(note.batch, {
        note,
        made: new Set(),
        failed: new Set(),
        inWork: new Set(),
        workers: new Map(),
        latest: note.begun,
      });
    }
  }

  #event(event: EventNote, batch: string): void {
    const known = this.#batches.get(batch);
    if (known === undefined) return;
    const { made, failed, inWork, workers, note } = known;
    switch (event.kind) {
      case "joined":
        workers.set(event.worker, workers.get(event.worker) ?? 0);
        return;
      case "left":
        workers.delete(event.worker);
        return;
      case "begun":
        inWork.add(event.id);
        return;
      case "done":
        inWork.delete(event.id);
        // Of an earlier round of the same batch.
        if (event.at < note.begun || made.has(event.id)) return;
        made.add(event.id);
        workers.set(event.worker, (workers.get(event.worker) ?? 0) + 1);
        known.latest = event.at;
        return;
      case "failed":
        inWork.delete(event.id);
        if (!event.again && event.at >= note.begun) failed.add(event.id);
    }
  }
}
