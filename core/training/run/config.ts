/** The options of a training: from its command line and a file. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { OptionError } from "../../errors.ts";

/** Where options are told. */
export interface ConfigSources {
  /** Path of a JSON file with an object of options, as `config.json` of a run is one. */
  readonly file?: string;
  /** Options that win over those of the file. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/**
 * Puts options together: those told directly, else those of the file, else the defaults of the schema.
 *
 * @param schema A flat object. Names that it does not have are refused, whatever it says of them.
 * @throws {OptionError} The file cannot be read, or an option is unknown, missing or out of its range; the
 *   text names it.
 */
export async function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  { file, flags = {} }: ConfigSources,
): Promise<z.output<Schema>> {
  const told = file === undefined ? {} : await readFileOf(file);
  const result = schema.strict().safeParse({ ...told, ...flags });
  if (result.success) return result.data as z.output<Schema>;
  const where = file === undefined ? "" : ` of ${file} and the command line`;
  throw new OptionError(`Cannot train with the options${where}:\n${z.prettifyError(result.error)}`);
}

async function readFileOf(file: string): Promise<object> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new OptionError(`Cannot read options from ${file}: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError(`Cannot read options from ${file}: it holds no JSON object`);
  }
  return value;
}
