/** Errors that keep their class on the way from a worker to its caller. */

import * as errors from "../errors.ts";

/** An error as it travels between threads. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** Every class of this project, and those of the language that are told apart. */
const CLASSES = { ...errors, RangeError, SyntaxError, TypeError };

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
