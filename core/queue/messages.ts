/**
 * What goes over the queue, as JSON. Whoever may write to the queue is trusted with the workers' files, yet
 * what is read is checked: versions may be mixed.
 */

import { z } from "zod";
import type { Json } from "../batch/manifest.ts";

/** Grows when older workers would misunderstand. */
const VERSION = 1;

const fileRecord = z.object({ size: z.number(), mtime: z.number(), sha256: z.string() });
const byKind = <T extends z.ZodType>(type: T) => z.record(z.string(), type);
const plainName = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);

const batchNote = z.object({
  version: z.literal(VERSION),
  /** Names the batch in subjects. */
  batch: plainName,
  run: z.string(),
  task: z.string(),
  /** File name, without its ending, of the task's module in `core/batch/tasks/`. */
  module: z.string().regex(/^[a-z][a-z0-9_]*$/),
  options: z.unknown(),
  madeWith: z.custom<{ readonly [key: string]: Json }>((value) => typeof value === "object"),
  /** Fingerprint of `madeWith`. */
  stamp: z.string(),
  /** As `BatchSurroundings`; of models, the addresses of folders, `null` being the embedded ones. */
  surroundings: z.looseObject({ models: z.array(z.string().nullable()) }),
  outputs: byKind(z.object({ folder: z.string(), ending: z.string(), madeBy: z.string() })),
  /** Whether files lie in folders that all machines share, or go through the object store. */
  results: z.enum(["folder", "store"]),
  /** Images handed over. */
  images: z.number(),
  /** Milliseconds since 1970. */
  begun: z.number(),
  /** Milliseconds without a sign of life after which an image goes to another worker. */
  ackWait: z.number(),
  /** How often an image is handed out before it counts as failed. */
  deliveries: z.number(),
  state: z.enum(["open", "done", "stopped"]),
  /** At the end. */
  made: z.number().optional(),
  failed: z.number().optional(),
});
/** A batch on the queue. */
export type BatchNote = z.infer<typeof batchNote>;

const jobNote = z.object({
  id: z.string(),
  /** That of the batch it was meant for; the batch may have been begun anew meanwhile. */
  stamp: z.string(),
  /** What its inputs are, by kind, for the journal. */
  in: byKind(z.string()),
  /** Where they are, or what name they have in the object store. */
  inputs: byKind(
    z.union([
      z.object({ path: z.string() }),
      z.object({ text: z.string() }),
      z.object({ stored: z.string() }),
    ]),
  ),
});
/** An image to work on. */
export type JobNote = z.infer<typeof jobNote>;

const error = z.object({ name: z.string(), message: z.string() });
const differences = z.array(z.string());
const eventNote = z.discriminatedUnion("kind", [
  /** A worker takes part in a batch. */
  z.object({
    kind: z.literal("joined"),
    worker: z.string(),
    lanes: z.number(),
    /** What may decide how its sums are rounded. */
    settings: byKind(z.union([z.string(), z.number(), z.null()])),
    /** What differs from what the batch says it is made with. */
    unlike: differences,
  }),
  /** A worker takes no part, or no longer. */
  z.object({ kind: z.literal("left"), worker: z.string(), reason: z.string().optional() }),
  z.object({ kind: z.literal("begun"), worker: z.string(), id: z.string() }),
  z.object({
    kind: z.literal("done"),
    worker: z.string(),
    id: z.string(),
    at: z.number(),
    stamp: z.string(),
    in: byKind(z.string()),
    files: byKind(fileRecord),
    unlike: differences.optional(),
  }),
  /** An image has failed; `again` when it will be tried again. */
  z.object({
    kind: z.literal("failed"),
    worker: z.string(),
    id: z.string(),
    at: z.number(),
    error,
    again: z.boolean(),
  }),
]);
/** What happened. */
export type EventNote = z.infer<typeof eventNote>;
/** An image done. */
export type DoneNote = Extract<EventNote, { kind: "done" }>;

const reader = <T>(schema: z.ZodType<T>) => (text: string): T | null => {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

/** These read a message; `null` is one that this version does not understand. */
export const readBatchNote: (text: string) => BatchNote | null = reader(batchNote);
export const readJobNote: (text: string) => JobNote | null = reader(jobNote);
export const readEventNote: (text: string) => EventNote | null = reader(eventNote);

/** The version that {@linkcode BatchNote} has. */
export const MESSAGES_VERSION = VERSION;
