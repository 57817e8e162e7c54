/** Errors that keep their class on the way from a worker to its caller. */

import {
  BatchError,
  DecodeError,
  DeviceError,
  LimitError,
  ModelError,
  OptionError,
  StorageError,
  UnsupportedFormatError,
} from "../errors.ts";

/** An error as it travels between threads. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

const CLASSES = {
  BatchError,
  DecodeError,
  DeviceError,
  LimitError,
  ModelError,
  OptionError,
  RangeError,
  StorageError,
  SyntaxError,
  TypeError,
  UnsupportedFormatError,
};

/** Packs anything thrown. */
export function packError(thrown: unknown): WireError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  return { name: thrown.name, message: thrown.message, stack: thrown.stack };
}

/** Makes an error of the class it had; of a class unknown here, a plain `Error`. */
export function reviveError({ name, message, stack }: WireError): Error {
  const Class = Object.hasOwn(CLASSES, name) ? CLASSES[name as keyof typeof CLASSES] : Error;
  const error = new Class(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
