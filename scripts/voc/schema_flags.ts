/** Command-line options made from the schema of a task's options, so that they are told in one place. */

import { type Command, Option } from "commander";
import { z } from "zod";
import { EXIT_USAGE, fail, integerIn, numberIn, numbersIn } from "../cli.ts";

/** What zod says of one option, in JSON Schema. */
interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly items?: Property;
}

/** Adds an option for each of the schema's; with a prefix, `--PREFIX-NAME`. */
export function addSchemaOptions(command: Command, schema: z.ZodObject, prefix = ""): void {
  for (const [name, property] of propertiesOf(schema)) {
    command.addOption(toOption(kebab(prefix === "" ? name : `${prefix}-${name}`), property));
  }
}

/** The options' values, checked; ends the program when they are not valid. */
export function readSchemaOptions<Schema extends z.ZodObject>(
  flags: Readonly<Record<string, unknown>>,
  schema: Schema,
  prefix = "",
): z.output<Schema> {
  const values: Record<string, unknown> = {};
  for (const [name] of propertiesOf(schema)) {
    const value = flags[camel(kebab(prefix === "" ? name : `${prefix}-${name}`))];
    if (value !== undefined) values[name] = value;
  }
  const result = schema.safeParse(values);
  if (!result.success) fail(z.prettifyError(result.error), EXIT_USAGE);
  return result.data;
}

/** The values of the options that were written on the command line, unchecked. */
export function readGivenOptions(
  command: Command,
  schema: z.ZodObject,
): Record<string, unknown> {
  const names = propertiesOf(schema).map(([name]) => [name, camel(kebab(name))] as const);
  return Object.fromEntries(
    names.filter(([, key]) => command.getOptionValueSource(key) === "cli")
      .map(([name, key]) => [name, command.getOptionValue(key)]),
  );
}

/**
 * The command line that tells a schema's options these values; what is not among them is left to the
 * defaults.
 */
export function writeSchemaFlags(
  values: Readonly<Record<string, unknown>>,
  schema: z.ZodObject,
  prefix = "",
): string[] {
  return propertiesOf(schema).flatMap(([name, property]) => {
    const value = values[name];
    if (value === undefined) return [];
    const flag = kebab(prefix === "" ? name : `${prefix}-${name}`);
    if (property.type !== "boolean") return [`--${flag}`, String(value)];
    if (value === (property.default ?? false)) return [];
    return [value === true ? `--${flag}` : `--no-${flag}`];
  });
}

function propertiesOf(schema: z.ZodObject): [string, Property][] {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties as Record<string, Property>);
}

function toOption(name: string, property: Property): Option {
  const { type, description, items } = property;
  if (type === "boolean") {
    // An option that is on can only be switched off.
    return property.default === true
      ? new Option(`--no-${name}`, `do not: ${description}`)
      : new Option(`--${name}`, description);
  }
  if (property.enum !== undefined) {
    return new Option(`--${name} <choice>`, description).choices(property.enum)
      .default(property.default);
  }
  if (type === "array") {
    return new Option(`--${name} <list>`, description).argParser(
      numbersIn(...rangeOf(items ?? {})),
    );
  }
  if (type === "string") {
    return new Option(`--${name} <text>`, description).default(property.default);
  }
  const reader = type === "integer" ? integerIn : numberIn;
  return new Option(`--${name} <n>`, description).argParser(reader(...rangeOf(property)))
    .default(property.default);
}

function rangeOf(property: Property): [low: number, high: number] {
  return [
    property.minimum ?? property.exclusiveMinimum ?? -Infinity,
    property.maximum ?? property.exclusiveMaximum ?? Infinity,
  ];
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** As commander names the value of an option. */
function camel(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
