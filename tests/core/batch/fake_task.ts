/** A task for the engine's tests: shouts a text, slowly if wanted, and counts its letters. */

import type { Prepare } from "../../../core/batch/task.ts";

/** What the task is told. */
export interface FakeOptions {
  /** Put behind every text. */
  readonly mark: string;
  /** How long one text takes, in milliseconds. */
  readonly delay: number;
  /** How often the shouted text is repeated, to make large files. */
  readonly repeat: number;
}

export const prepare: Prepare<FakeOptions> = ({ mark, delay, repeat }) => {
  if (mark === "broken") throw new RangeError("No such mark");
  return async ({ text }) => {
    const words = new TextDecoder().decode(text);
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (words.includes("unreadable")) throw new SyntaxError("Cannot read these words");
    const encode = (content: string) => new TextEncoder().encode(content);
    return {
      shout: encode((words.toUpperCase() + mark).repeat(repeat)),
      count: encode(String(words.length)),
    };
  };
};
