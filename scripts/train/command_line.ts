/** The command that a training is told again with. */

import { basename, isAbsolute } from "node:path";
import type { z } from "zod";
import { writeSchemaFlags } from "../voc/schema_flags.ts";
import { MAY_CHANGE } from "./training_script.ts";

/** Of those that do not decide the numbers, the one that must be told. */
const NEEDED = "run";

/**
 * The command line of a training, for others to give: options that are not the defaults, but for those that
 * only suit this machine; of paths outside of the project only the last part; quoted for a shell.
 *
 * @param task As `train:affinity`.
 */
export function writeCommandLine(
  task: string,
  schema: z.ZodObject,
  config: Readonly<Record<string, unknown>>,
): string {
  const telling = Object.entries(config).filter(([name, value]) =>
    name === NEEDED || !MAY_CHANGE.includes(name) && !isDefault(schema, name, value)
  ).map(([name, value]) => [name, typeof value === "string" ? portable(value) : value]);
  const flags = writeSchemaFlags(Object.fromEntries(telling), schema);
  return ["deno task", task, ...flags.map(quote)].join(" ");
}

function isDefault(schema: z.ZodObject, name: string, value: unknown): boolean {
  const result = (schema.shape[name] as z.ZodType | undefined)?.safeParse(undefined);
  return result?.success === true && JSON.stringify(result.data) === JSON.stringify(value);
}

/** Where a file lies on this machine is nobody's concern. */
function portable(text: string): string {
  return isAbsolute(text) || /^(\.\.[\\/])+/.test(text) ? basename(text) : text;
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
