/**
 * The errors a caller must be able to tell apart.
 *
 * Everything else follows the language: `TypeError` for a wrong shape or type, `RangeError` for a
 * value out of its range, `SyntaxError` for bytes that cannot be parsed. Errors of what a caller hands in
 * are subclasses of those three, errors of what is found here (models, devices, folders, disks) of
 * `Error`, so a caller who does not care need not know them. `functions/problem.ts`
 * is the one place that maps them to HTTP status codes.
 */

/** The bytes are of a format this project does not read (HTTP 415). */
export class UnsupportedFormatError extends TypeError {
  override name = "UnsupportedFormatError";
}

/** The bytes claim a format this project reads, but cannot be decoded as such (HTTP 400). */
export class DecodeError extends SyntaxError {
  override name = "DecodeError";
}

/** The input is larger than a configured limit; refused before any heavy work (HTTP 413). */
export class LimitError extends RangeError {
  override name = "LimitError";
}

/** An option has the right type but a value that cannot be served (HTTP 422). */
export class OptionError extends RangeError {
  override name = "OptionError";
}

/** A model file is missing, damaged, or not the kind of model a stage needs. */
export class ModelError extends Error {
  override name = "ModelError";
}

/** The execution provider asked for is not available on this machine. */
export class DeviceError extends Error {
  override name = "DeviceError";
}

/** A worker crashed or ran out of memory, and the work with it; the work need not be to blame. */
export class WorkerError extends Error {
  override name = "WorkerError";
}

/** A batch cannot go on: its folder belongs to something else, or its set cannot be read. */
export class BatchError extends Error {
  override name = "BatchError";
}

/** Results cannot be written: the disk is full, or the folder may not be written to. */
export class StorageError extends Error {
  override name = "StorageError";
}

/** A training cannot go on: its folder holds another one, or its loss has left all bounds. */
export class TrainingError extends Error {
  override name = "TrainingError";
}

/** The queue that spreads work over machines cannot be reached or used. */
export class QueueError extends Error {
  override name = "QueueError";
}
